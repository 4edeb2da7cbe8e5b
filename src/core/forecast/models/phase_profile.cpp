#include "core/forecast/models/phase_profile.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace forewarm {
namespace {

constexpr float kNewestShareMin = 0.25F;  // of the newest cycle, however many there were

}  // namespace

PhaseProfile::PhaseProfile(std::uint32_t season)
    : season_(season),
      width_((season + kPhasesMax - 1) / kPhasesMax),
      means_((season + width_ - 1) / width_, std::numeric_limits<float>::quiet_NaN()),
      cycles_(means_.size(), 0) {}

std::uint32_t PhaseProfile::phase_of(std::int64_t step) const {
  const std::int64_t rest = step % season_;
  return static_cast<std::uint32_t>(rest < 0 ? rest + season_ : rest) / width_;
}

float PhaseProfile::at(std::int64_t step) const {
  return season_ == 0 ? std::numeric_limits<float>::quiet_NaN() : means_[phase_of(step)];
}

void PhaseProfile::push(std::int64_t step, float value) {
  if (season_ == 0) return;
  const std::uint32_t phase = phase_of(step);
  if (phase != open_) close();
  open_ = phase;
  if (std::isfinite(value)) {
    open_sum_ += value;
    open_count_ += 1;
  }
  if (width_ == 1) close();
}

void PhaseProfile::close() {
  if (open_count_ == 0) return;
  const float mean = open_sum_ / open_count_;
  std::uint8_t& cycles = cycles_[open_];
  cycles = static_cast<std::uint8_t>(std::min(cycles + 1, 255));
  const float share = std::max(kNewestShareMin, 1.0F / static_cast<float>(cycles));
  float& phase_mean = means_[open_];
  phase_mean = cycles == 1 ? mean : phase_mean + share * (mean - phase_mean);
  open_sum_ = 0;
  open_count_ = 0;
}

bool PhaseProfile::is_sound() const {
  if (season_ == 0) return width_ == 1 && means_.empty();
  if (season_ < 2 || width_ != (season_ + kPhasesMax - 1) / kPhasesMax) return false;
  return means_.size() == (season_ + width_ - 1) / width_ && cycles_.size() == means_.size() &&
         open_ < means_.size();
}

}  // namespace forewarm
