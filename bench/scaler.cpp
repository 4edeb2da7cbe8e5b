// What one decision of the scaler costs: a plan must stay under 50 us, the reactive net under 0.2 us.

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>

#include "core/scale/scaler.h"

namespace {

using namespace forewarm;

ModelForecast forecast_of(float per_step, Duration step) {
  ModelForecast forecast{.model = ModelId::SeasonalQuantiles,
                         .forecast = {.start = time_point_us(0), .step = step, .values = {}}};
  for (int h = 0; h < 60; ++h) {
    for (const float factor : {0.7F, 0.9F, 1.0F, 1.1F, 1.2F, 1.3F, 1.5F})
      forecast.forecast.values.push_back(per_step * factor * static_cast<float>(1 + h % 5));
  }
  return forecast;
}

ScalingInputs inputs_of(const ModelForecast& forecast, Duration lead) {
  ScalingInputs inputs;
  inputs.backlog = {.ready = 3, .delayed = 0, .in_flight = 8, .oldest_wait = 10ms};
  inputs.instances.idle = 1;
  inputs.instances.busy = 8;
  inputs.instances_limit = 1000;
  inputs.service_time = {.mean = 300ms, .p95 = 1s, .observed = 1000};
  inputs.start_time = {.mean = lead, .p95 = lead, .observed = 100};
  inputs.forecast = &forecast;
  inputs.forecast_loss = 1;
  inputs.naive_loss = 2;
  inputs.step = forecast.forecast.step;
  return inputs;
}

/// Processor time, so that what else the machine does is not counted.
template <class Call>
double mean_us(std::uint64_t calls, Call call) {
  const std::clock_t begin = std::clock();
  for (std::uint64_t i = 0; i < calls; ++i) call(i);
  return 1e6 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC / static_cast<double>(calls);
}

void measure(const char* name, float per_step, Duration step, Duration lead) {
  ModelForecast forecast = forecast_of(per_step, step);
  ScalingInputs inputs = inputs_of(forecast, lead);
  ScalingSettings settings;
  settings.instances_max = 1000;
  const std::unique_ptr<Scaler> scaler = make_predictive_scaler(settings);
  std::uint64_t sum = 0;
  // Messages in bursts of up to sixteen, so that the shadow has as many levels; each plan reads its forecast.
  inputs.now = time_point_us(0);
  const double plan = mean_us(20'000, [&](std::uint64_t i) {
    for (std::uint64_t m = 0; m < (i * 7 & 15); ++m) scaler->observe_ready(inputs.now);
    inputs.now += step;
    forecast.forecast.start += step;
    sum += scaler->plan(inputs).instances;
  });
  const double ready = mean_us(5'000'000, [&](std::uint64_t i) {
    inputs.now += 100ms * static_cast<int>(i & 3);
    scaler->observe_ready(inputs.now);
  });
  const double start = mean_us(5'000'000, [&](std::uint64_t i) {
    inputs.backlog.ready = static_cast<std::uint32_t>(i & 15);
    sum += scaler->start_now(inputs);
  });
  std::printf("%-42s plan %7.2f us (bound 50)   message %6.3f us   start_now %6.4f us (bound 0.2)   [%llu]\n",
              name, plan, ready, start, static_cast<unsigned long long>(sum % 1000));
}

}  // namespace

int main() {
  measure("10 s steps, 2 s lead, 10 messages a second", 100, 10s, 2s);
  measure("1 s steps, 2 s lead, 10 messages a second", 10, 1s, 2s);
  measure("0.5 s steps, 60 s lead", 10, 500ms, 60s);
  measure("10 s steps, 5 min lead, 1000 a second", 10'000, 10s, 300s);
}
