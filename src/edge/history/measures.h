#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "core/model/message.h"
#include "core/model/weighted_value.h"

namespace forewarm {

/// How often service times of each size came: bucket i counts those in (1.1^(i-1), 1.1^i] milliseconds, the
/// first one (kLeast) also everything shorter. A quantile read from it is at most 10 % too large, and counts
/// of several intervals add up, which stored quantiles do not.
class ServiceTimes {
 public:
  static constexpr int kLeast = -48;  ///< 0.01 ms
  static constexpr int kMost = 194;   ///< a day and more

  void observe(Duration service_time, double count = 1);
  void add(const ServiceTimes& other);
  void scale(double factor);
  bool empty() const { return counts_.empty(); }
  double count() const;
  /// Upper end of the bucket in which the quantile lies; zero when nothing was observed.
  Duration quantile(double level) const;
  /// Each bucket's middle in seconds with its count, ascending.
  std::vector<WeightedValue> sample() const;

  /// As JSON, {"27":3,"31":0.5}: for SQLite's json_each. Empty text when nothing was observed.
  std::string text() const;
  /// Invalid when it is not what text() writes.
  static Result<ServiceTimes> parse(std::string_view text);
  friend bool operator==(const ServiceTimes&, const ServiceTimes&) = default;

 private:
  void add(int bucket, double count);

  std::vector<std::pair<int, double>> counts_;  ///< ascending buckets, counts above zero
};

inline constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

/// What one queue saw in one interval. A field that was not measured is NaN; a new one is all zero.
struct QueueMeasures {
  double arrivals = 0;
  double bytes = 0;
  double runs = 0;  ///< function runs that ended in it
  double service_seconds = 0;
  std::array<double, kPriorityMax + 1> by_priority{};  ///< of the arrivals
  ServiceTimes service_times{};
};

/// What one function's instances used in one interval, all of them together.
struct FunctionMeasures {
  double cpu_seconds = 0;
  double memory_bytes = 0;      ///< resident, mean over the interval
  double memory_bytes_max = 0;  ///< resident, the most that was seen
  double instances = 0;         ///< mean over the interval
};

/// The values of one signal that belong to one interval; there is at least one.
struct SignalMeasures {
  double count = 0;
  double mean = 0;
  double least = 0;
  double most = 0;
  double last = 0;
};

/// What becomes of a field when intervals are joined to a longer one.
enum class Joined : std::uint8_t {
  Sum,    ///< added up, and scaled to the whole when a part was not measured
  Count,  ///< added up, never scaled
  Mean,   ///< weighted by time
  MeanOfValues,
  Least,
  Most,
  Last,
};

template <class T, class Described>
concept Measures = std::same_as<std::remove_const_t<T>, Described>;

// The columns of each table in their order. `visit(name, joined, field)`.
void describe(auto&& visit, Measures<QueueMeasures> auto& it) {
  visit("arrivals", Joined::Sum, it.arrivals);
  visit("bytes", Joined::Sum, it.bytes);
  visit("runs", Joined::Sum, it.runs);
  visit("service_seconds", Joined::Sum, it.service_seconds);
  constexpr std::array<std::string_view, kPriorityMax + 1> kNames = {
      "priority_0", "priority_1", "priority_2", "priority_3", "priority_4",
      "priority_5", "priority_6", "priority_7", "priority_8", "priority_9"};
  for (std::size_t i = 0; i < kNames.size(); ++i) visit(kNames[i], Joined::Sum, it.by_priority[i]);
  visit("service_times", Joined::Sum, it.service_times);
}
void describe(auto&& visit, Measures<FunctionMeasures> auto& it) {
  visit("cpu_seconds", Joined::Sum, it.cpu_seconds);
  visit("memory_bytes", Joined::Mean, it.memory_bytes);
  visit("memory_bytes_max", Joined::Most, it.memory_bytes_max);
  visit("instances", Joined::Mean, it.instances);
}
void describe(auto&& visit, Measures<SignalMeasures> auto& it) {
  visit("count", Joined::Count, it.count);
  visit("mean", Joined::MeanOfValues, it.mean);
  visit("least", Joined::Least, it.least);
  visit("most", Joined::Most, it.most);
  visit("last", Joined::Last, it.last);
}

/// Joins intervals, in ascending order of time, to one that is longer.
template <class M>
class Joining {
 public:
  void add(const M& part, std::int64_t length_ms);
  /// `measured_ms` of the whole interval's `length_ms` were measured.
  M whole(std::int64_t length_ms, std::int64_t measured_ms) const;

 private:
  M sum_{};
  bool first_ = true;
};

}  // namespace forewarm
