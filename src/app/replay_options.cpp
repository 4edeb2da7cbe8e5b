#include "app/replay_options.h"

#include <CLI/CLI.hpp>
#include <string>

#include "app/price_sheet.h"
#include "sim/policies.h"

namespace forewarm {
namespace {

std::string price_names() {
  std::string names;
  for (const std::string_view name : built_in_price_sheets())
    names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

}  // namespace

void add_replay_options(CLI::App& sub, ReplayCommand& command) {
  sub.add_option("trace", command.trace,
                 "trace file or folder (docs/formats/trace.md); a recording with --audit")
      ->required();
  sub.add_option("--policy", command.policies,
                 "what to compare, repeatable (default: forewarm, keda, keep-alive:10m, static):\n" +
                     std::string(policies_help()))
      ->allow_extra_args(false);
  sub.add_option("--queue", command.queues, "only this queue; repeatable")->allow_extra_args(false);
  sub.add_option("--start-time", command.start_time, "start time of an instance, median (default 1s)");
  sub.add_option("--objective", command.objective, "a message should start within this (default 500ms)");
  sub.add_option("--step", command.step, "width of a forecast interval (default 10s)");
  sub.add_option("--seed", command.seed, "of everything random")->capture_default_str();
  sub.add_option("--speed", command.speed, "compress the trace's time by this factor")->capture_default_str();
  sub.add_option("--late-share", command.late_share, "share of the messages that may be late")
      ->capture_default_str();
  sub.add_option("--memory-max", command.memory_max_mb,
                 "MiB that all instances of a policy share, at 128 each (default: no limit)");
  sub.add_option("--scored", command.scored,
                 "share of the time, its last, that counts; before it policies only learn")
      ->capture_default_str();
  sub.add_flag("--no-bound", command.no_bound, "without what a policy that knows all to come would need");
  sub.add_option("--prices", command.prices,
                 "what it costs in money: a TOML file (docs/formats/prices.md) or one of\n" + price_names());
  sub.add_option("--threads", command.threads, "policies run side by side (default: all processors)");
  sub.add_option("--html", command.html, "write a report with pictures to this file");
  sub.add_flag("--json", command.json, "JSON on standard output");
  sub.add_flag("--audit", command.audit,
               "TRACE is a recording of serve --record: check that it brings the same decisions");
}

}  // namespace forewarm
