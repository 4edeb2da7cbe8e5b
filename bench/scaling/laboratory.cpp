#include "scaling/laboratory.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <iostream>
#include <map>
#include <numeric>

#include "scaling/clairvoyant.h"
#include "scaling/grid.h"
#include "scaling/queue_choice.h"
#include "scaling/rows.h"
#include "scaling/synthetic.h"

namespace forewarm::bench {
namespace {

namespace json = boost::json;

bool keeps(const QueueLedger& book, double late_share) {
  return static_cast<double>(book.late) <= late_share * static_cast<double>(book.messages);
}

/// The baseline that was cheapest on the learning part among those that kept the objective there, or came
/// nearest to it.
std::size_t best_baseline(const std::vector<const Books*>& all, std::size_t queue, double late_share) {
  std::size_t best = 0;
  const auto better = [&](const QueueLedger& a, const QueueLedger& b) {
    const bool a_keeps = keeps(a, late_share), b_keeps = keeps(b, late_share);
    if (a_keeps != b_keeps) return a_keeps;
    if (!a_keeps && a.late != b.late) return a.late < b.late;
    return a.instance_seconds() < b.instance_seconds();
  };
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (better(all[i]->learnt[queue], all[best]->learnt[queue])) best = i;
  }
  return best;
}

/// What our policy's settings cost and how late they were on a queue. None late counts as half a message: its
/// logarithm is finite.
std::vector<FrontPoint> front_of(const std::vector<const Books*>& settings, std::size_t queue) {
  std::vector<FrontPoint> front;
  for (const Books* books : settings) {
    const QueueLedger& book = books->scored[queue];
    if (book.messages == 0) continue;
    front.push_back({book.instance_seconds(),
                     std::max(0.5, static_cast<double>(book.late)) / static_cast<double>(book.messages)});
  }
  return front;
}

RunOutcome run_outcome(const Books& ours, const Books& hpa, const Books& clairvoyant) {
  RunOutcome run;
  for (std::size_t queue = 0; queue < ours.scored.size(); ++queue) {
    run.ours_turns += ours.scored[queue].direction_changes;
    run.hpa_turns += hpa.scored[queue].direction_changes;
    run.ours_starts += ours.scored[queue].starts;
    run.clairvoyant_starts += clairvoyant.scored[queue].starts;
  }
  return run;
}

void print(const json::object& row) {
  std::cout << json::serialize(row) << "\n" << std::flush;
}

void print(json::object row, const Course& course, const StartModel& start, const Objective& objective,
           double bound) {
  row["trace"] = course.name;
  row["start"] = start.name;
  row["start_times"] = start.recorded ? "recorded" : "fitted";
  row["slack_seconds"] = seconds(objective.slack);
  row["late_share_asked"] = objective.late_share;
  row["bound_instance_seconds"] = bound;
  print(row);
}

}  // namespace

void Laboratory::run() {
  for (const TraceFile& file : trace_files()) {
    if (!asked(file.folder)) continue;
    const std::filesystem::path path = std::filesystem::path(options_.folder) / file.folder / file.file;
    if (!std::filesystem::exists(path)) {
      std::cerr << path.string() << ": not there, left out\n";
      continue;
    }
    const Result<QueueChoice> choice = choose_queues(path.string(), options_.queues);
    if (!choice) {
      std::cerr << choice.error().message << ": left out\n";
      continue;
    }
    for (const std::string& queue : choice->left_out)
      std::cerr << file.folder << ", " << queue << ": more than " << kQueueMessagesMax
                << " messages, left out\n";
    if (choice->queues.empty()) continue;
    Result<Trace> trace = read_trace(path.string(), {.queues = choice->queues});
    if (!trace) {
      std::cerr << trace.error().message << ": left out\n";
      continue;
    }
    take({file.folder, std::move(*trace), file.step});
  }
  if (asked("unpredictable")) take(unpredictable_course());
  if (asked("spoilt")) spoil(wave_course());
  json::array bars;
  for (const Bar& bar : bars_of(outcomes_, runs_, spoilt_)) bars.push_back(bar.json());
  print({{"bars", std::move(bars)}});
}

