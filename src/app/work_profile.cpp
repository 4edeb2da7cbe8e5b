#include "app/work_profile.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr Duration kSpans[] = {24h, 24h * 30};

/// Shares of the priorities, and how much they differ between intervals beyond what drawing messages by lot
/// would (DerSimonian and Laird 1986, with binomial variances).
class PriorityShares {
 public:
  void add(const QueueMeasures& interval) {
    std::array<double, kPriorityMax + 1> counts{};
    double all = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      counts[i] = std::isfinite(interval.by_priority[i]) ? std::max(0.0, interval.by_priority[i]) : 0;
      all += counts[i];
    }
    if (all <= 0) return;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      sums_[i] += counts[i];
      squares_[i] += counts[i] * counts[i] / all;
    }
    messages_ += all;
    squared_messages_ += all * all;
    ++intervals_;
  }

  void fill(WorkProfile& profile) const {
    if (messages_ <= 0) return;
    const double free = messages_ - squared_messages_ / messages_;
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      WorkProfile::Share& share = profile.priorities[i];
      share.mean = sums_[i] / messages_;
      const double between = squares_[i] - sums_[i] * share.mean;  // sum of n (share - mean)^2
      const double by_lot = (intervals_ - 1) * share.mean * (1 - share.mean);
      if (free > 0) share.spread = sqrt(std::max(0.0, (between - by_lot) / free));
    }
  }

 private:
  std::array<double, kPriorityMax + 1> sums_{}, squares_{};
  double messages_ = 0, squared_messages_ = 0, intervals_ = 0;
};

Result<void> read_queue(HistoryDatabase& history, const std::string& queue, TimePoint from, TimePoint until,
                        WorkProfile& profile) {
  ServiceTimes times;
  PriorityShares shares;
  const auto take = [&](const Measured<QueueMeasures>& interval) {
    times.add(interval.measures.service_times);
    shares.add(interval.measures);
  };
  if (Result<void> read = history.read<QueueMeasures>(queue, from, until, take); !read) return read;
  profile.service_seconds = times.sample();
  shares.fill(profile);
  return {};
}

/// A function's processor time belongs to all its queues' runs, by how long these took.
Result<void> read_function(HistoryDatabase& history, const WorkQuestion& question, TimePoint from,
                           TimePoint until, WorkProfile& profile) {
  double cpu = 0, service = 0;
  const auto take = [&](const Measured<FunctionMeasures>& interval) {
    const FunctionMeasures& measures = interval.measures;
    if (std::isfinite(measures.cpu_seconds)) cpu += measures.cpu_seconds;
    if (measures.instances > 0 && measures.memory_bytes > 0)
      profile.instance_memory_bytes.push_back(
          {measures.memory_bytes / measures.instances, measures.instances * seconds(interval.step)});
  };
  if (Result<void> read = history.read<FunctionMeasures>(question.function, from, until, take); !read)
    return read;
  for (const std::string& queue : question.function_queues) {
    const auto add = [&](const Measured<QueueMeasures>& interval) {
      if (std::isfinite(interval.measures.service_seconds)) service += interval.measures.service_seconds;
    };
    if (Result<void> read = history.read<QueueMeasures>(queue, from, until, add); !read) return read;
  }
  if (service > 0 && cpu > 0) profile.cores_per_service = cpu / service;
  std::ranges::sort(profile.instance_memory_bytes, {}, &WeightedValue::value);
  return {};
}

}  // namespace

Result<WorkProfile> read_work_profile(HistoryDatabase& history, const WorkQuestion& question,
                                      TimePoint until) {
  WorkProfile profile;
  for (const Duration span : kSpans) {
    profile = {};
    profile.messages_per_instance = std::max(1U, question.messages_per_instance);
    const TimePoint from = until - span;
    if (Result<void> read = read_queue(history, question.queue, from, until, profile); !read)
      return std::unexpected(read.error());
    if (question.function.empty()) break;
    if (Result<void> read = read_function(history, question, from, until, profile); !read)
      return std::unexpected(read.error());
    if (!profile.service_seconds.empty()) break;
  }
  return profile;
}

}  // namespace forewarm
