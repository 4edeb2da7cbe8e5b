#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace forewarm {

/// A signal that moves before the series does.
struct SignalLead {
  std::size_t steps = 0;
  double correlation = 0;  ///< of what is new in the one with what is new in the other
};

/// Finds by how many steps signals lead one series: the peak of the cross-correlation after seasons have been
/// taken out of both and both have been filtered white (Box, Jenkins and Reinsel, Time Series Analysis,
/// section 12.2: without that, two series that merely wander correlate at every lead).
class LeadSearch {
 public:
  static constexpr std::size_t kLeadMax = 60;

  LeadSearch(std::span<const float> values, std::span<const std::uint32_t> seasons);

  /// The lead in [1, kLeadMax] that the first half of the history shows and the second confirms. `tries` is
  /// the number of signals that are searched: chance finds more in many. `signal` is as long as the series.
  std::optional<SignalLead> lead_of(std::span<const float> signal, std::size_t tries) const;

 private:
  std::vector<std::uint32_t> seasons_;
  std::vector<double> values_;  ///< what is new in them
  std::vector<double> filter_;
};

}  // namespace forewarm
