#include "scaling/lab.h"

#include <algorithm>
#include <cmath>

#include "core/forecast/quantile_set.h"
#include "sim/bounds/slack_bound.h"
#include "sim/bounds/zero_wait.h"
#include "sim/comparison.h"
#include "sim/policies.h"

namespace forewarm::bench {
namespace {

constexpr std::uint32_t kInstancesMax = 2000;
constexpr std::size_t kForecastsApart = 5;  // of those that are scored

ReplayOptions replay_options(const Course& course, const Objective& objective) {
  ReplayOptions options;
  options.objective = objective.slack;
  options.late_share_max = objective.late_share;
  options.step = course.step;
  options.instances_max = kInstancesMax;
  return options;
}

SimulationOptions world_of(const Course& course, const StartModel& start, const Objective& objective) {
  SimulationOptions world = replay_world(course.trace, replay_options(course, objective));
  world.start_time = start.time;
  for (FunctionSettings& function : world.configuration.functions)
    function.start_time_guess = start.time.mean();
  return world;
}

Duration cut_of(const Course& course) {
  return from_seconds(seconds(course.trace.length) * course.learning);
}

Ledger ledger_of(SimulationOptions world, Duration slack, Duration from, Duration until, Duration column) {
  for (MappingSettings& mapping : world.configuration.mappings) mapping.scaling.objective = slack;
  Ledger::Options options{.start = world.start,
                          .bucket = column,
                          .queues = {},
                          .configuration = world.configuration,
                          .score_from = world.start + from,
                          .score_until = world.start + until,
                          .lines_of_scored = true};
  for (const SimulatedQueue& queue : world.queues) options.queues.push_back(queue.id);
  return Ledger(options);
}

/// Of all queues, equally long.
std::vector<std::vector<TimelineBucket>> columns_of(const Ledger& ledger) {
  std::vector<std::vector<TimelineBucket>> lines;
  const std::size_t count = ledger.timeline().size();
  for (std::size_t queue = 0; queue < ledger.queues().size(); ++queue) {
    lines.push_back(ledger.timeline(queue));
    lines.back().resize(count);
  }
  return lines;
}

}  // namespace

ForecastFitted FitMemory::fit(const FitRequest& request) {
  const std::pair key{request.queue.value(), request.serial};
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(key);
  if (found != answers_.end()) return found->second;
  return answers_[key] = fitter_.fit(request);
}

void FitMemory::visit(QueueId queue, const std::function<void(const Forecast&)>& take) const {
  for (auto entry = answers_.lower_bound({queue.value(), 0});
       entry != answers_.end() && entry->first.first == queue.value(); ++entry) {
    if (!entry->second.forecasts.empty()) take(entry->second.forecasts.back().forecast);
  }
}

TimePoint scored_from(const Course& course) {
  return course.trace.start + cut_of(course);
}

Duration scored_length(const Course& course) {
  return course.trace.length - cut_of(course);
}

Duration column_width(const Course& course) {
  return std::min<Duration>(1h, bootstrap_block(scored_length(course)));
}

BooksBySlack run_course(const Course& course, const StartModel& start, const std::string& policy,
                        const Objective& objective, const std::vector<Duration>& slacks, const Fits& fits) {
  SimulationOptions world = world_of(course, start, objective);
  world.fit = [&fits](const FitRequest& request) {
    return fits ? fits(request) : ForecastFitted{request.queue, request.serial, {}};
  };
  const Duration cut = cut_of(course);
  std::vector<Ledger> ledgers;
  for (const Duration slack : slacks) {
    ledgers.push_back(ledger_of(world, slack, Duration(0), cut, cut));
    ledgers.push_back(ledger_of(world, slack, cut, world.length + 1ms, column_width(course)));
  }
  RunOptions run{.make_scaler = parse_policy(policy).value().make_scaler, .bucket = 24h};
  for (Ledger& ledger : ledgers) run.watchers.push_back(&ledger);
  TraceArrivals arrivals(course.trace, 1);
  (void)run_simulation(world, arrivals, run);
  BooksBySlack books;
  for (std::size_t i = 0; i < slacks.size(); ++i) {
    for (std::size_t part : {2 * i, 2 * i + 1})
      ledgers[part].finish(world.start + world.length + kReplaySettle);
    const Ledger& scored = ledgers[2 * i + 1];
    books[slacks[i]] = {ledgers[2 * i].queues(), scored.queues(), columns_of(scored)};
  }
  return books;
}

std::vector<double> bounds_of(const Course& course, const StartModel& start, const Objective& objective) {
  const SimulationOptions world = world_of(course, start, objective);
  TraceArrivals arrivals(course.trace, 1);
  const std::vector<std::vector<Job>> jobs = jobs_of(world, arrivals);
  std::vector<double> bounds(jobs.size());
  side_by_side(jobs.size(), 0, [&](std::size_t queue) {
    const BoundProblem problem{.jobs = jobs[queue],
                               .start_seconds = seconds(start.time.mean()),
                               .from = seconds(cut_of(course)),
                               .to = seconds(world.length)};
    bounds[queue] = slack_bound(problem, {.slack_seconds = seconds(objective.slack),
                                          .late_share = objective.late_share,
                                          .slots = 800})
                        .value_or(0);
  });
  return bounds;
}

double loss_against_clim(const Course& course, std::size_t queue, const FitMemory& forecasts,
                         Duration window) {
  const Duration step = course.step;
  const auto steps = static_cast<std::size_t>(course.trace.length / step) + 1;
  std::vector<double> counts(steps, 0);
  for (const TraceArrival& arrival : course.trace.arrivals) {
    if (arrival.queue == queue) ++counts[static_cast<std::size_t>(arrival.at / step)];
  }
  const auto learnt = static_cast<std::size_t>(cut_of(course) / step);
  const auto remembered = static_cast<std::size_t>(window / step);
  double of_forecast = 0, of_clim = 0;
  std::size_t seen = 0;
  const auto take = [&](const Forecast& forecast) {
    if (seen++ % kForecastsApart != 0) return;
    const auto origin = static_cast<std::size_t>((forecast.start - course.trace.start) / step);
    if (origin < remembered / 8 || origin + forecast.horizon() > learnt) return;
    std::vector<WeightedValue> past;
    for (std::size_t t = origin > remembered ? origin - remembered : 0; t < origin; ++t)
      past.push_back({counts[t], 1});
    const LevelValues clim = weighted_quantiles(past);
    for (std::size_t h = 0; h < forecast.horizon(); ++h) {
      for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
        const double p = kForecastLevels[level];
        of_forecast += pinball_loss(counts[origin + h], static_cast<double>(forecast.at(h, level)), p);
        of_clim += pinball_loss(counts[origin + h], clim[level], p);
      }
    }
  };
  forecasts.visit(QueueId(static_cast<std::uint32_t>(queue + 1)), take);
  return of_clim > 0 ? of_forecast / of_clim : 1;
}

}  // namespace forewarm::bench
