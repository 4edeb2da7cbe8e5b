#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forewarm {

/// Mean of a non-negative quantity at each phase of a season, learnt step by step: the sum of what came over
/// the sum of what it is measured against (steps, or an expected count). A phase of which little is known
/// leans towards the mean of all. Neighbouring phases may share a bin. Each visit lets older ones fade.
class PhaseMeans {
 public:
  struct Shape {
    std::uint32_t period = 1;  ///< in steps
    std::uint32_t width = 1;   ///< steps that share a bin
    double keep = 1;           ///< what a season leaves of the ones before it
    double lean = 0.5;         ///< exposure's worth of the mean of all that a bin holds from the start

    bool is_sound() const;
  };

  PhaseMeans() : PhaseMeans(Shape{}) {}
  explicit PhaseMeans(const Shape& shape);

  /// `step` counts from the first step of the history.
  double at(std::uint64_t step) const {
    const Cell& cell = cells_[bin_of(step)];
    const double mean = overall();
    return (cell.sum + shape_.lean * mean) / std::max(cell.exposure + shape_.lean, 1e-12);
  }
  /// The mean of all phases; 0 at the start.
  double overall() const { return all_.exposure > 0 ? all_.sum / all_.exposure : 0; }
  /// Exposure that the mean of all rests on.
  double seen() const { return all_.exposure; }
  void update(std::uint64_t step, double value, double exposure) {
    add(cells_[bin_of(step)], keep_visit_, value, exposure);
    add(all_, keep_step_, value, exposure);
  }
  const Shape& shape() const { return shape_; }

  static void fields(auto& means, auto& archive) {
    archive(means.shape_);
    archive(means.all_);
    archive(means.cells_);
  }
  /// After loading: false when these cannot be means.
  bool settle();

 private:
  struct Cell {
    double sum = 0;
    double exposure = 0;
  };
  static void add(Cell& cell, double keep, double value, double exposure) {
    cell.sum = keep * cell.sum + value;
    cell.exposure = keep * cell.exposure + exposure;
  }
  std::size_t bin_of(std::uint64_t step) const {
    return static_cast<std::size_t>(step % shape_.period) / shape_.width;
  }
  void set_keeps();

  Shape shape_;
  double keep_visit_ = 1;
  double keep_step_ = 1;
  Cell all_;
  std::vector<Cell> cells_;
};

/// Seasons that a history of `steps` can teach: at least two cycles, at most `most` of them, the shortest
/// first.
std::vector<std::uint32_t> learnable_seasons(std::span<const std::uint32_t> seasons, std::size_t steps,
                                             std::size_t most);

}  // namespace forewarm
