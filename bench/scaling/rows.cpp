#include "scaling/rows.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "scaling/verdict.h"

namespace forewarm::bench {
namespace {

namespace json = boost::json;

std::vector<TimelineBucket> over_queues(const Columns& columns) {
  std::vector<TimelineBucket> sum;
  for (const std::vector<TimelineBucket>& line : columns) {
    sum.resize(std::max(sum.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) sum[i].add(line[i]);
  }
  return sum;
}

json::array interval_json(const Interval& interval) {
  return {json_number(interval.low), json_number(interval.high)};
}

}  // namespace

json::object row_of(const std::string& policy, const std::vector<QueueLedger>& books, Duration length) {
  QueueLedger sum;
  for (const QueueLedger& book : books) sum.add(book);
  return {
      {"policy", policy},
      {"messages", sum.messages},
      {"late_share", sum.late_share()},
      {"instance_seconds", sum.instance_seconds()},
      {"starts", sum.starts},
      {"direction_changes_per_hour", static_cast<double>(sum.direction_changes) / seconds(length) * 3600}};
}

std::vector<TimelineBucket> days_of(const Course& course, const std::vector<TimelineBucket>& columns) {
  return blocks_of(columns, static_cast<std::size_t>(Duration(24h) / column_width(course)));
}

void add_intervals(json::object& row, const Course& course, const Columns& ours, const Columns& theirs) {
  const Duration block = bootstrap_block(scored_length(course));
  const auto each = static_cast<std::size_t>(block / column_width(course));
  std::vector<TimelineBucket> own = over_queues(ours), other = over_queues(theirs);
  own.resize(std::max(own.size(), other.size()));
  other.resize(own.size());
  own = blocks_of(own, each);
  other = blocks_of(other, each);
  std::vector<PairedBlock> pairs;
  PairedBlock all;
  for (std::size_t i = 0; i < own.size(); ++i) {
    pairs.push_back({own[i], other[i]});
    all.ours.add(own[i]);
    all.theirs.add(other[i]);
  }
  row["instance_seconds_ratio"] = json_number(all.ours.instance_seconds / all.theirs.instance_seconds);
  row["late_share_difference"] =
      json_number((static_cast<double>(all.ours.late) - static_cast<double>(all.theirs.late)) /
                  static_cast<double>(all.ours.arrivals));
  row["block_seconds"] = seconds(block);
  row["blocks"] = pairs.size();
  const std::optional<PairedIntervals> found = paired_block_bootstrap(pairs);
  row["instance_seconds_ratio_95"] = found ? json::value(interval_json(found->cost_ratio)) : nullptr;
  row["late_share_difference_95"] = found ? json::value(interval_json(found->late_difference)) : nullptr;
}

void add_contract(json::object& row, const Course& course, const Books& books, double late_share) {
  ContractDays all;
  std::size_t worst_queue = 0;
  for (std::size_t queue = 0; queue < books.scored.size(); ++queue) {
    if (books.scored[queue].messages < kContractMessagesLeast) continue;
    ContractDays own = contract_days({.late_share = late_share}, days_of(course, books.columns[queue]));
    const std::size_t days = all.days + own.days, kept = all.kept + own.kept;
    if (all.days == 0 || own.worst_excess() > all.worst_excess()) {
      all = own;
      worst_queue = queue;
    }
    all.days = days;
    all.kept = kept;
  }
  row["queue_days"] = all.days;
  row["queue_days_kept"] = all.kept;
  if (all.days == 0) return;
  row["worst_queue_day"] = json::object{{"queue", course.trace.queues[worst_queue].name},
                                        {"day", all.worst},
                                        {"messages", all.worst_messages},
                                        {"late", all.worst_late},
                                        {"allowed", all.worst_allowed}};
}

}  // namespace forewarm::bench
