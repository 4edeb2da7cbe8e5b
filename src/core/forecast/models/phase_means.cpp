#include "core/forecast/models/phase_means.h"

#include <cmath>

#include "base/check.h"
#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kPeriodMax = 100'000;
constexpr double kSumMax = 1e24;

}  // namespace

bool PhaseMeans::Shape::is_sound() const {
  return period >= 1 && period <= kPeriodMax && width >= 1 && width <= period && keep > 0 && keep <= 1 &&
         lean >= 0 && lean < 1e6;
}

PhaseMeans::PhaseMeans(const Shape& shape)
    : shape_(shape), cells_((shape.period + shape.width - 1) / shape.width) {
  check(shape.is_sound(), "a season that can be kept");
  set_keeps();
}

void PhaseMeans::set_keeps() {
  // A bin is visited `width` times a season. The mean of all forgets no faster than over some hundred steps,
  // also where there is no season.
  keep_visit_ = pow(shape_.keep, 1.0 / shape_.width);
  keep_step_ = pow(shape_.keep, 1.0 / std::max<double>(shape_.period, 512));
  if (shape_.period == 1) keep_visit_ = keep_step_;
}

bool PhaseMeans::settle() {
  if (!shape_.is_sound()) return false;
  if (cells_.size() != (shape_.period + shape_.width - 1) / shape_.width) return false;
  const auto sound = [](const Cell& cell) {
    return cell.sum >= 0 && cell.sum < kSumMax && cell.exposure >= 0 && cell.exposure < kSumMax;
  };
  set_keeps();
  return sound(all_) && std::all_of(cells_.begin(), cells_.end(), sound);
}

std::vector<std::uint32_t> learnable_seasons(std::span<const std::uint32_t> seasons, std::size_t steps,
                                             std::size_t most) {
  std::vector<std::uint32_t> usable;
  for (const std::uint32_t season : seasons) {
    if (season < 2 || season > kPeriodMax || std::size_t{season} * 2 > steps) continue;
    if (usable.size() < most) usable.push_back(season);
  }
  return usable;
}

}  // namespace forewarm
