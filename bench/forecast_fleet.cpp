// What forecasting costs with many queues: the fit worker's own time for updates, forecasts and fits
// together.
//   bench_forecast_fleet [QUEUES] [HISTORY] [STEPS]
// QUEUES (100) with HISTORY (8640) steps of 10 s are fitted, then STEPS (360) intervals pass as on a server
// with default settings: every sixth interval the worker is asked about a queue, and decides whether to move
// on or to fit anew.
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "base/random.h"
#include "core/forecast/ensemble/ensemble.h"
#include "core/forecast/ensemble/fit.h"
#include "core/forecast/seasons.h"

using namespace forewarm;

namespace {

constexpr std::size_t kHorizon = 60;
constexpr std::size_t kAskedEvery = 6;
constexpr double kStepSeconds = 10;
constexpr double kFleet = 10'000;  // queues the figures are told for

double cpu_seconds() {
  timespec spec{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spec);
  return static_cast<double>(spec.tv_sec) + static_cast<double>(spec.tv_nsec) * 1e-9;
}

double resident_kb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss);
}

/// Four kinds in turn: a daily course, a timer, sparse counts, bursts.
double rate_at(std::size_t queue, std::size_t t, Random& random) {
  const double level = 1 + static_cast<double>(queue % 37);
  switch (queue % 4) {
    case 0:
      return level * (1.2 + std::sin(2 * 3.14159265 * static_cast<double>(t) / 8640));
    case 1:
      return t % (6 * (1 + queue % 30)) == 0 ? 10 * level : 0;
    case 2:
      return 0.01 * level;
    default:
      return random.uniform() < 0.01 ? 50 * level : 0.5;
  }
}

std::vector<float> series_of(std::size_t queue, std::size_t steps) {
  Random random(queue + 1);
  std::vector<float> values(steps);
  for (std::size_t t = 0; t < steps; ++t)
    values[t] = static_cast<float>(random.poisson(rate_at(queue, t, random)));
  return values;
}

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

struct Costs {
  std::vector<double> fit, forecast, update;  ///< seconds
  double state_bytes = 0;                     ///< a queue, without the history
};

/// Of one ensemble by itself.
Costs single_costs(std::size_t queues, std::size_t history) {
  Costs costs;
  std::vector<std::size_t> leads;
  for (std::size_t lead = 1; lead <= kHorizon; ++lead) leads.push_back(lead);
  const auto timed = [](std::vector<double>& into, double times, const auto& work) {
    const double begin = cpu_seconds();
    work();
    into.push_back((cpu_seconds() - begin) / times);
  };
  for (std::size_t q = 0; q < std::min<std::size_t>(queues, 40); ++q) {
    const std::vector<float> values = series_of(q, history);
    Ensemble ensemble(EnsembleSize::Light, kHorizon);
    timed(costs.fit, 1, [&] {
      const std::vector<std::uint32_t> seasons = find_seasons(values);
      if (!ensemble.fit({.start = {}, .step = 10s, .values = values, .regressors = {}, .seasons = seasons}))
        std::abort();
    });
    timed(costs.forecast, 1, [&] { (void)ensemble.rows(leads, {}); });
    constexpr int kUpdates = 200;
    timed(costs.update, kUpdates, [&] {
      for (int i = 0; i < kUpdates; ++i) ensemble.update(values[static_cast<std::size_t>(i)], {});
    });
    costs.state_bytes +=
        static_cast<double>(ensemble.save().size()) / static_cast<double>(std::min<std::size_t>(queues, 40));
  }
  return costs;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, std::size_t otherwise) {
    return argc > i ? std::strtoul(argv[i], nullptr, 10) : otherwise;
  };
  const std::size_t queues = argument(1, 100), history = argument(2, 8640), steps = argument(3, 360);
  if (queues == 0 || history < 100 || steps == 0) {
    std::fprintf(stderr, "usage: bench_forecast_fleet [QUEUES] [HISTORY, at least 100] [STEPS]\n");
    return 2;
  }
  const Costs costs = single_costs(queues, history);
  std::printf(
      "light ensemble, %zu steps of history, medians: fit %.1f ms, forecast of %zu steps %.2f ms, update "
      "%.2f us (limit 20); saved state %.0f KB, history among it\n",
      history, 1e3 * middle(costs.fit), kHorizon, 1e3 * middle(costs.forecast), 1e6 * middle(costs.update),
      costs.state_bytes / 1e3);

  std::vector<std::vector<float>> values;
  values.reserve(queues);
  for (std::size_t q = 0; q < queues; ++q) values.push_back(series_of(q, history + steps + kAskedEvery));
  const double before = resident_kb();
  Fitter fitter;
  std::size_t asked = 0;
  const auto ask = [&](std::size_t q, std::size_t now) {
    FitRequest request;
    request.queue = QueueId(static_cast<std::uint32_t>(q + 1));
    request.serial = ++asked;
    request.start = TimePoint(std::chrono::seconds(10 * (now - history)));
    request.step = 10s;
    request.horizon = kHorizon;
    request.arrivals.assign(values[q].begin() + static_cast<std::ptrdiff_t>(now - history),
                            values[q].begin() + static_cast<std::ptrdiff_t>(now));
    if (fitter.fit(request).forecasts.empty()) std::abort();
  };
  for (std::size_t q = 0; q < queues; ++q) {
    ask(q, history + q % kAskedEvery);
    std::fprintf(stderr, "\r%zu of %zu queues fitted", q + 1, queues);
  }
  std::fprintf(stderr, "\n");
  const double begin = cpu_seconds();
  for (std::size_t step = 0; step < steps; ++step) {
    for (std::size_t q = 0; q < queues; ++q) {
      if (step > 0 && step % kAskedEvery == q % kAskedEvery) ask(q, history + step);
    }
  }
  const double used = cpu_seconds() - begin;
  const double share =
      used / (static_cast<double>(steps) * kStepSeconds) * kFleet / static_cast<double>(queues);
  std::printf(
      "%.0f queues at intervals of 10 s, one hour (updates, forecasts, fits): %.2f of a core (limit 0.50); "
      "%.0f KB of memory a queue, history among it\n",
      kFleet, share, (resident_kb() - before) / static_cast<double>(queues));
}
