// What is known from outside: external series, put beside a queue's history for its fits.

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "core/orchestrator_state.h"

namespace forewarm {
namespace {

/// Of one fit: each is as long as the history, and every model goes through all of them.
constexpr std::size_t kRegressorsMax = 32;
/// What is said of times to come is gathered for so long: a plan comes as several values.
constexpr Duration kNewsGather = 50ms;

std::uint32_t level_of(SignalId signal, const SignalSeries& series, TimePoint now) {
  const std::optional<double> value = series.latest(now);
  return value ? upstream_level(signal, *value) : 0;
}

bool is_for(const SignalSettings& settings, QueueId queue) {
  return settings.queues.empty() || std::ranges::find(settings.queues, queue) != settings.queues.end();
}

}  // namespace

const SignalSeries* Orchestrator::signal(SignalId id) const {
  return state_->find_signal(id);
}

const SignalSeries* Orchestrator::State::find_signal(SignalId id) const {
  const auto found = signals_.find(id);
  return found != signals_.end() ? &found->second : nullptr;
}

/// What is around an attempt of the queue's function: how full the machine is, and what those of its signals
/// say that tell of what the function needs.
Surroundings Orchestrator::State::surroundings(const QueueState& queue) const {
  Surroundings around;
  around.machine_load =
      static_cast<double>(instances_.size()) / std::max<std::uint32_t>(1, configuration_.instances_max);
  std::size_t told = 0;
  for (const SignalSettings& settings : configuration_.signals) {
    if (!settings.upstream || !is_for(settings, queue.id) || told == kUpstreamMax) continue;
    const auto found = signals_.find(settings.id);
    if (found != signals_.end()) around.upstream[told++] = level_of(found->first, found->second, now_);
  }
  return around;
}

void Orchestrator::State::on(const SignalObserved& event) {
  const auto found = signals_.find(event.signal);
  if (found == signals_.end()) return;
  const std::uint32_t before = level_of(event.signal, found->second, now_);
  if (!found->second.observe(event.at, event.value, now_)) return;
  const std::uint32_t level = level_of(event.signal, found->second, now_);
  const SignalSettings& settings =
      *std::ranges::find(configuration_.signals, event.signal, &SignalSettings::id);
  if (settings.upstream && level != 0 && level != before) {
    for (auto& [id, function] : functions_) {
      const auto theirs = [&](QueueId queue) { return is_for(settings, queue); };
      if (std::ranges::any_of(function.queues, theirs) && function.breakers.upstream_came_to(level))
        wake_breakers(function);
    }
  }
  const ForecastSettings& forecast = configuration_.forecast;
  const Duration ahead = forecast.step * static_cast<Duration::rep>(forecast.horizon);
  if (event.at <= now_ || event.at > saturating_add(now_, ahead)) return;
  if (std::ranges::find(signals_with_news_, event.signal) == signals_with_news_.end())
    signals_with_news_.push_back(event.signal);
  if (!signal_news_.waiting()) timers_.set(signal_news_, now_ + kNewsGather);
}

/// What is announced may begin before the next fit is due: the queues that it may help are fitted anew.
void Orchestrator::State::spread_signal_news() {
  for (const SignalSettings& settings : configuration_.signals) {
    if (!settings.future_known ||
        std::ranges::find(signals_with_news_, settings.id) == signals_with_news_.end())
      continue;
    for (auto& [id, queue] : queues_) {
      if (!queue->scaler || !queue->tick.waiting() || !is_for(settings, id)) continue;
      queue->signal_news = true;
      timers_.set(queue->tick, now_);
    }
  }
  signals_with_news_.clear();
}

/// Series whose settings stay keep what was said of them.
void Orchestrator::State::configure_signals() {
  std::map<SignalId, SignalSeries> kept;
  for (const SignalSettings& settings : configuration_.signals) {
    const SignalSeries::Options options{.kind = settings.kind,
                                        .holds = settings.holds,
                                        .step = configuration_.forecast.step,
                                        .past_steps = configuration_.forecast.history,
                                        .future_steps = 4 * std::size_t{configuration_.forecast.horizon}};
    const auto found = signals_.find(settings.id);
    if (found != signals_.end() && found->second.options() == options)
      kept.insert(signals_.extract(found));
    else
      kept.try_emplace(settings.id, options);
  }
  signals_ = std::move(kept);
}

/// The external series beside the request's history. Those of which nothing is known there are left out.
void Orchestrator::State::add_regressors(FitRequest& request) {
  for (const SignalSettings& settings : configuration_.signals) {
    if (request.regressors.size() >= kRegressorsMax) return;
    const auto found = signals_.find(settings.id);
    if (found == signals_.end() || found->second.size() == 0 || !is_for(settings, request.queue)) continue;
    SignalSeries& series = found->second;
    const std::size_t steps = request.arrivals.size();
    const TimePoint end = request.start + request.step * static_cast<Duration::rep>(steps);
    const std::span<const float> past = series.past(end, steps);
    if (std::ranges::all_of(past, [](float value) { return std::isnan(value); })) continue;
    Regressor regressor{.signal = settings.id, .past = {past.begin(), past.end()}, .future = {}};
    if (settings.future_known) regressor.future = series.aligned(end, request.horizon, end);
    request.regressors.push_back(std::move(regressor));
  }
}

}  // namespace forewarm
