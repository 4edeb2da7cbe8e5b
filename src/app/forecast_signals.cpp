#include "app/forecast_signals.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/signal_config.h"

namespace forewarm {
namespace {

constexpr std::size_t kRegressorsOfFit = 32;  ///< as of the core's own fits
/// Of the arrivals and all signals together: what the fit worker's pipe takes whole, so that writing it never
/// blocks.
constexpr std::size_t kValuesMax = 250'000;
constexpr std::size_t kReadingsMax = 16;  ///< threads that read plans at the same time
/// A calendar on a disk that hangs: the forecast is more urgent.
constexpr Duration kPlansWaited = 2s;

TimePoint end_of(const FitRequest& request) {
  return request.start + request.step * static_cast<Duration::rep>(request.arrivals.size());
}

std::size_t factor_of(const FitRequest& request, Duration step) {
  return static_cast<std::size_t>(request.step / step);
}

}  // namespace

Regressor regressor_beside(const FitRequest& request, std::size_t factor, const SignalSeries& series,
                           SignalId signal, bool future_known, TimePoint now) {
  const TimePoint end = end_of(request);
  const SignalSeries coarse = series.coarser(factor);
  Regressor out{
      .signal = signal, .past = coarse.aligned(request.start, request.arrivals.size(), end), .future = {}};
  if (future_known) out.future = coarse.aligned(end, request.horizon, std::max(end, now));
  return out;
}

struct ForecastSignals::Plans {
  struct Planned {
    SignalConfig config;
    SignalId id;
    Reading reading = {};
    bool read = false;
  };
  FitRequest request;
  Duration step;
  Done done;
  std::map<SignalId, std::string> names = {};
  std::vector<Planned> planned = {};
  std::size_t left = 0;  ///< to be read
  std::unique_ptr<Loop::Timer> patience = {};
  std::unique_ptr<SourceThread> thread = {};  ///< last, so that it ends first
};

ForecastSignals::ForecastSignals(Loop& loop, SignalService& signals, Told told)
    : loop_(loop),
      signals_(signals),
      told_(std::move(told)),
      self_(std::make_shared<ForecastSignals*>(this)) {}

ForecastSignals::~ForecastSignals() {
  *self_ = nullptr;
  for (const auto& [serial, plans] : reading_) plans->thread->stop();
}

void ForecastSignals::add(std::string_view queue, Duration step, FitRequest request, Done done) {
  auto plans =
      std::make_unique<Plans>(Plans{.request = std::move(request), .step = step, .done = std::move(done)});
  const TimePoint now = signals_.now();
  const TimePoint until = end_of(plans->request) + plans->request.step * plans->request.horizon;
  // A plan reaches twice as far ahead as its window says.
  const PlanWindow window{.past = now - plans->request.start + step,
                          .ahead = std::max<Duration>((until - now) / 2, Duration(0)) + 1s};
  std::vector<std::unique_ptr<SignalSource>> sources;
  signals_.visit(queue, [&](const SignalConfig& config, SignalId id, const SignalIntake& intake) {
    if (config.planned()) {
      if (reading_.size() >= kReadingsMax) return;
      plans->planned.push_back({config, id});
      sources.push_back(make_signal_source(config, window));
      return;
    }
    const SignalSeries* told = told_(id);
    if (told == nullptr) return;
    const auto ahead = static_cast<std::size_t>(std::max<Duration>(until - now, Duration(0)) / step) + 1;
    SignalSeries series = told->with_future(ahead);
    for (const LevelChange& value : intake.waiting()) series.observe(value.at, value.value, now);
    put(*plans, config, id, series);
  });
  if (sources.empty()) {
    plans->done(std::move(plans->request), std::move(plans->names));
    return;
  }
  const std::uint64_t serial = ++serial_;
  plans->left = sources.size();
  plans->patience = loop_.call_after(kPlansWaited, [this, serial] { finish(*reading_.at(serial)); });
  const auto report = [&loop = loop_, self = self_, serial](std::size_t index, Reading reading) {
    loop.post([self, serial, index, reading = std::make_shared<Reading>(std::move(reading))] {
      if (*self != nullptr) (*self)->take(serial, index, std::move(*reading));
    });
  };
  Plans& kept = *reading_.emplace(serial, std::move(plans)).first->second;
  kept.thread = std::make_unique<SourceThread>(
      std::move(sources), [now] { return now; }, report);
}

/// A thread that was too slow stays until it has come to its end, so that nobody waits for it.
void ForecastSignals::take(std::uint64_t serial, std::size_t index, Reading reading) {
  const auto found = reading_.find(serial);
  if (found == reading_.end() || found->second->planned[index].read) return;
  Plans& plans = *found->second;
  plans.planned[index].reading = std::move(reading);
  plans.planned[index].read = true;
  if (--plans.left > 0) return;
  finish(plans);
  reading_.erase(found);
}

void ForecastSignals::finish(Plans& plans) {
  if (!plans.done) return;
  for (const Plans::Planned& planned : plans.planned) {
    const FitRequest& request = plans.request;
    const std::size_t factor = factor_of(request, plans.step);
    SignalSeries series({.kind = SignalKind::Level,
                         .step = plans.step,
                         .past_steps = factor * (request.arrivals.size() + 1),
                         .future_steps = factor * (std::size_t{request.horizon} + 1)});
    for (const LevelChange& change : planned.reading.plan) {
      // What holds before the history's beginning holds at it.
      series.observe(std::max(change.at, request.start), change.value, end_of(request));
    }
    if (series.size() > 0) put(plans, planned.config, planned.id, series);
  }
  std::exchange(plans.done, nullptr)(std::move(plans.request), std::move(plans.names));
}

void ForecastSignals::put(Plans& plans, const SignalConfig& config, SignalId id,
                          const SignalSeries& series) const {
  FitRequest& request = plans.request;
  const std::size_t with_one_more =
      (request.regressors.size() + 2) * (request.arrivals.size() + request.horizon);
  if (request.regressors.size() >= kRegressorsOfFit || with_one_more > kValuesMax) return;
  Regressor regressor = regressor_beside(request, factor_of(request, plans.step), series, id,
                                         config.knows_future(), signals_.now());
  if (std::ranges::all_of(regressor.past, [](float value) { return std::isnan(value); })) return;
  plans.names[id] = config.name;
  request.regressors.push_back(std::move(regressor));
}

}  // namespace forewarm
