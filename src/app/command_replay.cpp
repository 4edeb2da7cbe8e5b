#include <fstream>
#include <iostream>
#include <memory>
#include <tuple>

#include "app/commands.h"
#include "app/config.h"
#include "app/price_sheet.h"
#include "app/recording.h"
#include "app/replay.h"
#include "app/replay_report.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

Result<void> set_duration(Duration& into, const std::string& text, const char* option) {
  if (text.empty()) return {};
  const Result<Duration> parsed = parse_duration(text);
  if (!parsed) return error(ErrorCode::Invalid, std::string(option) + ": " + parsed.error().message);
  if (*parsed <= Duration(0)) return error(ErrorCode::Invalid, std::string(option) + ": must be above zero");
  into = *parsed;
  return {};
}

Result<ReplayOptions> options_of(const ReplayCommand& command) {
  ReplayOptions options;
  options.trace = command.trace;
  if (!command.policies.empty()) options.policies = command.policies;
  options.queues = command.queues;
  options.seed = command.seed;
  options.speed = command.speed;
  if (!(options.speed > 0)) return error(ErrorCode::Invalid, "--speed: must be above zero");
  options.scored = command.scored;
  if (!(options.scored > 0 && options.scored <= 1))
    return error(ErrorCode::Invalid, "--scored: a share of the time above 0 and up to 1, such as 0.3");
  options.late_share_max = command.late_share;
  if (!(options.late_share_max > 0 && options.late_share_max < 1))
    return error(ErrorCode::Invalid, "--late-share: a share of the messages between 0 and 1, such as 0.01");
  options.memory_max_mb = command.memory_max_mb;
  if (options.memory_max_mb > 0 && (options.memory_max_mb < 128 || options.memory_max_mb > 100'000'000))
    return error(ErrorCode::Invalid, "--memory-max: 128, what one instance has, to 100000000");
  options.bound = !command.no_bound;
  options.threads = command.threads;
  for (const auto& [into, text, name] : {std::tuple{&options.start_time, &command.start_time, "--start-time"},
                                         std::tuple{&options.objective, &command.objective, "--objective"},
                                         std::tuple{&options.step, &command.step, "--step"}}) {
    if (Result<void> set = set_duration(*into, *text, name); !set) return std::unexpected(set.error());
  }
  if (command.prices.empty()) return options;
  Result<PriceSheet> prices = find_price_sheet(command.prices);
  if (!prices) return error(prices.error().code, "--prices: " + prices.error().message);
  options.prices = std::move(*prices);
  return options;
}

Result<void> write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.flush();
  if (!file) return error(ErrorCode::Io, path + ": cannot be written");
  return {};
}

int audit(const std::string& path) {
  ProgressBar bar("audit");
  const Result<AuditResult> result = audit_recording(path, [&](double share) { bar.show(share); });
  if (!result) return failed(result.error());
  if (result->first_difference_line > 0) {
    std::cout << path << ":" << result->first_difference_line << ": recorded: " << result->recorded
              << "\ndecided now: " << result->replayed << "\n";
    return 1;
  }
  std::cout << grouped(result->events) << " events, " << grouped(result->actions)
            << " decisions: all the same\n";
  return 0;
}

}  // namespace

int run_replay(const ReplayCommand& command) {
  if (command.audit) return audit(command.trace);
  Result<ReplayOptions> options = options_of(command);
  if (!options) return failed(options.error());
  auto bar = std::make_unique<ProgressBar>("replay");
  options->progress = [&](double share, const std::string& what) { bar->show(share, what); };
  const Result<ReplayReport> report = replay(*options);
  bar.reset();
  if (!report) return failed(report.error());
  std::cout << (command.json ? replay_json(*report) : replay_table(*report));
  if (!command.html.empty()) {
    if (Result<void> written = write_file(command.html, replay_html(*report)); !written)
      return failed(written.error());
    std::cerr << "wrote " << command.html << "\n";
  }
  return 0;
}

}  // namespace forewarm
