#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/quantile_set.h"

namespace forewarm {

/// Quantiles of a model's own past errors at some leads, linear between leads. Arrivals are neither normal
/// nor symmetric, so what errors have been says more than a variance does.
struct LeadErrors {
  std::vector<std::uint32_t> leads;    ///< ascending, in steps ahead from 1
  std::vector<LevelValues> quantiles;  ///< of value - expected, one row a lead

  /// Zeros when no lead is known.
  LevelValues at(std::size_t lead) const;
  /// The same, moved to where the model expects the value.
  LevelValues around(double expected, std::size_t lead) const;

  static void fields(auto& errors, auto& archive) {
    archive(errors.leads);
    archive(errors.quantiles);
  }
  /// False when loaded fields cannot be errors.
  bool is_sound() const;
};

/// Collects errors from many origins.
class LeadErrorSample {
 public:
  /// Leads that a history of so many steps can say something about: at least four times as long.
  explicit LeadErrorSample(std::size_t steps);

  std::span<const std::uint32_t> leads() const { return leads_; }
  /// An error at leads()[index]; not a number counts for nothing.
  void add(std::size_t index, double error, double weight);
  /// Leads at which no error was seen are left out.
  LeadErrors quantiles();

 private:
  std::vector<std::uint32_t> leads_;
  std::vector<std::vector<WeightedValue>> errors_;
};

}  // namespace forewarm
