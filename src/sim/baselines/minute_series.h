#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/time.h"

namespace forewarm {

/// Means of samples by the minute, as a metrics store at a resolution of one minute has them: the newest
/// `most` whole minutes.
class MinuteSeries {
 public:
  explicit MinuteSeries(std::size_t most) : most_(most) {}

  /// True if a minute ended before this sample. Minutes without a sample repeat the one before them.
  bool add(TimePoint at, double value) {
    const std::int64_t minute = at.time_since_epoch() / Duration(std::chrono::minutes(1));
    const bool ended = samples_ > 0 && minute > minute_;
    if (ended) {
      const double mean = sum_ / static_cast<double>(samples_);
      if (minute - minute_ > static_cast<std::int64_t>(most_))
        minute_ = minute - static_cast<std::int64_t>(most_);
      for (; minute_ < minute; ++minute_) means_.push_back(mean);
      while (means_.size() > most_) means_.pop_front();
      sum_ = 0;
      samples_ = 0;
    }
    minute_ = minute;
    sum_ += value;
    ++samples_;
    return ended;
  }
  /// Oldest first; the newest is the minute before open_minute().
  const std::deque<double>& means() const { return means_; }
  /// Since the epoch: the minute of the newest sample.
  std::int64_t open_minute() const { return minute_; }

 private:
  std::size_t most_;
  std::deque<double> means_;
  std::int64_t minute_ = 0;
  double sum_ = 0;
  std::size_t samples_ = 0;
};

}  // namespace forewarm
