#include "core/forecast/models/bounded_search.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr int kTrialsMax = 12;
constexpr double kFirstStep = 0.1;
constexpr double kSufficient = 1e-4;  // share of the promised descent that a step must bring

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double largest(std::span<const double> values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

/// An estimate of the inverse of the second derivatives.
class InverseCurvature {
 public:
  explicit InverseCurvature(std::size_t size) : size_(size), rows_(size * size), product_(size) {}

  bool is_known() const { return known_; }
  void forget() { known_ = false; }

  /// The step to where the gradient vanishes, if the estimate is right.
  void step(std::span<const double> gradient, std::span<double> direction) const {
    for (std::size_t i = 0; i < size_; ++i) {
      direction[i] = -(known_ ? dot({&rows_[i * size_], size_}, gradient) : gradient[i]);
    }
  }
  /// Learns that moving by `moved` changed the gradient by `changed`.
  void learn(std::span<const double> moved, std::span<const double> changed) {
    const double along = dot(moved, changed);
    const double length = dot(changed, changed);
    if (!(along > 1e-10 * sqrt(dot(moved, moved) * length))) return;
    if (!known_) {
      std::fill(rows_.begin(), rows_.end(), 0.0);
      for (std::size_t i = 0; i < size_; ++i) rows_[i * size_ + i] = along / length;
      known_ = true;
    }
    for (std::size_t i = 0; i < size_; ++i) product_[i] = dot({&rows_[i * size_], size_}, changed);
    const double share = (1 + dot(product_, changed) / along) / along;
    for (std::size_t i = 0; i < size_; ++i) {
      for (std::size_t j = 0; j < size_; ++j) {
        rows_[i * size_ + j] +=
            share * moved[i] * moved[j] - (product_[i] * moved[j] + moved[i] * product_[j]) / along;
      }
    }
  }

 private:
  std::size_t size_;
  bool known_ = false;
  std::vector<double> rows_;
  std::vector<double> product_;
};

/// One walk.
class BoundedSearch {
 public:
  BoundedSearch(SmoothFunction& function, std::span<const double> lower, std::span<const double> upper,
                const BoundedSearchSettings& settings, std::vector<double>& place)
      : function_(function),
        lower_(lower),
        upper_(upper),
        settings_(settings),
        place_(place),
        curvature_(place.size()),
        gradient_(place.size()),
        free_gradient_(place.size()),
        direction_(place.size()),
        trial_(place.size()),
        changed_(place.size()) {}

  double run() {
    value_ = function_.value(place_);
    if (!std::isfinite(value_)) return value_;
    function_.gradient(gradient_);
    double mark = value_;
    for (int iteration = 1; iteration <= settings_.iterations_max; ++iteration) {
      if (!choose_direction()) break;
      if (!advance()) {
        if (!curvature_.is_known()) break;
        curvature_.forget();
        continue;
      }
      if (iteration % 3 != 0) continue;
      if (mark - value_ < settings_.tolerance) break;
      mark = value_;
    }
    return value_;
  }

 private:
  bool is_held(std::size_t i) const {
    return (place_[i] <= lower_[i] && gradient_[i] > 0) || (place_[i] >= upper_[i] && gradient_[i] < 0);
  }

  /// False at a minimum.
  bool choose_direction() {
    for (std::size_t i = 0; i < place_.size(); ++i) free_gradient_[i] = is_held(i) ? 0 : gradient_[i];
    if (largest(free_gradient_) == 0) return false;
    curvature_.step(free_gradient_, direction_);
    for (std::size_t i = 0; i < place_.size(); ++i) {
      if (is_held(i)) direction_[i] = 0;
    }
    if (!(dot(direction_, free_gradient_) < 0)) {
      curvature_.forget();
      curvature_.step(free_gradient_, direction_);
    }
    const double most = curvature_.is_known() ? settings_.step_max : kFirstStep;
    const double length = largest(direction_);
    if (length > most || !curvature_.is_known()) {
      for (double& move : direction_) move *= most / length;
    }
    return true;
  }

  /// Goes along the direction as far as the value sinks enough. False when it does not.
  bool advance() {
    double share = 1;
    for (int trials = 0; trials < kTrialsMax; ++trials) {
      double promised = 0;
      for (std::size_t i = 0; i < place_.size(); ++i) {
        trial_[i] = std::clamp(place_[i] + share * direction_[i], lower_[i], upper_[i]);
        promised += (trial_[i] - place_[i]) * free_gradient_[i];
      }
      const double now = function_.value(trial_);
      if (now <= value_ + kSufficient * promised) {
        accept(now);
        return true;
      }
      // The lowest point of a parabola, where there is one.
      const double bend = now - value_ - promised;
      const double lowest = std::isfinite(now) && bend > 0 ? -0.5 * promised / bend : 0.2;
      share *= std::clamp(lowest, 0.1, 0.5);
    }
    return false;
  }

  void accept(double now) {
    value_ = now;
    for (std::size_t i = 0; i < place_.size(); ++i) {
      direction_[i] = trial_[i] - place_[i];
      changed_[i] = gradient_[i];
    }
    place_.swap(trial_);
    function_.gradient(gradient_);
    for (std::size_t i = 0; i < place_.size(); ++i) {
      // What did not move tells nothing of the others.
      changed_[i] = direction_[i] == 0 ? 0 : gradient_[i] - changed_[i];
    }
    curvature_.learn(direction_, changed_);
  }

  SmoothFunction& function_;
  std::span<const double> lower_, upper_;
  const BoundedSearchSettings& settings_;
  std::vector<double>& place_;
  double value_ = 0;
  InverseCurvature curvature_;
  std::vector<double> gradient_, free_gradient_, direction_, trial_, changed_;
};

}  // namespace

double search_between_bounds(SmoothFunction& function, std::span<const double> lower,
                             std::span<const double> upper, const BoundedSearchSettings& settings,
                             std::vector<double>& place) {
  return BoundedSearch(function, lower, upper, settings, place).run();
}

}  // namespace forewarm
