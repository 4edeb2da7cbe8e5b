#include "app/control_commands.h"

#include <CLI/CLI.hpp>

namespace forewarm {
namespace {

int run_chosen(const ControlCommand& command) {
  switch (command.what) {
    case ControlCommand::What::Run:
      return run_control(command);
    case ControlCommand::What::Keda:
      return run_control_keda(command);
    case ControlCommand::What::Rollback:
      return run_control_rollback(command);
  }
  return 2;
}

}  // namespace

void add_control_commands(CLI::App& program, ControlCommand& command,
                          const std::function<void(CLI::App*, std::function<int()>)>& on) {
  CLI::App* control = program.add_subcommand(
      "control",
      "watch queues by metrics alone, and tell what runs their messages how many instances to have");
  control->footer(
      "Without --apply nothing is sent: what would be is logged.\n\nExamples:\n"
      "  forewarm control --config control.toml --once\n  forewarm control --config control.toml\n"
      "  forewarm control --config control.toml --apply\n"
      "  forewarm control rollback --config control.toml\n"
      "  forewarm control keda orders --config control.toml | kubectl apply -f -");
  const auto add_config = [&command](CLI::App* to) {
    to->add_option("--config", command.config, "TOML file with [[control]] tables (docs/control.md)")
        ->envname("FOREWARM_CONTROL_CONFIG")
        ->capture_default_str();
  };
  add_config(control);
  control->add_flag("--once", command.once, "two readings and a forecast, print the plan, and end");
  control->add_flag("--apply", command.apply, "send directives to the targets");
  control->add_flag("--json", command.json, "with --once: JSON on standard output");
  CLI::App* keda = control->add_subcommand("keda", "print the ScaledObject of a queue whose target is keda");
  keda->footer("Examples:\n  forewarm control keda orders --config control.toml");
  keda->add_option("name", command.name, "the queue's name")->required();
  add_config(keda);
  keda->callback([&command] { command.what = ControlCommand::What::Keda; });
  CLI::App* rollback = control->add_subcommand(
      "rollback", "put back at the targets what was found before the first directive");
  rollback->footer(
      "Stop control first.\n\nExamples:\n  forewarm control rollback --config control.toml\n"
      "  forewarm control rollback --config control.toml --queue orders");
  rollback->add_option("--queue", command.name, "only this queue's target");
  add_config(rollback);
  rollback->callback([&command] { command.what = ControlCommand::What::Rollback; });
  // A program's own callback comes after its subcommands'.
  on(control, [&command] { return run_chosen(command); });
}

}  // namespace forewarm
