#include <algorithm>
#include <boost/json.hpp>
#include <iostream>

#include "app/control_commands.h"
#include "app/control_config.h"
#include "app/control_history.h"
#include "app/control_schedule.h"
#include "app/control_service.h"
#include "app/opened_history.h"
#include "app/target_factory.h"
#include "app/terminal.h"
#include "edge/net/egress.h"
#include "edge/observe/decision_log.h"
#include "edge/store/directory.h"

namespace forewarm {
namespace {

constexpr std::chrono::seconds kRollbackPatience(30);

/// What its target is to set by itself, and what would be sent for that.
std::string schedule_text(const boost::json::object& schedule) {
  std::string text;
  for (const boost::json::value& level : schedule.at("levels").as_array())
    text += "  then " + boost::json::serialize(level.at("instances")) + " at " +
            std::string(level.at("at").as_string()) + "\n";
  for (const boost::json::value& change : schedule.at("changes").as_array())
    text += "  would send: " + std::string(change.as_string()) + "\n";
  const std::string problem(schedule.at("problem").as_string());
  return problem.empty() ? text : text + "  " + problem + "\n";
}

/// The plan of each queue for people.
std::string plan_text(const std::string& plan_json, bool apply) {
  const boost::json::value answer = boost::json::parse(plan_json);
  std::string text;
  for (const boost::json::value& queue : answer.at("queues").as_array()) {
    const auto said = [&queue](const char* name) { return std::string(queue.at(name).as_string()); };
    const boost::json::value& set = queue.at("set");
    text += said("queue") + ": " + (set.is_null() ? "nothing" : boost::json::serialize(set)) + " set, " +
            boost::json::serialize(queue.at("instances")) + " planned. " + said("why") + "\n";
    if (const boost::json::object* order = queue.at("order").if_object())
      text += "  would send: " + std::string(order->at("request").as_string()) + "\n";
    else if (!apply)
      text += "  nothing to send\n";
    if (const boost::json::value& held = queue.at("held_from"); !held.is_null())
      text += "  " + boost::json::serialize(held) + " are wanted; the target takes " +
              boost::json::serialize(queue.at("most")) + " at most as it is set up\n";
    if (const boost::json::object* schedule = queue.at("schedule").if_object())
      text += schedule_text(*schedule);
    for (const char* problem : {"reading_problem", "target_problem", "refusal"})
      if (!said(problem).empty()) text += "  " + said(problem) + "\n";
  }
  return text;
}

/// Names of a decision log that knows its queues by the order of the configuration.
class ConfiguredNames : public Names {
 public:
  explicit ConfiguredNames(const ControlFile& config) : config_(config) {}
  std::string queue(QueueId id) const override { return config_.controls[id.value() - 1].queue; }
  std::string function(FunctionId) const override { return {}; }

