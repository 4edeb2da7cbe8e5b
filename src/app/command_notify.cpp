// forewarm notify

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "app/alert_service.h"
#include "app/notify_commands.h"
#include "app/notify_config.h"
#include "app/opened_history.h"
#include "app/terminal.h"
#include "edge/observe/json_writer.h"
#include "edge/observe/notify/receiver.h"

namespace forewarm {
namespace {

std::string_view outcome_word(DeliveryOutcome::Kind kind) {
  using Kind = DeliveryOutcome::Kind;
  return kind == Kind::Delivered ? "delivered" : kind == Kind::Failed ? "failed" : "refused";
}

}  // namespace

int run_notify_test(const NotifyCommand& command) {
  const Result<std::vector<NotifyConfig>> notify = read_notify_file(command.config);
  if (!notify) return failed(notify.error());
  std::vector<std::string_view> names;
  for (const NotifyConfig& one : *notify) names.push_back(one.name);
  if (!command.receiver.empty() && std::ranges::find(names, command.receiver) == names.end()) {
    const std::string_view meant = nearest_name(command.receiver, names);
    return failed(
        {ErrorCode::NotFound, command.config + ": there is no [[notify]] '" + command.receiver + "'" +
                                  (meant.empty() ? "" : ". Did you mean " + std::string(meant) + "?")});
  }
  bool all = true;
  std::string text;
  JsonWriter json(text);
  json.open_array();
  for (const NotifyConfig& one : *notify) {
    if (!command.receiver.empty() && one.name != command.receiver) continue;
    const TimePoint now = wall_time();
    const DeliveryOutcome outcome =
        deliver(receiver_of(one), trial_notification(now),
                {.receiver = one.name, .instance = instance_label(0), .url = "", .now = now}, {});
    all = all && outcome.kind == DeliveryOutcome::Kind::Delivered;
    json.open_object()
        .member("receiver", one.name)
        .member("kind", one.kind)
        .member("outcome", outcome_word(outcome.kind))
        .member("answer", outcome.answer)
        .close_object();
    if (!command.json)
      std::cout << one.name << " (" << one.kind << "): " << outcome_word(outcome.kind) << ": "
                << outcome.answer << "\n";
  }
  json.close_array();
  if (command.json) std::cout << text << "\n";
  return all ? 0 : 1;
}

void add_notify_commands(CLI::App& program, NotifyCommand& command,
                         const std::function<void(CLI::App*, std::function<int()>)>& on) {
  CLI::App* notify = program.add_subcommand("notify", "who is told of alerts: test");
  notify->require_subcommand(1);
  CLI::App* test = notify->add_subcommand("test", "send a test to the receivers, and say what came back");
  test->footer(
      "Needs no running server.\n\nExamples:\n  forewarm notify test --config forewarm.toml\n"
      "  forewarm notify test ops-mail --config forewarm.toml\n"
      "  forewarm notify test --config control.toml --json");
  test->add_option("receiver", command.receiver, "name of one [[notify]]; all, if it is not given");
  test->add_option("--config", command.config, "TOML file of serve or of control, with [[notify]] tables")
      ->envname("FOREWARM_CONFIG")
      ->required();
  test->add_flag("--json", command.json, "JSON on standard output");
  on(test, [&command] { return run_notify_test(command); });
}

}  // namespace forewarm