bool Laboratory::asked(const std::string& trace) const {
  return options_.traces.empty() || std::ranges::find(options_.traces, trace) != options_.traces.end();
}

bool Laboratory::asked_start(const std::string& start) const {
  return options_.starts.empty() || std::ranges::find(options_.starts, start) != options_.starts.end();
}

/// Beside the policy without a forecast, which spoilt ones cannot touch.
void Laboratory::spoil(const Course& course) {
  FitMemory honest;
  const Objective objective{.slack = 500ms, .late_share = 0.01};
  for (const StartModel& start : starts_) {
    if (!asked_start(start.name)) continue;
    std::cerr << "spoilt forecasts, start " << start.name << "\n";
    const auto run = [&](const char* policy, Corruption corruption) {
      SpoiltFits fits(honest, corruption, scored_from(course));
      const BooksBySlack books = run_course(course, start, policy, objective, {objective.slack},
                                            [&](const FitRequest& request) { return fits.fit(request); });
      return books.at(objective.slack).scored[0];
    };
    const QueueLedger reactive = run("reactive", Corruption::None);
    for (const auto& [name, corruption] : {std::pair{"as they are", Corruption::None},
                                           {"stale", Corruption::Stale},
                                           {"inverted", Corruption::Inverted},
                                           {"ten times too high", Corruption::Tenfold}}) {
      const QueueLedger book = run("forewarm", corruption);
      json::object row = row_of(std::string("forewarm, forecasts ") + name, {book}, scored_length(course));
      row["trace"] = "spoilt";
      row["start"] = start.name;
      row["reactive_instance_seconds"] = reactive.instance_seconds();
      row["reactive_late_share"] = reactive.late_share();
      print(row);
      if (corruption != Corruption::None)
        spoilt_.push_back(book.instance_seconds() / reactive.instance_seconds() - 1);
    }
  }
}

void Laboratory::take(const Course& course) {
  FitMemory forecasts;
  const ClairvoyantFits clairvoyant(course.trace);
  const std::vector<std::string> grid = baselines();
  const std::vector<Duration> slacks(std::begin(kSlacks), std::end(kSlacks));
  std::vector<double> loss;
  for (const StartModel& start : starts_) {
    if (!asked_start(start.name)) continue;
    std::cerr << course.name << ", start " << start.name << ": other autoscalers\n";
    std::vector<BooksBySlack> others(grid.size());
    side_by_side(grid.size(), 0,
                 [&](std::size_t i) { others[i] = run_course(course, start, grid[i], {}, slacks, {}); });
    for (const Duration slack : kSlacks) {
      std::cerr << "  slack " << seconds(slack) << " s\n";
      Contest contest{course, start, grid, {}, loss, {}};
      for (const BooksBySlack& books : others) contest.theirs.push_back(&books.at(slack));
      for (const double late_share : kLateShares) contest.ours.push_back({{slack, late_share}, {}, {}});
      side_by_side(2 * contest.ours.size(), 0, [&](std::size_t i) {
        Ours& ours = contest.ours[i / 2];
        const bool honest = i % 2 == 0;
        BooksBySlack books =
            run_course(course, start, "forewarm", ours.objective, {slack}, [&](const FitRequest& request) {
              return honest ? forecasts.fit(request) : clairvoyant.fit(request);
            });
        (honest ? ours.own : ours.clairvoyant) = std::move(books.at(slack));
      });
      for (std::size_t queue = loss.size(); queue < course.trace.queues.size(); ++queue)
        loss.push_back(loss_against_clim(course, queue, forecasts));
      for (const Ours& ours : contest.ours) compare(contest, ours);
    }
  }
}

