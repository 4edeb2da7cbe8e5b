#include "core/forecast/models/lead_errors.h"

#include <algorithm>
#include <cmath>

namespace forewarm {
namespace {

constexpr std::uint32_t kErrorLeads[] = {1, 2, 4, 8, 16, 30, 60};
constexpr double kErrorMax = 1e17;

}  // namespace

LevelValues LeadErrors::at(std::size_t lead) const {
  if (leads.empty()) return {};
  const auto after =
      static_cast<std::size_t>(std::lower_bound(leads.begin(), leads.end(), lead) - leads.begin());
  if (after == leads.size()) return quantiles.back();
  if (after == 0 || leads[after] == lead) return quantiles[after];
  const double share =
      static_cast<double>(lead - leads[after - 1]) / static_cast<double>(leads[after] - leads[after - 1]);
  LevelValues between{};
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    between[level] =
        quantiles[after - 1][level] + share * (quantiles[after][level] - quantiles[after - 1][level]);
  }
  return between;
}

LevelValues LeadErrors::around(double expected, std::size_t lead) const {
  LevelValues row = at(lead);
  for (double& value : row) value += expected;
  return row;
}

bool LeadErrors::is_sound() const {
  if (leads.size() != quantiles.size()) return false;
  for (std::size_t i = 0; i < leads.size(); ++i) {
    if (leads[i] == 0 || (i > 0 && leads[i] <= leads[i - 1])) return false;
    for (const double value : quantiles[i]) {
      if (!(std::abs(value) < kErrorMax)) return false;
    }
  }
  return true;
}

LeadErrorSample::LeadErrorSample(std::size_t steps) {
  for (const std::uint32_t lead : kErrorLeads) {
    if (lead == 1 || std::size_t{lead} * 4 <= steps) leads_.push_back(lead);
  }
  errors_.resize(leads_.size());
}

void LeadErrorSample::add(std::size_t index, double error, double weight) {
  if (std::abs(error) < kErrorMax) errors_[index].push_back({error, weight});
}

LeadErrors LeadErrorSample::quantiles() {
  LeadErrors errors;
  for (std::size_t i = 0; i < leads_.size(); ++i) {
    if (errors_[i].empty()) continue;
    errors.leads.push_back(leads_[i]);
    errors.quantiles.push_back(weighted_quantiles(errors_[i]));
  }
  return errors;
}

}  // namespace forewarm
