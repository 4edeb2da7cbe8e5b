#include "app/replay_report.h"

#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "app/config.h"
#include "app/replay_ratio.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kLostShown = 10;

double milliseconds(Duration duration) {
  return seconds(duration) * 1e3;
}

std::string duration_text(Duration duration) {
  const double ms = milliseconds(duration);
  if (ms < 10) return fixed(ms, 1) + " ms";
  if (ms < 1000) return fixed(ms, 0) + " ms";
  return ms < 100'000 ? fixed(ms / 1e3, 1) + " s" : grouped(static_cast<std::uint64_t>(ms / 1e3)) + " s";
}

json::object cost_json(const Cost& cost) {
  return {{"total", cost.total()},       {"starting", cost.starting},
          {"idle", cost.idle},           {"frozen", cost.frozen},
          {"busy", cost.busy},           {"rounding", cost.rounding},
          {"starts", cost.starts},       {"requests", cost.requests},
          {"committed", cost.committed}, {"committed_instances", cost.committed_instances}};
}

json::value prices_json(const std::optional<PriceSheet>& prices) {
  if (!prices) return nullptr;
  return json::object{
      {"name", prices->name}, {"currency", prices->currency}, {"memory_gb", prices->memory_gb}};
}

std::string prices_note(const PriceSheet& prices) {
  std::string out = prices.currency + ": what it costs by the price sheet " + prices.name +
                    ", instances of " + fixed(prices.memory_gb, 2) +
                    " GB. Prices of this kind change; check them.\n";
  if (prices.idle_second <= 0)
    out += "Idle instances cost nothing by this sheet, so what a policy keeps warm looks free.\n";
  if (prices.committed)
    out +=
        "committed: instances, of all queues, that are cheaper paid for all the time; chosen with "
        "hindsight, and in the cost.\n";
  return out;
}

/// The columns of money, in the table's order.
void append_cost(std::vector<std::string>& row, const std::optional<PriceSheet>& prices, const Cost& cost) {
  if (!prices) return;
  row.push_back(money_text(cost.total()));
  if (prices->committed) row.push_back("of it " + grouped(cost.committed_instances) + " committed");
}

json::value ratio_json(const ReplayReport& report, std::size_t policy) {
  const std::optional<CostRatio> found = cost_ratio(report, policy);
  if (!found) return nullptr;
  json::value interval = nullptr;
  // An upper end without bound is none that JSON could say.
  if (found->interval && std::isfinite(found->interval->high))
    interval = json::array{found->interval->low, found->interval->high};
  return json::object{{"ratio", found->ratio},
                      {"interval_95", std::move(interval)},
                      {"block_seconds", seconds(found->block)},
                      {"blocks", found->blocks}};
}

json::object ledger_json(const QueueLedger& book) {
  return {{"messages", book.messages},
          {"started", book.started},
          {"unstarted", book.unstarted},
          {"late", book.late},
          {"late_share", book.late_share()},
          {"wait_p50_ms", milliseconds(book.waits.quantile(0.5))},
          {"wait_p99_ms", milliseconds(book.waits.quantile(0.99))},
          {"wait_mean_ms", milliseconds(book.waits.mean())},
          {"cold_starts", book.cold_starts},
          {"instance_starts", book.starts},
          {"instance_seconds", book.instance_seconds()},
          {"starting_seconds", book.starting_seconds},
          {"idle_seconds", book.idle_seconds},
          {"frozen_seconds", book.frozen_seconds},
          {"busy_seconds", book.busy_seconds},
          {"busy_share", book.busy_share()},
          {"runs", book.runs},
          {"runs_failed", book.runs_failed},
          {"dead_lettered", book.dead_lettered}};
}

std::string lost_note(const ReplayReport& report) {
  const std::string& first = report.policies.front().policy;
  const std::vector<LostQueue> lost = lost_queues(report);
  if (lost.empty()) return "On no queue did another policy beat " + first + " in both lateness and cost.\n";
  std::string out =
      first + " lost on " + std::to_string(lost.size()) + " of " + std::to_string(report.queues.size()) +
      " queues (another policy was not worse in lateness nor cost, and clearly better in one):\n";
  for (std::size_t i = 0; i < lost.size() && i < kLostShown; ++i)
    out += "  " + report.queues[lost[i].queue] + " to " + report.policies[lost[i].policy].policy + "\n";
  if (lost.size() > kLostShown)
    out += "  and " + std::to_string(lost.size() - kLostShown) + " more (--json lists all)\n";
  return out;
}

}  // namespace

std::string money_text(double amount) {
  if (amount >= 1e15) return fixed(amount, 0);
  if (amount >= 1000) return grouped(static_cast<std::uint64_t>(std::llround(amount)));
  if (!(amount > 1e-9)) return "0";
  return fixed(amount, 3 - static_cast<int>(std::floor(std::log10(amount))));
}

