#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "core/scale/scaler.h"

namespace forewarm {

/// For tests: shows a scaler the same picture again and again, at its own period. Time begins with an hour.
class Watch {
 public:
  explicit Watch(std::unique_ptr<Scaler> scaler) : scaler_(std::move(scaler)) {
    now.now = TimePoint(Duration(1000h));
    now.instances_limit = 5000;
  }

  /// What it plans after that time.
  std::uint32_t after(Duration time) {
    std::uint32_t planned = 0;
    for (Duration passed{}; passed < time; passed += scaler_->period()) {
      planned = scaler_->plan(now).instances;
      now.now += scaler_->period();
    }
    return planned;
  }
  std::uint32_t start_now() { return scaler_->start_now(now); }
  Scaler& scaler() { return *scaler_; }

  ScalingInputs now;  ///< to be changed

 private:
  std::unique_ptr<Scaler> scaler_;
};

}  // namespace forewarm
