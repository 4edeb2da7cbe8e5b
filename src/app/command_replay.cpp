// forewarm replay

#include <fstream>
#include <iostream>
#include <optional>

#include "app/commands.h"
#include "app/config.h"
#include "app/recording.h"
#include "app/replay.h"
#include "app/replay_report.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

int failed(const std::string& message) {
  std::cerr << message << "\n";
  return 1;
}

int run_audit(const ReplayCommand& command) {
  Result<AuditResult> audit = error(ErrorCode::Closed, "");
  {
    ProgressBar bar("audit");
    audit = audit_recording(command.trace, [&bar](double share) { bar.show(share); });
  }
  if (!audit) return failed(audit.error().message);
  if (audit->first_difference_line > 0) {
    return failed(command.trace + ":" + std::to_string(audit->first_difference_line) +
                  ": the replay decides something else.\nrecorded:" + audit->recorded +
                  "\nreplayed:" + audit->replayed);
  }
  std::cout << grouped(audit->events) << " events bring the same " << grouped(audit->actions)
            << " decisions, byte for byte\n";
  return 0;
}

/// Reads "--objective 200ms" and the like into an option; the error names the flag.
Result<void> read_duration(const char* flag, const std::string& text, Duration& value) {
  if (text.empty()) return {};
  const Result<Duration> read = parse_duration(text);
  if (!read || *read <= Duration(0)) {
    return error(
        ErrorCode::Invalid,
        std::string(flag) + ": expected a duration above zero such as 500ms or 10s, found '" + text + "'");
  }
  value = *read;
  return {};
}

}  // namespace

int run_replay(const ReplayCommand& command) {
  if (command.audit) return run_audit(command);
  ReplayOptions options;
  options.trace = command.trace;
  if (!command.policies.empty()) options.policies = command.policies;
  options.queues = command.queues;
  options.seed = command.seed;
  options.speed = command.speed;
  if (command.speed <= 0) return failed("--speed: expected a number above zero");
  for (const Result<void>& read : {read_duration("--start-time", command.start_time, options.start_time),
                                   read_duration("--objective", command.objective, options.objective),
                                   read_duration("--step", command.step, options.step)}) {
    if (!read) return failed(read.error().message);
  }
  Result<ReplayReport> report = error(ErrorCode::Closed, "");
  {
    ProgressBar bar("replay");
    const auto count = static_cast<double>(options.policies.size());
    options.progress = [&](std::size_t policy, double share) {
      bar.show((static_cast<double>(policy) + share) / count, options.policies[policy]);
    };
    report = replay(options);
  }
  if (!report) return failed(report.error().message);
  std::cout << (command.json ? replay_json(*report) + "\n" : replay_table(*report));
  if (!command.html.empty()) {
    std::ofstream file(command.html, std::ios::binary);
    file << replay_html(*report);
    file.close();
    if (!file) return failed(command.html + ": cannot be written");
    std::cerr << "wrote " << command.html << "\n";
  }
  return 0;
}

}  // namespace forewarm
