#include "app/demo_report.h"

#include <algorithm>

#include "app/replay.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

/// The part of the trace that was played, as far as the live books go.
Trace played(const Trace& trace, std::uint64_t messages) {
  Trace out = trace;
  out.arrivals.resize(std::min<std::size_t>(out.arrivals.size(), messages));
  if (!out.arrivals.empty() && out.arrivals.size() < trace.arrivals.size())
    out.length = out.arrivals.back().at + 1s;
  return out;
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

std::string demo_report(const Trace& trace, const DemoResult& live, const DemoSettings& settings) {
  std::string out;
  if (live.queues.empty()) return "the demo ended before anything was played\n";
  QueueLedger total;
  for (const QueueLedger& queue : live.queues) total.add(queue);

  ReplayOptions options;
  options.policies = {"forewarm", "reactive", "keep-alive:5s"};
  options.start_time = live.start_time > Duration(0) ? live.start_time : 400ms;
  options.objective = settings.objective;
  options.late_share_max = settings.late_share_max;
  options.step = settings.step;
  options.instances_max = 40;
  options.seed = settings.seed;
  const Result<ReplayReport> replayed = replay(played(trace, live.sent), options);
  if (!replayed) return replayed.error().message + "\n";

  out += live.interrupted ? "\nInterrupted; this is what was played so far.\n" : "\n";
  TextTable table;
  table.row({"", "messages", "late", "wait p50 ms", "p99 ms", "waited for a start", "starts", "instance-s"});
  table.row(row("live run, forewarm", total));
  for (const PolicyResult& policy : replayed->policies)
    table.row(row("replay, " + policy.policy, policy.result.total));
  out += table.text();
  out +=
      "\nlate: started more than " + fixed(seconds(settings.objective) * 1000, 0) +
      " ms after it was due (objective: at most " + fixed(settings.late_share_max * 100, 0) +
      "%). A start took " + fixed(seconds(options.start_time) * 1000, 0) +
      " ms in the mean here.\nThe replays run the same messages through the same core in simulated time with "
      "that start time; the live\n"
      "run is real processes. Compare replay with replay: the live run also pays for this machine's noise.\n";
  out += grouped(live.cold_starts_avoided) +
         " instances that were started ahead of need met their first message warm (live).\n";
  if (live.refused > 0) out += grouped(live.refused) + " sends were refused or not answered.\n";

  out += "\nqueue by queue (replay):\n";
  TextTable queues;
  queues.row({"", "messages", "forewarm", "reactive", "prediction"});
  const std::vector<QueueLedger>& ours = replayed->policies[0].result.queues;
  const std::vector<QueueLedger>& reactive = replayed->policies[1].result.queues;
  for (std::size_t i = 0; i < trace.queues.size(); ++i) {
    if (ours[i].messages == 0) continue;
    queues.row({trace.queues[i].name, grouped(ours[i].messages), both(ours[i]), both(reactive[i]),
                verdict(ours[i], reactive[i])});
  }
  return out + queues.text();
}

}  // namespace forewarm
