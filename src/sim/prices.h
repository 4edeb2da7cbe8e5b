#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/model/instance.h"

namespace forewarm {

/// How a provider rounds time up before it charges for it. Each time is at least the minimum and a whole
/// number of steps; a step of zero rounds nothing.
struct BillingRules {
  Duration instance_minimum = Duration(0);  ///< of an instance's life, from its start to its end
  Duration instance_step = Duration(0);
  Duration run_minimum = Duration(0);  ///< of one run
  Duration run_step = Duration(0);

  /// What is charged for beyond the time that passed.
  Duration instance_rounding(Duration lived) const { return beyond(lived, instance_minimum, instance_step); }
  Duration run_rounding(Duration ran) const { return beyond(ran, run_minimum, run_step); }

  friend bool operator==(const BillingRules&, const BillingRules&) = default;

 private:
  static Duration beyond(Duration took, Duration least, Duration step) {
    const Duration charged = std::max(took, least);
    if (step <= Duration(0) || charged % step == Duration(0)) return charged - took;
    return (charged / step + 1) * step - took;
  }
};

/// For how long how many instances were busy, awake (busy or idle), ready (awake or frozen) and there at all.
/// Level k of a queue is its k-th instance when the busy come first, then the idle, the frozen and the
/// starting: the lowest levels are those that a commitment serves best. Bounded by the most instances that
/// were there at a time.
class LevelCurve {
 public:
  /// Seconds of one level.
  struct Level {
    double starting = 0;
    double idle = 0;
    double frozen = 0;
    double busy = 0;
  };

  /// That many instances were in these states for `took` seconds; stopping ones are not counted.
  void add(double took, const InstanceCounts& counts);
  /// Level 1 first; sums over all levels are the instance-seconds by state.
  std::vector<Level> levels() const;

 private:
  std::vector<double> busy_, awake_, ready_, there_;  ///< seconds at exactly this many instances
};

/// Instances paid for all the time, used or not: provisioned concurrency, always-ready instances,
/// reservations.
struct CommittedPrice {
  double second = 0;            ///< of a committed instance, whatever it does
  double busy_second = 0;       ///< on top while it is busy
  Duration step = Duration(0);  ///< the committed time is a whole number of these; zero: not rounded

  friend bool operator==(const CommittedPrice&, const CommittedPrice&) = default;
};

/// What a provider charges, in units of the currency. Amounts are doubles, not whole micro-units: a second of
/// a small instance costs less than one of those.
struct PriceSheet {
  std::string name;
  std::string currency;
  double memory_gb = 1;  ///< of an instance; all prices of seconds are multiplied by it
  double starting_second = 0;
  double idle_second = 0;
  double frozen_second = 0;
  double busy_second = 0;
  double start = 0;             ///< each start of an instance
  double million_requests = 0;  ///< runs
  BillingRules billing;
  std::optional<CommittedPrice> committed;

  friend bool operator==(const PriceSheet&, const PriceSheet&) = default;
};

struct QueueLedger;

/// What a queue's instances cost, by what for, in units of the currency.
struct Cost {
  double starting = 0;  ///< starting, idle, frozen and busy: instances that are not committed
  double idle = 0;
  double frozen = 0;
  double busy = 0;
  double rounding = 0;  ///< minimum times and steps: of lives at the idle price, of runs at the busy price
  double starts = 0;
  double requests = 0;
  double committed = 0;                   ///< the committed instances, with what runs on them
  std::uint32_t committed_instances = 0;  ///< of the queue, all the time

  double total() const { return starting + idle + frozen + busy + rounding + starts + requests + committed; }
  void add(const Cost& other);
};

/// Prices a queue's books over a time of that length. Where the sheet has a committed tier, as many instances
/// are committed, for the whole time, as make it cheapest in hindsight: level by level from the lowest, while
/// a level costs less committed than on demand. Rounding, starts and requests are charged for as if none were
/// committed, so a commitment is never made to look better than it is.
Cost cost_of(const PriceSheet& sheet, const QueueLedger& book, Duration length);
/// The sum over queues; a commitment serves the queue it is made for.
Cost cost_of(const PriceSheet& sheet, const std::vector<QueueLedger>& books, Duration length);

}  // namespace forewarm
