#pragma once

#include <vector>

#include "core/forecast/forecaster.h"
#include "core/forecast/models/batch_comb.h"

namespace forewarm {

/// The combs of a series, the surest first, at most 8; and, in `of_a_comb` if it is given, which steps had a
/// burst of one. A comb is one only if bursts hit its phase so often that chance, with all periods and phases
/// that were tried, would do it less than once in a thousand series (epoch folding, Leahy et al. 1983, with
/// binomial tails by Chernoff's bound in place of chi squared: bursts are few and anything but normal).
std::vector<BatchComb> find_combs(const SeriesView& series, std::vector<bool>* of_a_comb = nullptr);

}  // namespace forewarm
