#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/value_history.h"

namespace forewarm {

/// What the state of a series at an origin looks like, on a logarithmic scale: levels over windows that grow
/// fourfold, and what the season says of a target. A share of the long mean is added to every level, so that
/// silence is a number like any other.
class LevelFeatures {
 public:
  static constexpr std::size_t kWindows[] = {2, 6, 20, 80};
  static constexpr std::size_t kWindowCount = sizeof(kWindows) / sizeof(std::size_t);
  static constexpr std::size_t kSeasonsMax = 2;

  void assign(const ValueHistory& history, std::span<const std::uint32_t> seasons);

  double to_log(double value) const;
  double from_log(double value) const;
  /// Logarithm of the mean of the window before `origin`.
  double level(const ValueHistory& history, std::size_t origin, std::size_t window) const;
  std::size_t seasons() const { return seasons_.size(); }
  std::uint32_t season(std::size_t i) const { return seasons_[i]; }
  /// Logarithm of the mean of the same phase, a little smoothed, over the last cycles that are known at
  /// `origin`.
  double season_level(const ValueHistory& history, std::size_t season, std::size_t origin,
                      std::size_t target) const;

  static void fields(auto& features, auto& archive) {
    archive(features.floor_);
    archive(features.seasons_);
  }
  bool is_sound() const;

 private:
  double floor_ = 1;
  std::vector<std::uint32_t> seasons_;
};

}  // namespace forewarm
