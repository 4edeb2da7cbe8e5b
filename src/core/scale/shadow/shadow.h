#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "core/model/scaler_memory.h"
#include "core/scale/shadow/gap_hazard.h"
#include "core/scale/shadow/needed_levels.h"

namespace forewarm {

/// What may be wanted ahead of need: nothing, head-room over the present rate, the forecast at some levels.
inline constexpr std::size_t kAheadCount = 8;
using AheadInstances = std::array<std::uint32_t, kAheadCount>;

/// One way to run a queue: keep an instance as long as its next need is worth `price`, and have those of
/// `ahead` besides.
struct Candidate {
  std::size_t price = 0;
  std::size_t ahead = 0;

  friend bool operator==(const Candidate&, const Candidate&) = default;
};

inline constexpr std::size_t kCandidates = kAheadCount * kPrices;
constexpr Candidate candidate_at(std::size_t number) {
  return {.price = number % kPrices, .ahead = number / kPrices};
}
constexpr std::size_t number_of(Candidate candidate) {
  return candidate.ahead * kPrices + candidate.price;
}

/// What a candidate would have come to, the older the less it counts.
struct CandidateRecord {
  double instance_seconds = 0;  ///< starts included
  double cold = 0;              ///< messages that needed an instance which it did not have
};

/// What it takes to start an instance.
struct StartModel {
  Duration lead = Duration(1s);  ///< until it is ready, mostly
  double cost_seconds = 1;       ///< in seconds of an instance's time
  bool in_time = false;          ///< a message that has none is not late if one is started for it
};

inline constexpr std::size_t kServicesKept = 32;
/// Groups of levels that share what they learn, however many levels there are.
inline constexpr std::size_t kLevelGroupsMax = 64;

/// All candidates, run in the shadow on the messages that come: what they would have had, missed and paid.
/// Whoever asks gets what each has come to so far, and what it wants now. Knows nothing of the instances that
/// there are, so that what is judged is not changed by what was chosen.
class Shadow {
 public:
  Shadow(std::uint32_t instance_capacity, std::uint32_t instances_max);

  /// A message may start from now on, and must within `slack`.
  void arrive(TimePoint at, Duration slack);
  /// A message took this long; stands for those to come.
  void observe_service(Duration service);
  /// Before the first was observed.
  void guess_service(Duration service) { service_guess_ = service; }

  /// Closes the books up to now. `ahead`: what is wanted of it from now until the next call, ready a start's
  /// lead after it was first wanted.
  void advance(TimePoint now, const AheadInstances& ahead, const StartModel& start);

  std::uint32_t wanted(Candidate candidate) const { return wanted_[candidate.ahead][candidate.price]; }
  const CandidateRecord& record(Candidate candidate) const {
    return records_[candidate.ahead][candidate.price];
  }
  double messages() const { return messages_; }  ///< with what is left of their weight
  double watched_seconds() const { return since_ == kNever ? 0 : seconds_between(since_, advanced_); }
  /// Whether the last message found its instance with this candidate.
  bool last_was_cold(Candidate candidate) const;
  bool any_idle_warm() const { return any_idle_warm_; }
  double start_seconds() const { return start_.cost_seconds; }
  /// How soon this level is needed: as GapHazard::need_per_second() has it; 0 for one that never was.
  double need_per_second(std::uint32_t level, TimePoint now) const;
  /// Whether a message that needs this level, and does not find it, should have it started: it is late
  /// already, and those after it may come too late to use it.
  bool starts_on_need(std::uint32_t level, std::size_t price) const;

  void remember(TimePoint now, ScalerMemory& memory) const;
  /// Goes on where a sound memory (core/scale/memory.h) stops, as if no time had passed since.
  void restore(TimePoint now, const ScalerMemory& memory);

 private:
  struct Level {
    PriceMask started = kAllPrices;  ///< the prices at which it was there, or was started, at its last need
    TimePoint start_at;              ///< a need that would have started it, and no other since
  };

  GapHazard& hazard(std::uint32_t level);
  PriceMask find(const NeededLevels::Need& need, TimePoint at);
  Duration next_service();
  void forget(TimePoint now);
  void refresh_one(TimePoint now);
  void count_wanted(TimePoint now, const AheadInstances& ahead);

  NeededLevels needed_;
  std::vector<Level> levels_;
  std::vector<GapHazard> hazards_;  ///< of groups of levels, finer for the lower ones
  std::size_t next_refresh_ = 0;
  std::array<Duration, kServicesKept> services_{};
  std::uint64_t services_seen_ = 0, services_used_ = 0;
  Duration service_guess_ = 1s;
  StartModel start_;

  struct AheadSince {
    TimePoint at;
    AheadInstances instances;
  };
  std::vector<AheadSince> asked_;  ///< over the last lead, and the one before
  AheadInstances ready_{};         ///< of `ahead`, what is ready by now

  using CountByPrice = std::array<std::uint32_t, kPrices>;
  std::array<CountByPrice, kAheadCount> wanted_{};
  std::array<CountByPrice, kAheadCount> cold_since_{}, started_since_{};  ///< since the last advance
  std::array<std::array<CandidateRecord, kPrices>, kAheadCount> records_{};
  double messages_ = 0;
  PriceMask last_warm_ = 0;
  std::uint32_t last_level_ = 0;
  bool any_idle_warm_ = false;
  TimePoint since_ = kNever;  ///< the first message
  TimePoint advanced_ = kNever;
  TimePoint forgot_ = kNever;
  TimePoint refreshed_ = kNever;
};

}  // namespace forewarm
