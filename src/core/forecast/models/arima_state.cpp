#include "core/forecast/models/arima_state.h"

#include <algorithm>
#include <cmath>

namespace forewarm {
namespace {

constexpr double kArimaValueMax = 1e16;       // beyond the largest value there can be: a runaway stays finite
constexpr std::size_t kArimaOrigins = 250;    // from which errors are measured
constexpr std::size_t kArimaReachMax = 4096;  // of a loaded state

std::size_t state_size(const ArimaProcess& process) {
  return std::max(process.ar_reach(), process.ma_reach() + 1);
}

double bounded_value(double value) {
  return value == value ? std::clamp(value, -kArimaValueMax, kArimaValueMax) : 0;
}

bool sound_weights(const std::vector<LagWeight>& weights) {
  return std::all_of(weights.begin(), weights.end(), [](const LagWeight& weight) {
    return weight.lag >= 1 && weight.lag <= kArimaReachMax && std::abs(weight.weight) <= 100;
  });
}

}  // namespace

ArimaState::ArimaState(ArimaProcess process, std::vector<double> state, std::vector<double> past)
    : process_(std::move(process)), ahead_(std::move(state)), past_(std::move(past)) {}

ArimaState::ArimaState(ArimaProcess process, std::span<const double> past)
    : process_(std::move(process)), ahead_(state_size(process_)), past_(past.begin(), past.end()) {}

double ArimaState::difference_part(std::span<const double> past) const {
  double sum = process_.mean;
  for (const LagWeight& difference : process_.differences)
    sum += difference.weight * past[past.size() - difference.lag];
  return sum;
}

void ArimaState::update(double value) {
  const double base = difference_part(past_);
  const double measured = value == value ? bounded_value(value) : base + ahead_[0];
  const double w = bounded_value(measured - base);
  const double surprise = w - ahead_[0];
  std::move(ahead_.begin() + 1, ahead_.end(), ahead_.begin());
  ahead_.back() = 0;
  for (const LagWeight& ar : process_.ar) ahead_[ar.lag - 1] += ar.weight * w;
  for (const LagWeight& ma : process_.ma) ahead_[ma.lag - 1] += ma.weight * surprise;
  if (past_.empty()) {
    process_.mean += follow_ * (measured - process_.mean);
    return;
  }
  std::move(past_.begin() + 1, past_.end(), past_.begin());
  past_.back() = bounded_value(measured);
}

void ArimaState::expected(std::span<const std::size_t> leads, std::span<double> values) const {
  if (leads.empty()) return;
  const std::size_t horizon = leads.back();
  std::vector<double> ahead(ahead_);
  ahead.resize(std::max(ahead.size(), horizon) + state_size(process_));
  std::vector<double> series(past_);
  series.reserve(past_.size() + horizon);
  std::size_t next = 0;
  for (std::size_t h = 0; h < horizon; ++h) {
    const double w = ahead[h];
    for (const LagWeight& ar : process_.ar) ahead[h + ar.lag] += ar.weight * w;
    const double value = bounded_value(w + difference_part(series));
    series.push_back(value);
    while (next < leads.size() && leads[next] == h + 1) values[next++] = value;
  }
}

bool ArimaState::is_sound() const {
  const auto finite = [](double value) { return std::abs(value) <= 1e3 * kArimaValueMax; };  // false for NaN
  return sound_weights(process_.ar) && sound_weights(process_.ma) && sound_weights(process_.differences) &&
         finite(process_.mean) && follow_ >= 0 && follow_ <= 1 && ahead_.size() == state_size(process_) &&
         past_.size() == process_.difference_reach() && std::all_of(ahead_.begin(), ahead_.end(), finite) &&
         std::all_of(past_.begin(), past_.end(), finite);
}

LeadErrors own_errors(const ArimaSeries& series, const ArimaProcess& process) {
  const std::span<const double> values = series.values();
  const std::size_t lost = process.difference_reach();
  ArimaState state(process, series.filled().first(lost));
  state.follow_level(kArimaFollow);
  LeadErrorSample sample(values.size());
  const std::vector<std::size_t> leads(sample.leads().begin(), sample.leads().end());
  std::vector<double> expected(leads.size());
  const std::size_t from =
      std::min(std::max(lost + process.ar_reach() / 2, values.size() / 8), values.size());
  const std::size_t stride = std::max<std::size_t>(1, (values.size() - from) / kArimaOrigins);
  for (std::size_t t = lost; t < values.size(); ++t) {
    if (t >= from && (values.size() - t) % stride == 0) {
      const double weight = 0.3 + 0.7 * static_cast<double>(t) / static_cast<double>(values.size());
      std::size_t known = leads.size();
      while (known > 0 && t + leads[known - 1] > values.size()) --known;
      state.expected(std::span(leads).first(known), expected);
      for (std::size_t i = 0; i < known; ++i) sample.add(i, values[t + leads[i] - 1] - expected[i], weight);
    }
    state.update(values[t]);
  }
  return sample.quantiles();
}

ArimaState settled_state(const ArimaSeries& series, const ArimaFit& fit, double cost_max) {
  const ArimaProcess process = fit.process();
  ArimaInnovations innovations;
  const std::span<const double> values = series.values();
  const bool affordable = likelihood_cost(series, fit.order) <= cost_max;
  if (affordable && !series.has_gaps()) {
    std::vector<double> w(series.differenced().begin(), series.differenced().end());
    for (double& value : w) value = value * series.scale() - process.mean;
    if (whiten(process, w, w.size(), innovations)) {
      const std::span<const double> past = values.last(process.difference_reach());
      return {process, innovations.state, {past.begin(), past.end()}};
    }
  } else if (affordable) {
    if (filter_with_gaps(process, values, innovations)) return {process, innovations.state, innovations.past};
  }
  ArimaState state(process, series.filled().first(process.difference_reach()));
  for (const double value : values.subspan(process.difference_reach())) state.update(value);
  return state;
}

}  // namespace forewarm
