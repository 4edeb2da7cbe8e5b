#pragma once

#include <algorithm>
#include <deque>

#include "base/time.h"

namespace forewarm {

/// Mean of samples over the newest `window`: only what was sampled counts, so that a window which is not full
/// yet is no lower for it.
class WindowedMean {
 public:
  explicit WindowedMean(Duration window) : window_(window) {}

  void add(TimePoint at, double value) {
    samples_.push_back({at, value});
    sum_ += value;
    while (samples_.front().at <= at - window_) {
      sum_ -= samples_.front().value;
      samples_.pop_front();
    }
  }
  double mean() const {
    return samples_.empty() ? 0 : std::max(0.0, sum_) / static_cast<double>(samples_.size());
  }

 private:
  struct Sample {
    TimePoint at;
    double value = 0;
  };
  Duration window_;
  std::deque<Sample> samples_;
  double sum_ = 0;
};

}  // namespace forewarm
