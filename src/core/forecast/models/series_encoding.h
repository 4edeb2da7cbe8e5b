#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "core/forecast/forecaster.h"
#include "core/forecast/models/phase_profile.h"

namespace forewarm {

/// A series as a network sees it: values on a logarithmic scale, compared with their level, their seasons and
/// each other, in units of what is usual for the series (Salinas et al., DeepAR, 2020, section 3.3), and
/// within bounds. Goes on step by step, and says of a step only what was known before it.
class SeriesEncoding {
 public:
  static constexpr std::size_t kSeasons = 3;     ///< the most telling ones, if there are more
  static constexpr std::size_t kRegressors = 8;  ///< more are not looked at
  // The network's inputs have the same places for every series, so that weights can go from one to another.
  static constexpr std::size_t kInputs = 3 + 3 * kSeasons;
  static constexpr std::size_t kTargetFeatures = 10 + 4 * kSeasons;

  std::size_t inputs() const { return kInputs + regressors_; }
  std::size_t target_features() const { return kTargetFeatures + (regressors_ > 0 ? regressors_ + 1 : 0); }

  /// What is known after a step, on the scale of Record::scaled.
  struct Known {
    float last = 0;
    float quick = 0;  ///< smoothed levels
    float slow = 0;
    std::array<float, kSeasons> unseasoned{};  ///< smoothed distances from each season's profile
  };
  /// What is known of a step beforehand.
  struct Target {
    std::array<float, kSeasons> expected{};   ///< by each season's profile; NaN: nothing
    std::array<float, 2 * kSeasons> phase{};  ///< sine and cosine
    std::array<float, kRegressors> regressors{};
    bool regressors_known = false;
  };
  /// A whole history, gone through in order.
  struct Record {
    std::vector<float> scaled;    ///< one a step; NaN: not measured
    std::vector<float> inputs;    ///< inputs() a step
    std::vector<Known> known;     ///< after each step
    std::vector<Target> targets;  ///< of each step, from one step before
  };

  /// Learns units and goes through a history of at least one measured value.
  Record begin(const SeriesView& history);
  /// Takes one step more; `inputs` gets inputs() values.
  void push(float value, std::span<const float> regressors, std::span<float> inputs);
  const Known& known() const { return known_; }
  /// Of the step that is `lead` steps after the last one.
  Target target(std::size_t lead, Columns future) const;
  /// The target at `step` of a record as it was known `lead` steps before.
  static Target seen_before(const SeriesEncoding& encoding, const Record& record, std::size_t step,
                            std::size_t lead);

  /// The forecast from which quantiles are counted, in units of unit().
  float base(const Known& known, const Target& target) const;
  void describe(const Known& known, const Target& target, std::size_t lead, std::span<float> features) const;
  float unit() const { return unit_; }
  /// Whether the base is always right, so that nothing is left to learn.
  bool is_exact() const { return unit_ <= kSmallestUnit; }
  /// Messages that one unit of the scale is worth there, compared with the mean; within [0.1, 10].
  float worth(float scaled) const;
  double unscaled(double scaled) const;
  double persistence() const { return persistence_; }

  static void fields(auto& encoding, auto& archive) {
    archive(encoding.offset_);
    archive(encoding.mean_);
    archive(encoding.deviation_);
    archive(encoding.unit_);
    archive(encoding.lowest_);
    archive(encoding.highest_);
    archive(encoding.largest_);
    archive(encoding.base_);
    archive(encoding.persistence_);
    archive(encoding.step_);
    archive(encoding.known_);
    archive(encoding.regressors_);
    archive(encoding.regressor_means_);
    archive(encoding.regressor_units_);
    for (auto& profile : encoding.profiles_) std::remove_cvref_t<decltype(profile)>::fields(profile, archive);
  }
  bool is_sound() const;

 private:
  static constexpr float kSmallestUnit = 1e-6F;

  void learn_scale(std::span<const float> values);
  void choose_seasons(const SeriesView& history);
  void choose_base(const Record& record);
  void learn_regressors(const SeriesView& history);
  float scaled(float value) const;
  float placed(float scaled) const;
  Target target_at(std::int64_t step) const;
  void set_regressors(std::span<const float> values, Target& target) const;

  float offset_ = 1;  ///< in messages: the scale is log(1 + value / offset)
  float mean_ = 0;    ///< on the scale
  float deviation_ = 1;
  float unit_ = 1;
  float lowest_ = 0;  ///< of the history
  float highest_ = 0;
  float largest_ = 0;      ///< ever seen
  std::uint8_t base_ = 0;  ///< 0 quick, 1 slow, 2... the season of that index
  double persistence_ = 0;
  std::int64_t step_ = 0;  ///< the next one, counted from the epoch
  Known known_;
  std::uint8_t regressors_ = 0;
  std::array<float, kRegressors> regressor_means_{};
  std::array<float, kRegressors> regressor_units_{};
  std::array<PhaseProfile, kSeasons> profiles_;
};

}  // namespace forewarm
