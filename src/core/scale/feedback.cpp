#include "core/scale/feedback.h"

#include <algorithm>

#include "base/check.h"
#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kGain = 0.1;
constexpr double kErrorMax =
    10;  // a step in which everything is late moves the price by a factor of e at most

constexpr double kMemoryInAllowedLate = 3;  // messages of which three may be late weigh as much as all before
constexpr double kMissedBy = 2;             // times the share allowed: fewer may be chance

}  // namespace

LatenessFeedback::LatenessFeedback(double late_share_max) : late_share_max_(late_share_max) {
  check(late_share_max > 0 && late_share_max < 1, "the late share allowed lies between none and all");
}

void LatenessFeedback::observe(bool late) {
  started_ += 1;
  if (late) late_ += 1;
}

bool LatenessFeedback::objective_missed() const {
  return recent_late_share_ > kMissedBy * late_share_max_;
}

void LatenessFeedback::close_step(bool level_decided) {
  if (level_decided && started_ > 0) {
    // In units of the lateness allowed; the 1 keeps a single late message in a quiet step from counting a
    // hundredfold.
    const double allowed = late_share_max_ * started_;
    const double error = std::min((late_ - allowed) / (allowed + 1), kErrorMax);
    log_multiplier_ = std::clamp(log_multiplier_ + kGain * error, log(kMultiplierMin), log(kMultiplierMax));
    multiplier_ = exp(log_multiplier_);
    const double keep = exp(-started_ * late_share_max_ / kMemoryInAllowedLate);
    recent_late_share_ = keep * recent_late_share_ + (1 - keep) * late_ / started_;
  }
  started_ = 0;
  late_ = 0;
}

}  // namespace forewarm