std::string replay_table(const ReplayReport& report) {
  TextTable table;
  const double bound = report.bound();
  std::vector<std::string> head = {"policy", "late",       "wait p50",     "wait p99",     "cold starts",
                                   "starts", "instance-s", "of the first", "of the bound", "busy"};
  if (report.prices) head.push_back(report.prices->currency);
  if (report.prices && report.prices->committed) head.push_back("");
  table.row(head);
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const PolicyResult& policy = report.policies[i];
    const QueueLedger& total = policy.result.total;
    const std::optional<CostRatio> ratio = cost_ratio(report, i);
    std::vector<std::string> row = {policy.policy,
                                    fixed(total.late_share() * 100, 2) + " %",
                                    duration_text(total.waits.quantile(0.5)),
                                    duration_text(total.waits.quantile(0.99)),
                                    grouped(total.cold_starts),
                                    grouped(total.starts),
                                    grouped(static_cast<std::uint64_t>(total.instance_seconds())),
                                    i > 0 && ratio ? ratio->text() : "-",
                                    bound > 0 ? fixed(total.instance_seconds() / bound, 2) : "-",
                                    fixed(total.busy_share() * 100, 1) + " %"};
    append_cost(row, report.prices, policy.cost);
    table.row(std::move(row));
  }
  if (bound > 0)
    table.row({"(bound)", "", "", "", "", "", grouped(static_cast<std::uint64_t>(bound)), "", "1.00", ""});
  const std::uint64_t counted = report.policies.empty() ? 0 : report.policies.front().result.total.messages;
  std::string out = grouped(counted) + " messages on " + grouped(report.queues.size()) + " queues";
  if (report.learning > Duration(0))
    out += " in the last " + format_duration(report.length - report.learning) + "; the " +
           format_duration(report.learning) + " before are for learning";
  out += ".\n\n" + table.text();
  out += "\nlate: first start more than " + format_duration(report.objective) +
         " after the message was due. cold starts: messages that waited for their instance to start.\n"
         "instance-s: seconds of instances starting, idle or busy. The start time's median is " +
         format_duration(report.start_time) + ".\n";
  if (const std::string note = cost_ratio_note(report); !note.empty())
    out += "of the first: instance-s for one of the first policy's. " + note + "\n";
  if (report.prices) out += prices_note(*report.prices);
  if (bound > 0)
    out += "(bound): what any policy needs, even one that knows all to come, so that at most " +
           fixed(report.late_share_max * 100, 1) + " % are late.\n";
  if (report.late_messages)
    out += "Within " + grouped(report.memory_max_mb) + " MiB at least " +
           grouped(static_cast<std::uint64_t>(*report.late_messages)) +
           " messages are late under any policy.\n";
  if (report.guessed_service_times > 0)
    out += "The trace does not record how long " + grouped(report.guessed_service_times) +
           " messages ran: drawn from a log-normal with median 100 ms, sigma 1.\n";
  return report.policies.size() < 2 ? out : out + lost_note(report);
}

std::string replay_json(const ReplayReport& report) {
  json::array policies;
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const PolicyResult& policy = report.policies[i];
    json::object queues;
    for (std::size_t q = 0; q < report.queues.size(); ++q) {
      const QueueLedger& book = policy.result.queues[q];
      json::object& queue = queues[report.queues[q]].emplace_object();
      queue = ledger_json(book);
      if (report.prices) queue["cost"] = cost_json(cost_of(*report.prices, book, report.scored()));
    }
    json::object total = ledger_json(policy.result.total);
    if (report.prices) total["cost"] = cost_json(policy.cost);
    policies.push_back(
        {{"policy", policy.policy},
         {"of_the_first", ratio_json(report, i)},
         {"of_the_bound", report.bound() > 0
                              ? json::value(policy.result.total.instance_seconds() / report.bound())
                              : json::value(nullptr)},
         {"total", std::move(total)},
         {"queues", std::move(queues)},
         {"events", policy.result.events},
         {"took_seconds", policy.took_seconds}});
  }
  json::array lost;
  for (const LostQueue& entry : lost_queues(report)) {
    lost.push_back({{"queue", report.queues[entry.queue]}, {"to", report.policies[entry.policy].policy}});
  }
  json::object bounds;
  for (std::size_t q = 0; q < report.bounds.size(); ++q) bounds[report.queues[q]] = report.bounds[q];
  const json::object out{{"trace", report.trace},
                         {"messages", report.messages},
                         {"length_seconds", seconds(report.length)},
                         {"objective_ms", milliseconds(report.objective)},
                         {"late_share_max", report.late_share_max},
                         {"start_time_median_ms", milliseconds(report.start_time)},
                         {"speed", report.speed},
                         {"seed", report.seed},
                         {"guessed_service_times", report.guessed_service_times},
                         {"prices", prices_json(report.prices)},
                         {"policies", std::move(policies)},
                         {"learning_seconds", seconds(report.learning)},
                         {"bound_instance_seconds", report.bound()},
                         {"bounds", std::move(bounds)},
                         {"memory_max_mb", report.memory_max_mb},
                         {"bound_late_messages",
                          report.late_messages ? json::value(*report.late_messages) : json::value(nullptr)},
                         {"lost", std::move(lost)}};
  return json::serialize(out) + "\n";
}

}  // namespace forewarm
