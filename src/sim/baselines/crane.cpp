#include "sim/baselines/crane.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>

#include "sim/baselines/fourier.h"
#include "sim/baselines/minute_series.h"
#include "sim/baselines/rule.h"

namespace forewarm {
namespace {

constexpr std::size_t kDayMinutes = std::size_t{24} * 60, kWeekMinutes = 7 * kDayMinutes;
constexpr std::size_t kHistoryMinutes = 15 * kDayMinutes;
constexpr std::int64_t kPredictEachMinutes = std::int64_t{12} * 60;
constexpr std::int64_t kLookAheadMinutes = 60;

// estimators.go
constexpr double kHourlyWave = 1.0 / 60;  // a minute: defaultHighFrequencyThreshold
constexpr std::size_t kWavesMost = 100;
constexpr double kLeastValue = 0.01;

/// config.go, defaultEstimators.
struct WaveFilter {
  std::size_t waves_least = 3;
  double amplitude_least = 1;
};
constexpr WaveFilter kFilters[] = {{3, 1.0}, {50, 0.05}};
constexpr double kMargins[] = {0.01, 0.10, 0.15, 0.20};

struct Estimator {
  WaveFilter filter;
  double margin = 0;
};

using Spectrum = std::vector<std::complex<double>>;

Spectrum spectrum_of(std::span<const double> history) {
  Spectrum spectrum(history.begin(), history.end());
  fourier(spectrum, Transform::Forward);
  return spectrum;
}

/// The newest whole cycles.
std::span<const double> whole_cycles(std::span<const double> history, std::size_t cycle) {
  return history.last(history.size() / cycle * cycle);
}

/// Signal.IsPeriodic: no wave slower than the cycle is larger than that of the cycle. Where both are nothing
/// there is no cycle.
bool has_cycle(std::span<const double> history, std::size_t cycle) {
  const std::span<const double> whole = whole_cycles(history, cycle);
  const std::size_t cycles = whole.size() / cycle;
  if (cycles < 2) return false;
  const Spectrum spectrum = spectrum_of(whole);
  const double own = std::abs(spectrum[cycles]);
  for (std::size_t k = 1; k < cycles; ++k) {
    if (std::abs(spectrum[k]) >= own) return false;
  }
  return own > 1e-9 * static_cast<double>(whole.size());
}

/// The amplitude below which a wave faster than an hour is noise.
double noise_amplitude(const Spectrum& spectrum, const WaveFilter& filter) {
  const auto length = static_cast<double>(spectrum.size());
  std::vector<double> amplitudes;
  for (std::size_t k = 1; k < spectrum.size() / 2; ++k) amplitudes.push_back(std::abs(spectrum[k]) / length);
  std::ranges::sort(amplitudes, std::greater<>());
  const double least =
      std::max(amplitudes[std::min(kWavesMost, amplitudes.size()) - 1], filter.amplitude_least);
  return amplitudes.size() >= filter.waves_least ? std::min(least, amplitudes[filter.waves_least - 1])
                                                 : least;
}

/// The last cycle of the history without its noise, which stands for the next one.
std::vector<double> estimate(std::span<const double> history, std::size_t cycle, const Estimator& estimator) {
  Spectrum spectrum = spectrum_of(history);
  const auto length = static_cast<double>(spectrum.size());
  const double noise = noise_amplitude(spectrum, estimator.filter);
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    const bool fast = static_cast<double>(k) / length > kHourlyWave;
    if (fast && std::abs(spectrum[k]) / length < noise) spectrum[k] = 0;
  }
  fourier(spectrum, Transform::Inverse);
  std::vector<double> next;
  for (std::size_t i = spectrum.size() - cycle; i < spectrum.size(); ++i) {
    const double value = spectrum[i].real() / length;
    next.push_back((value <= 0 ? kLeastValue : value) * (1 + estimator.margin));
  }
  return next;
}

/// PredictionError: relative, what is too low the worse for it; absolute where a value is nothing.
double prediction_error(std::span<const double> actual, std::span<const double> predicted) {
  const bool some_nothing = std::ranges::any_of(actual, [](double value) { return value < 1e-3; });
  double sum = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double over = predicted[i] - actual[i];
    if (some_nothing)
      sum += std::abs(over);
    else
      sum += over < 0 ? -std::log(predicted[i] / actual[i]) / std::log(1.25) : over / actual[i];
  }
  return sum / static_cast<double>(actual.size());
}

