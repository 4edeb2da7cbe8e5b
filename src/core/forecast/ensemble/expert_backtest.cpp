#include "core/forecast/ensemble/expert_backtest.h"

#include <algorithm>
#include <cmath>

namespace forewarm {
namespace {

constexpr std::size_t kScoredLeads[] = {1, 2, 4, 7, 12, 18, 28, 40, 60};
constexpr std::size_t kScoredOrigins = 40;
constexpr std::size_t kTailMax = 2880;
constexpr std::size_t kHeadMin = 16;

}  // namespace

std::vector<BacktestPoint> backtest(ExpertPanel& panel, const SeriesView& history, std::size_t horizon) {
  std::vector<BacktestPoint> points;
  const std::size_t n = history.values.size();
  const std::size_t tail = std::min(n / 3, kTailMax);
  const std::size_t head = n - tail;
  if (head < kHeadMin || tail == 0) return points;
  SeriesView known = history;
  known.values = history.values.first(head);
  if (!panel.fit_to_score(known)) return points;
  const std::size_t stride = std::max<std::size_t>(1, tail / kScoredOrigins);
  std::vector<std::size_t> leads;
  for (std::size_t origin = head; origin < n; ++origin) {
    if ((n - origin) % stride == 0) {
      leads.clear();
      for (const std::size_t lead : kScoredLeads) {
        if (lead <= horizon && origin + lead <= n && std::isfinite(history.values[origin + lead - 1]))
          leads.push_back(lead);
      }
      const Disturbance disturbance = panel.disturbance();
      std::vector<std::vector<LevelValues>> said = panel.rows(leads);
      for (std::size_t i = 0; i < leads.size(); ++i) {
        points.push_back({.origin = origin,
                          .lead = leads[i],
                          .value = std::clamp<double>(history.values[origin + leads[i] - 1], 0, 1e15),
                          .disturbance = disturbance,
                          .said = std::move(said[i])});
      }
    }
    panel.update(history.values[origin]);
  }
  panel.learn_mix(points);
  return points;
}

ExpertLosses::ExpertLosses(std::span<const BacktestPoint> points, std::size_t experts)
    : known_(!points.empty()), losses_(experts) {
  for (const BacktestPoint& point : points) {
    const std::size_t band = lead_band(point.lead);
    counts_[band] += 1;
    for (std::size_t e = 0; e < experts; ++e) {
      for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
        losses_[e][band][level < kUpper ? 0 : 1] +=
            pinball_loss(point.value, point.said[e][level], kForecastLevels[level]);
      }
    }
  }
  double bands = 0;
  for (const double count : counts_) bands += count > 0 ? 1 : 0;
  for (auto& loss : losses_) {
    for (std::size_t band = 0; band < kLeadBands; ++band) {
      for (std::size_t half = 0; half < 2 && counts_[band] > 0; ++half) {
        loss[band][half] /= counts_[band];
        loss[kLeadBands][half] += loss[band][half] / bands;
      }
    }
  }
}

bool ExpertLosses::is_sound(std::size_t experts) const {
  if (losses_.size() != experts) return false;
  for (const double count : counts_) {
    if (!(count >= 0)) return false;
  }
  for (const auto& loss : losses_) {
    for (const auto& band : loss) {
      for (const double half : band) {
        if (!(half >= 0 && std::isfinite(half))) return false;
      }
    }
  }
  return true;
}

}  // namespace forewarm