void Laboratory::compare(const Contest& contest, const Ours& ours) {
  const auto& [course, start, grid, theirs, loss, settings] = contest;
  const Objective& objective = ours.objective;
  const std::vector<double> bounds = bounds_of(course, start, objective);
  std::vector<const Books*> fronts;
  fronts.reserve(settings.size());
  for (const Ours& setting : settings) fronts.push_back(&setting.own);
  std::vector<std::size_t> chosen;
  Books tuned;
  double kept_cost = 0, tuned_cost = 0;
  std::size_t paid_in_lateness = 0;
  json::object which;
  for (std::size_t queue = 0; queue < bounds.size(); ++queue) {
    const std::size_t best = best_baseline(theirs, queue, objective.late_share);
    const QueueLedger& baseline = theirs[best]->scored[queue];
    chosen.push_back(best);
    tuned.scored.push_back(baseline);
    tuned.columns.push_back(theirs[best]->columns[queue]);
    json::value& count = which[grid[best]];
    count = (count.is_null() ? 0 : count.as_int64()) + 1;
    const QueueLedger& own = ours.own.scored[queue];
    outcomes_.push_back({.place = course.name + ", " + start.name + ", " + course.trace.queues[queue].name,
                         .predictable = loss[queue] < 0.8,
                         .bound = bounds[queue],
                         .ours = own.instance_seconds(),
                         .baseline = baseline.instance_seconds(),
                         .messages = own.messages,
                         .ours_late = own.late,
                         .baseline_late = baseline.late,
                         .lead = seconds(start.time.mean()),
                         .slack = seconds(objective.slack),
                         .late_share = objective.late_share,
                         .clairvoyant = ours.clairvoyant.scored[queue].instance_seconds(),
                         .days = contract_days({.late_share = objective.late_share},
                                               days_of(course, ours.own.columns[queue])),
                         .front_late = late_share_at(front_of(fronts, queue), baseline.instance_seconds())});
    const Outcome& outcome = outcomes_.back();
    kept_cost += outcome.paid_in_lateness() ? std::max(outcome.ours, outcome.baseline) : outcome.ours;
    tuned_cost += outcome.baseline;
    paid_in_lateness += outcome.paid_in_lateness() ? 1 : 0;
  }
  const auto hpa = static_cast<std::size_t>(std::ranges::find(grid, kHpaPolicy) - grid.begin());
  runs_.push_back(run_outcome(ours.own, *theirs[hpa], ours.clairvoyant));

  if (options_.by_queue) print_by_queue(contest, ours, bounds, chosen);
  const double bound = std::accumulate(bounds.begin(), bounds.end(), 0.0);
  const Duration length = scored_length(course);
  json::object row = row_of("forewarm", ours.own.scored, length);
  add_intervals(row, course, ours.own.columns, tuned.columns);
  row["queues_paid_in_lateness"] = paid_in_lateness;
  row["instance_seconds_ratio_without_them"] = json_number(kept_cost / tuned_cost);
  add_contract(row, course, ours.own, objective.late_share);
  print(std::move(row), course, start, objective, bound);
  print(row_of("forewarm, clairvoyant forecasts", ours.clairvoyant.scored, length), course, start, objective,
        bound);
  row = row_of("best tuned baseline of each queue", tuned.scored, length);
  row["chosen"] = std::move(which);
  add_contract(row, course, tuned, objective.late_share);
  print(std::move(row), course, start, objective, bound);
  for (std::size_t i = 0; i < grid.size(); ++i)
    print(row_of(grid[i], theirs[i]->scored, length), course, start, objective, bound);
}

void Laboratory::print_by_queue(const Contest& contest, const Ours& ours, const std::vector<double>& bounds,
                                const std::vector<std::size_t>& chosen) const {
  const double bound = std::accumulate(bounds.begin(), bounds.end(), 0.0);
  for (std::size_t queue = 0; queue < bounds.size(); ++queue) {
    const QueueLedger& baseline = contest.theirs[chosen[queue]]->scored[queue];
    json::object row = row_of("forewarm", {ours.own.scored[queue]}, scored_length(contest.course));
    row["queue"] = contest.course.trace.queues[queue].name;
    row["loss_against_clim"] = contest.loss[queue];
    row["busy_seconds"] = ours.own.scored[queue].busy_seconds;
    row["bound"] = bounds[queue];
    row["baseline"] = contest.grid[chosen[queue]];
    row["baseline_instance_seconds"] = baseline.instance_seconds();
    row["baseline_late_share"] = baseline.late_share();
    print(std::move(row), contest.course, contest.start, ours.objective, bound);
  }
}

}  // namespace forewarm::bench