 private:
  const ControlFile& config_;
};

/// With nobody else's thread between.
Result<void> forget_now(ControlState& state, const std::string& queue) {
  Result<void> done;
  state.forget(queue, [&done](Result<void> forgotten) { done = std::move(forgotten); });
  return done;
}

/// Puts one target back. False, with the reason on standard error, where it is not as it was found.
bool roll_back(ControlState& state, const ControlConfig& control, std::vector<DirectiveRecord>& records) {
  const KeptTarget* kept = state.find(control.queue, target_identity(control.target));
  if (kept == nullptr || !kept->changed) {
    std::cerr << control.queue << ": nothing was ever changed at its target\n";
    return true;
  }
  const auto failed_with = [&control](const Error& why) {
    std::cerr << control.queue << ": " << why.message << "\n";
    return false;
  };
  auto target = make_target(control);
  if (!target) return failed_with(target.error());
  if (control.target.kind == "keda") {
    std::cerr << control.queue << ": KEDA fetches its number; delete the ScaledObject to end that\n";
    if (const auto done = forget_now(state, control.queue); !done) return failed_with(done.error());
    return true;
  }
  WithdrawnSchedule withdrawn = withdraw_schedule(**target, control.target.kind);
  records = std::move(withdrawn.removed);
  if (!withdrawn.done) return failed_with(withdrawn.done.error());
  DirectiveRecord record{.target = control.target.kind,
                         .outcome = DirectiveOutcome::RolledBack,
                         .instances = kept->found,
                         .before = kept->told,
                         .request = {}};
  const TargetState before{.set = kept->found, .ready = {}, .beside = kept->beside};
  bool as_found = record.before == before.set;
  if ((*target)->readable()) {
    const Result<TargetState> now = (*target)->current({});
    if (!now) return failed_with(now.error());
    record.before = now->set;
    as_found = now->set == before.set && (!before.beside || now->beside == before.beside);
  }
  record.request = (*target)->put_back_text(before);
  if (!as_found)
    if (const auto done = (*target)->put_back(before, {}); !done) return failed_with(done.error());
  const std::string found = kept->found ? std::to_string(*kept->found) : "nothing set";
  std::cout << control.queue << ": " << found << ", as found\n";
  records.push_back(std::move(record));
  if (const auto done = forget_now(state, control.queue); !done) return failed_with(done.error());
  return true;
}

/// Its egress is in force from now on.
Result<ControlFile> read_and_obey(const ControlCommand& command) {
  Result<ControlFile> config = read_control_file(command.config);
  if (!config) return config;
  if (const auto egress = restrict_egress(config->egress); !egress) return std::unexpected(egress.error());
  return config;
}

/// Where the configuration says; `database` is to outlive it.
Result<std::unique_ptr<ControlState>> open_kept_state(const ControlFile& config,
                                                      std::unique_ptr<HistoryDatabase>& database) {
  if (config.history.empty()) return open_state_file(config.data);
  auto opened = HistoryDatabase::open(control_history(config, kRollbackPatience));
  if (!opened) return std::unexpected(opened.error());
  database = std::move(*opened);
  const auto in_history = [&database](const std::function<void(HistoryDatabase&)>& work) {
    work(*database);
    return true;
  };
  return open_shared_state(config.data, *database,
                           {.in_history = in_history, .back = [](const auto& work) { work(); }});
}

}  // namespace

int run_control(const ControlCommand& command) {
  Result<ControlFile> config = read_and_obey(command);
  if (!config) return failed(config.error());
  const Result<LogLevel> level = parse_log_level(config->log_level);
  if (!level) return failed(level.error());
  if (command.once && command.apply && !config->leader.kind.empty())
    return failed({ErrorCode::Invalid,
                   "--once --apply would act beside the copy that leads. Leave out --apply, or run it with a "
                   "file without [leader] when all copies are stopped"});
  Log log({.level = *level, .descriptor = 2, .format = log_format_for(2)});
  auto service = ControlService::open(
      {.config = std::move(*config), .log = &log, .apply = command.apply, .once = command.once});
  if (!service) {
    log.error(service.error().message);
    return 1;
  }
  (*service)->run();
  if (!command.once) {
    log.info("stopped");
    return 0;
  }
  const std::string plan = (*service)->plan_json();
  std::cout << (command.json ? plan + "\n" : plan_text(plan, command.apply));
  return (*service)->well() ? 0 : 1;
}

int run_control_keda(const ControlCommand& command) {
  const Result<ControlFile> config = read_and_obey(command);
  if (!config) return failed(config.error());
  const auto control = std::ranges::find(config->controls, command.name, &ControlConfig::queue);
  if (control == config->controls.end())
    return failed({ErrorCode::NotFound, command.config + ": there is no [[control]] '" + command.name + "'"});
  const Result<std::string> text = scaled_object_of(*config, *control);
  if (!text) return failed(text.error());
  std::cout << *text;
  return 0;
}

int run_control_rollback(const ControlCommand& command) {
  const Result<ControlFile> config = read_and_obey(command);
  if (!config) return failed(config.error());
  const auto lock = StoreDirectory::open(config->data);
  if (!lock) return failed({lock.error().code, lock.error().message + ". Stop control first"});
  std::unique_ptr<LeaderElection> lead;  // until the end
  if (!config->leader.kind.empty()) {
    auto led = lead_for_a_while(config->leader);
    if (!led) return failed(led.error());
    lead = std::move(*led);
  }
  std::unique_ptr<HistoryDatabase> database;
  const auto state = open_kept_state(*config, database);
  if (!state) return failed(state.error());
  const ConfiguredNames names(*config);
  DecisionLog decisions({.directory = config->data + "/decisions"}, names);
  bool all = true, any = false;
  for (std::size_t i = 0; i < config->controls.size(); ++i) {
    const ControlConfig& control = config->controls[i];
    if (!command.name.empty() && control.queue != command.name) continue;
    any = true;
    std::vector<DirectiveRecord> records;
    all = roll_back(**state, control, records) && all;
    for (const DirectiveRecord& record : records)
      decisions.record(QueueId(static_cast<std::uint32_t>(i + 1)), {wall_time(), control.queue, record});
  }
  if (!any)
    return failed({ErrorCode::NotFound, command.config + ": there is no [[control]] '" + command.name + "'"});
  return all ? 0 : 1;
}

}  // namespace forewarm
