#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/route/service_model.h"

namespace forewarm {

/// By how much the runs of all instances of a function surprise, and how much one instance must be beyond
/// that.
///
/// A cumulative sum of steps with a negative mean reaches h by chance with a probability of about exp(-r h),
/// where r solves E exp(r step) = 1 (Lundberg's bound; Wald 1944). So the threshold is not guessed for a
/// normal distribution: it is read from the steps that there were, and runs that now and then take twenty
/// times as long as usual raise it. Steps are kept in bins half a deviation wide and forgotten by the newest
/// 500.
class SurpriseLevel {
 public:
  SurpriseLevel();
  /// The step that a run is worth: its deviations, less what all runs have of late (a slow database is
  /// nobody's own fault), clipped so that no single run convicts, less an allowance.
  double step(const ServiceModel::Surprise& surprise) const;
  void observe(const ServiceModel::Surprise& surprise);
  /// A sum that chance reaches once in about 200,000 runs.
  double threshold() const { return threshold_; }

 private:
  double solve() const;

  std::array<float, 18> bins_{};
  float weight_ = 0;
  double common_ = 0;
  double threshold_ = 0;
  std::uint32_t observed_ = 0;
};

/// Whether one instance has become slower than what its messages should take on its variant: a one-sided
/// cumulative sum of its runs' surprises (Page 1954).
class InstanceHealth {
 public:
  /// A run has surprised; `level` does not know of it yet.
  void observe(const ServiceModel::Surprise& surprise, const SurpriseLevel& level);
  /// Slow beyond reasonable doubt. Its messages are predicted by its own pace.
  bool suspect() const { return suspect_; }
  /// By enough (half as long again) to be worth a start. At once with the suspicion: what is suspected gets
  /// too little to do to be convicted later.
  bool convicted() const { return suspect_ && log_slowness_ >= 0.4F; }
  /// How many times as long as predicted its runs take, at least 1; 1 while it is no suspect.
  double slowness() const;

 private:
  float sum_ = 0;
  float log_slowness_ = 0;
  bool suspect_ = false;
};

}  // namespace forewarm
