#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "edge/observe/snapshot.h"

namespace forewarm {

/// One second of a queue.
struct HistorySample {
  TimePoint at;
  std::uint32_t ready = 0;
  std::uint32_t in_flight = 0;
  std::uint32_t arrived = 0;  ///< since the sample before
  std::uint32_t late = 0;     ///< first starts past the deadline since the sample before
  std::uint16_t starting = 0, idle = 0, busy = 0, frozen = 0;
  std::uint16_t planned = 0;
};
/// One closed step of a queue: what came, and what the forecast had said of it just before it began (NaN:
/// nothing).
struct HistoryStep {
  TimePoint start;
  Duration step = Duration(0);
  float arrivals = 0;
  float p5 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0;
};

/// The last minutes of the queues that do something, so that a page that has just been opened shows them at
/// once. Silent queues cost nothing; when too many are busy, those that have been silent longest make room.
class SnapshotHistory {
 public:
  struct Options {
    Duration kept = 10min;
    std::size_t samples_max = 600;
    std::size_t queues_max = 200;
  };
  explicit SnapshotHistory(Options options) : options_(options) {}

  void add(const Snapshot& snapshot);

  struct Queue {
    std::deque<HistorySample> samples;  ///< oldest first
    std::deque<HistoryStep> steps;      ///< oldest first
  };
  /// Null for a queue that has done nothing lately.
  const Queue* queue(std::string_view name) const;
  std::size_t size() const { return queues_.size(); }

 private:
  struct Kept {
    Queue shown;
    std::vector<HistoryStep> expected;  ///< what is forecast of the steps to come
    std::uint64_t arrived = 0;
    std::uint64_t late = 0;
    TimePoint active_at;
    TimePoint seen_at;
  };
  Kept* keep(const QueueSnapshot& queue, TimePoint at);
  void add_sample(Kept& kept, const QueueSnapshot& queue, TimePoint at) const;
  void add_step(Kept& kept, const QueueSnapshot& queue, TimePoint at) const;
  static void expect(Kept& kept, const ForecastBand& forecast, TimePoint at);

  Options options_;
  std::unordered_map<std::string, Kept> queues_;
};

}  // namespace forewarm
