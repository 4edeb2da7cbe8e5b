#include "app/demo_report.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "app/replay.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

double instance_ratio(const QueueLedger& replayed, const QueueLedger& live) {
  return live.instance_seconds() > 0 ? replayed.instance_seconds() / live.instance_seconds() : 0;
}

boost::json::object demo_figures(const QueueLedger& books) {
  const auto ms = [&](double level) { return seconds(books.waits.quantile(level)) * 1000; };
  return {{"messages", books.messages},
          {"late_share", books.late_share()},
          {"wait_p50_ms", ms(0.5)},
          {"wait_p99_ms", ms(0.99)},
          {"cold_starts", books.cold_starts},
          {"starts", books.starts},
          {"instance_seconds", books.instance_seconds()},
          {"starting_seconds", books.starting_seconds},
          {"idle_seconds", books.idle_seconds},
          {"busy_seconds", books.busy_seconds}};
}

std::vector<std::string> row(const std::string& name, const QueueLedger& books) {
  const auto ms = [&](double level) { return fixed(seconds(books.waits.quantile(level)) * 1000, 0); };
  return {name,
          grouped(books.messages),
          fixed(books.late_share() * 100, 2) + "%",
          ms(0.5),
          ms(0.99),
          grouped(books.cold_starts),
          grouped(books.starts),
          fixed(books.instance_seconds(), 0)};
}

/// Late share and instance time of a queue in a few words.
std::string both(const QueueLedger& books) {
  return fixed(books.late_share() * 100, 1) + "% late, " + fixed(books.instance_seconds(), 0) + " s";
}

/// What prediction changed for a queue. Within 2 % is the same.
std::string verdict(const QueueLedger& ours, const QueueLedger& reactive) {
  constexpr double kSame = 0.02;
  const auto compare = [](double a, double b) {
    return a < b * (1 - kSame) ? -1 : a > b * (1 + kSame) ? 1 : 0;
  };
  const int late = compare(static_cast<double>(ours.late), static_cast<double>(reactive.late));
  const int cost = compare(ours.instance_seconds(), reactive.instance_seconds());
  if (late == 0 && cost == 0) return "no difference";
  if (late <= 0 && cost <= 0)
    return late < 0 && cost < 0 ? "won: fewer late, cheaper" : late < 0 ? "won: fewer late" : "won: cheaper";
  if (late >= 0 && cost >= 0) return "LOST";
  return late < 0 ? "fewer late, dearer" : "cheaper, more late";
}

}  // namespace

Result<DemoComparison> compare_demo(const DemoResult& live, const DemoSettings& settings) {
  DemoComparison comparison;
  for (const QueueLedger& queue : live.queues) comparison.live.add(queue);
  ReplayOptions options;
  options.policies = {"forewarm", "reactive", "keep-alive:5s"};
  options.start_time = live.world.start_time.mean();
  options.objective = settings.objective;
  options.late_share_max = settings.late_share_max;
  options.bound = false;
  options.seed = settings.seed;
  options.measured = live.world;
  Result<ReplayReport> replayed = replay(live.played, options);
  if (!replayed) return std::unexpected(replayed.error());
  comparison.replays = std::move(*replayed);
  return comparison;
}

std::string demo_report(const DemoComparison& comparison, const DemoResult& live,
                        const DemoSettings& settings) {
  const std::vector<PolicyResult>& policies = comparison.replays.policies;
  std::string out = live.interrupted ? "\nInterrupted; this is what was played so far.\n" : "\n";
  TextTable table;
  table.row({"", "messages", "late", "wait p50 ms", "p99 ms", "waited for a start", "starts", "instance-s"});
  table.row(row("live run, forewarm", comparison.live));
  for (const PolicyResult& policy : policies) table.row(row("replay, " + policy.policy, policy.result.total));
  out += table.text();
  const double off = instance_ratio(policies[0].result.total, comparison.live) - 1;
  out +=
      "\nlate: started more than " + fixed(seconds(settings.objective) * 1000, 0) +
      " ms after it was due (objective: at most " + fixed(settings.late_share_max * 100, 0) +
      "%). A start took " + fixed(seconds(live.world.start_time.mean()) * 1000, 0) +
      " ms in the mean here.\nAll rows are of the same " + fixed(seconds(live.played.length), 0) +
      " seconds. The replays run the messages as they came, through the same core in simulated time, with\n"
      "the settings, start times and service times of the live run. Forewarm's needs " +
      fixed(off < 0 ? -off * 100 : off * 100, 1) + "% " + (off < 0 ? "less" : "more") +
      " instance time than its\nlive run did: that is how far the replays can be believed.\n";
  out += grouped(live.cold_starts_avoided) +
         " instances that were started ahead of need met their first message warm (live).\n";
  out += grouped(live.handled) + " of the " + grouped(live.sent) + " messages that were sent were handled, " +
         grouped(live.handled_again) + " times one of them again.\n";
  if (live.refused > 0) out += grouped(live.refused) + " sends were refused or not answered.\n";

  out += "\nqueue by queue (replay):\n";
  TextTable queues;
  queues.row({"", "messages", "forewarm", "reactive", "prediction"});
  const std::vector<QueueLedger>& ours = policies[0].result.queues;
  const std::vector<QueueLedger>& reactive = policies[1].result.queues;
  for (std::size_t i = 0; i < live.played.queues.size(); ++i) {
    if (ours[i].messages == 0) continue;
    queues.row({live.played.queues[i].name, grouped(ours[i].messages), both(ours[i]), both(reactive[i]),
                verdict(ours[i], reactive[i])});
  }
  return out + queues.text();
}

std::string demo_json(const DemoComparison& comparison, const DemoResult& live) {
  boost::json::object replays;
  for (const PolicyResult& policy : comparison.replays.policies)
    replays[policy.policy] = demo_figures(policy.result.total);
  const boost::json::object out = {{"seconds", seconds(live.played.length)},
                                   {"start_time_mean_ms", seconds(live.world.start_time.mean()) * 1000},
                                   {"stop_time_ms", seconds(live.world.stop_time) * 1000},
                                   {"fit_latency_ms", seconds(live.world.fit_latency) * 1000},
                                   {"interrupted", live.interrupted},
                                   {"sent", live.sent},
                                   {"refused", live.refused},
                                   {"handled", live.handled},
                                   {"handled_again", live.handled_again},
                                   {"live", demo_figures(comparison.live)},
                                   {"replay", replays}};
  return boost::json::serialize(out) + "\n";
}

}  // namespace forewarm
