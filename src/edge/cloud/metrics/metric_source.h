#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "edge/cloud/service_call.h"

namespace forewarm {

/// What a cloud's metrics say of a queue in one period. What they do not say is not there: a gap is not a
/// zero.
struct MetricPeriod {
  TimePoint start;
  Duration length = 1min;
  std::optional<double> waiting{};    ///< messages that could start; at a moment of the period
  std::optional<double> in_flight{};  ///< with consumers, likewise
  std::optional<double> oldest_wait_seconds{};
  std::optional<double> arrived{};  ///< in the period
  std::optional<double> done{};     ///< in the period

  TimePoint end() const { return start + length; }
  friend bool operator==(const MetricPeriod&, const MetricPeriod&) = default;
};

struct MetricRange {
  TimePoint from;  ///< start of the first period
  TimePoint to;    ///< end of the last
  /// Only what tells how many arrived: for a long time.
  bool arrivals_only = false;
  int tries = 1;  ///< of each question, with a pause that doubles between two, longer or shorter by chance
};

/// Periods that are put together from answers to several questions.
class MetricPeriods {
 public:
  using Field = std::optional<double> MetricPeriod::*;
  void put(TimePoint start, Duration length, Field field, double value);
  /// In order of time.
  std::vector<MetricPeriod> all() const;
  /// Those that lie wholly within it: clouds answer a little more than was asked for.
  std::vector<MetricPeriod> within(const MetricRange& range) const;

 private:
  std::map<TimePoint, MetricPeriod> by_start_;
};

/// The metrics that a cloud keeps of one queue. Its periods come late, each when it is over or later.
class MetricSource {
 public:
  virtual ~MetricSource() = default;
  /// Waits for the cloud. In order of time, as far as the cloud has them; those of which nothing is known are
  /// left out. Half an answer is none: an error.
  virtual Result<std::vector<MetricPeriod>> read(const MetricRange& range, const std::stop_token& stop) = 0;
};

/// Periods that can be taken for true: a period that says how much waits is one when it has the count too,
/// as a rule of what arrived. Where none came for `settle` after its end, or one of a later period is there,
/// the count is zero: clouds write no zeros. What is done is not waited for. `hold`: ends before the first
/// that may yet become one, so that what comes late is not lost; else it is left out.
struct SettledPeriods {
  Duration settle;
  MetricPeriods::Field count = &MetricPeriod::arrived;
  bool hold = false;
  std::optional<TimePoint>
      next{};  ///< start of the first that was not read before; none: of the first there is
};
std::vector<MetricPeriod> settled_periods(const std::vector<MetricPeriod>& periods, TimePoint now,
                                          const SettledPeriods& how);

}  // namespace forewarm