class CraneScaler final : public Scaler {
 public:
  explicit CraneScaler(const CraneOptions& options)
      : options_(options), hpa_(options.hpa), replicas_(std::max(1U, options.hpa.min)) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    const double messages = messages_there(inputs);
    if (history_.add(inputs.now, messages) && ++minutes_ % kPredictEachMinutes == 0) predict();
    const std::uint32_t ready = ready_instances(inputs);
    const std::uint32_t reactive = hpa_.recommend(messages, options_.target, replicas_, ready);
    const std::uint32_t ahead = hpa_.recommend(largest_ahead(), options_.target, replicas_, ready);
    replicas_ = hpa_.next(inputs.now, replicas_, std::max(reactive, ahead));
    ScalingPlan plan = rule_plan(inputs, options_.sync, replicas_);
    plan.warm_floor = std::min(std::max(1U, options_.hpa.min), plan.instances);
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs&) override { return 0; }
  void observe_start(TimePoint, Duration) override {}
  bool plans_without_messages() const override { return true; }
  Duration period() const override { return options_.sync; }

 private:
  /// What was predicted before stays where nothing can be.
  void predict() {
    const std::vector<double> history(history_.means().begin(), history_.means().end());
    std::optional<std::vector<double>> next = crane_forecast(history);
    if (!next) return;
    predicted_ = std::move(*next);
    predicted_from_ = history_.open_minute();
  }

  /// QueryRealtimePredictedValues: the largest from this minute to an hour later; none predicted: 0.
  double largest_ahead() const {
    const std::int64_t from = history_.open_minute() - predicted_from_;
    const auto known = static_cast<std::int64_t>(predicted_.size());
    double largest = 0;
    for (std::int64_t i = from; i <= std::min(from + kLookAheadMinutes, known - 1); ++i)
      largest = std::max(largest, predicted_[static_cast<std::size_t>(i)]);
    return largest;
  }

  CraneOptions options_;
  HpaRule hpa_;
  std::uint32_t replicas_;
  MinuteSeries history_{kHistoryMinutes};
  std::int64_t minutes_ = 0;
  std::vector<double> predicted_;
  std::int64_t predicted_from_ = 0;
};

}  // namespace

std::optional<std::vector<double>> crane_forecast(std::span<const double> history) {
  std::size_t cycle = 0;
  for (const std::size_t candidate : {kDayMinutes, kWeekMinutes}) {
    if (cycle == 0 && has_cycle(whole_cycles(history, kDayMinutes), candidate)) cycle = candidate;
  }
  if (cycle == 0) return std::nullopt;
  const std::span<const double> whole = whole_cycles(history, cycle);
  const std::span<const double> before = whole.first(whole.size() - cycle);
  Estimator best;
  double least_error = INFINITY;
  for (const WaveFilter& filter : kFilters) {
    const std::vector<double> bare = estimate(before, cycle, {filter, 0});
    for (const double margin : kMargins) {
      std::vector<double> tried = bare;
      for (double& value : tried) value *= 1 + margin;
      const double error = prediction_error(whole.last(cycle), tried);
      if (error >= least_error) continue;
      least_error = error;
      best = {filter, margin};
    }
  }
  return estimate(whole, cycle, best);
}

std::unique_ptr<Scaler> make_crane_scaler(const CraneOptions& options) {
  return std::make_unique<CraneScaler>(options);
}

}  // namespace forewarm
