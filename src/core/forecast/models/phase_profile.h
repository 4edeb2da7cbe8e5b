#pragma once

#include <cstdint>
#include <vector>

#include "core/model/forecast.h"

namespace forewarm {

/// The mean value at each phase of a season, learnt in the order of time: what it says of a step was known a
/// season before. Long seasons have a phase for several steps (at most kPhasesMax phases), so that it stays
/// small.
class PhaseProfile {
 public:
  static constexpr std::uint32_t kPhasesMax = 2048;

  /// Of no season: knows nothing.
  PhaseProfile() = default;
  explicit PhaseProfile(std::uint32_t season);

  std::uint32_t season() const { return season_; }  ///< 0: of none
  /// How many steps ahead at() says the same as it will say just before that step.
  std::size_t lead_max() const { return season_ - width_ + (width_ == 1 ? 1 : 0); }
  /// NaN where nothing has been seen. `step` counts from any fixed origin.
  float at(std::int64_t step) const;
  /// Steps come in order; NaN is not measured.
  void push(std::int64_t step, float value);

  static void fields(auto& profile, auto& archive) {
    archive(profile.season_);
    archive(profile.width_);
    archive(profile.means_);
    archive(profile.cycles_);
    archive(profile.open_);
    archive(profile.open_sum_);
    archive(profile.open_count_);
  }
  bool is_sound() const;

 private:
  std::uint32_t phase_of(std::int64_t step) const;
  void close();

  std::uint32_t season_ = 0;
  std::uint32_t width_ = 1;  ///< steps a phase
  std::vector<float> means_;
  std::vector<std::uint8_t> cycles_;  ///< seen of each phase, up to 255
  std::uint32_t open_ = 0;            ///< the phase that now takes values
  float open_sum_ = 0;
  float open_count_ = 0;
};

}  // namespace forewarm
