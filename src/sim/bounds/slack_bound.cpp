#include "sim/bounds/slack_bound.h"

#include <ClpSimplex.hpp>
#include <CoinPackedMatrix.hpp>
#include <algorithm>
#include <cmath>
#include <vector>

namespace forewarm {
namespace {

constexpr double kNarrowest = 1e-6;  // seconds
constexpr double kSecondsMax = 60;

/// One slot of the window.
struct Slot {
  double possible = 0;  ///< work that can have been done by its end, at most
  double due = 0;       ///< work that must have been done by its end, without excuses
  double longest = 0;   ///< of the messages whose latest start lies in it: the longest's work,
  double work = 0;      ///< and that of all
};

/// Where the slots begin and end: at arrivals, latest starts and their ends, evenly thinned out to `most`
/// slots. So they are narrow where much happens, and exact where little does.
std::vector<double> edges_of(const BoundProblem& problem, const SlackOptions& options) {
  std::vector<double> all;
  const auto add = [&](double at) {
    if (at > problem.from && at < problem.to) all.push_back(at);
  };
  for (const Job& job : problem.jobs) {
    if (job.at < problem.from || job.at >= problem.to) continue;
    for (const double begin : {job.at, job.at + options.slack_seconds}) {
      add(begin);
      add(begin + job.service);
    }
  }
  std::ranges::sort(all);
  const std::size_t inner = std::min(all.size(), options.slots - 1);
  std::vector<double> edges = {problem.from};
  for (std::size_t i = 0; i < inner; ++i) {
    const double at = all[i * all.size() / inner];
    if (at > edges.back() + kNarrowest) edges.push_back(at);
  }
  if (problem.to - edges.back() <= kNarrowest) edges.pop_back();
  edges.push_back(problem.to);
  return edges;
}

std::size_t slot_of(const std::vector<double>& edges, double at) {
  const auto above = std::ranges::upper_bound(edges, at);
  const auto slot = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, above - edges.begin() - 1));
  return std::min(slot, edges.size() - 2);
}

/// Adds a job that runs from `begin` to `end` to the work of each slot.
void add_curve(std::vector<double>& work, const std::vector<double>& edges, double begin, double end) {
  for (std::size_t slot = slot_of(edges, begin); slot < work.size() && edges[slot] < end; ++slot)
    work[slot] += std::max(0.0, std::min(end, edges[slot + 1]) - std::max(begin, edges[slot]));
}

std::vector<Slot> cut(const BoundProblem& problem, const SlackOptions& options,
                      const std::vector<double>& edges) {
  std::vector<Slot> slots(edges.size() - 1);
  std::vector<double> possible(slots.size()), due(slots.size());
  for (const Job& job : problem.jobs) {
    // A job from before the window may have been done before it.
    if (job.at < problem.from || job.at >= problem.to) continue;
    add_curve(possible, edges, job.at, std::min(job.at + job.service, problem.to));
    const double latest = job.at + options.slack_seconds;
    if (latest >= problem.to) continue;
    const double work = std::min(latest + job.service, problem.to) - latest;
    add_curve(due, edges, latest, latest + work);
    Slot& slot = slots[slot_of(edges, latest)];
    slot.longest = std::max(slot.longest, work);
    slot.work += work;
  }
  double sum_possible = 0, sum_due = 0;
  for (std::size_t t = 0; t < slots.size(); ++t) {
    slots[t].possible = sum_possible += possible[t];
    slots[t].due = sum_due += due[t];
  }
  return slots;
}

/// The linear programme, row by row. Columns of each slot: n, u, done (work done by its end), excused (work
/// excused from its deadline by then).
class Programme {
 public:
  Programme(const std::vector<double>& edges, const std::vector<Slot>& slots, double start_seconds)
      : edges_(edges), slots_(slots), count_(static_cast<int>(slots.size())) {
    solver_.setLogLevel(0);
    solver_.resize(0, 4 * count_);
    rows_.setDimensions(0, 4 * count_);
    for (int t = 0; t < count_; ++t) {
      solver_.setObjectiveCoefficient(n(t), width(t));
      solver_.setObjectiveCoefficient(u(t), start_seconds);
      solver_.setColumnBounds(n(t), 0, COIN_DBL_MAX);
      solver_.setColumnBounds(u(t), 0, COIN_DBL_MAX);
      solver_.setColumnBounds(done(t), 0, slot(t).possible);
      solver_.setColumnBounds(excused(t), 0, COIN_DBL_MAX);
    }
    for (int t = 0; t < count_; ++t) add_slot(t);
  }

  /// At most so many messages are excused. Work of a slot is excused at the price of as few messages as it
  /// could be: the longest.
  void limit_excused(double messages) {
    std::vector<std::pair<int, double>> entries;
    for (int t = 0; t < count_; ++t) {
      const double price = of_longest(t) - (t + 1 < count_ ? of_longest(t + 1) : 0);
      if (price != 0) entries.emplace_back(excused(t), price);
    }
    add_row(entries, -COIN_DBL_MAX, messages);
  }

  std::optional<double> solve() {
    solver_.addRows(static_cast<int>(low_.size()), low_.data(), high_.data(), rows_.getVectorStarts(),
                    rows_.getIndices(), rows_.getElements());
    solver_.setMaximumSeconds(kSecondsMax);
    solver_.dual();
    if (!solver_.isProvenOptimal()) return std::nullopt;
    return solver_.objectiveValue();
  }

 private:
  static int n(int t) { return t; }
  int u(int t) const { return count_ + t; }
  int done(int t) const { return 2 * count_ + t; }
  int excused(int t) const { return 3 * count_ + t; }
  const Slot& slot(int t) const { return slots_[static_cast<std::size_t>(t)]; }
  double width(int t) const {
    return edges_[static_cast<std::size_t>(t) + 1] - edges_[static_cast<std::size_t>(t)];
  }
  double of_longest(int t) const { return slot(t).longest > 0 ? 1 / slot(t).longest : 0; }

  void add_slot(int t) {
    add_row({{done(t), 1}, {excused(t), 1}}, slot(t).due, COIN_DBL_MAX);
    if (t == 0) {
      add_row({{n(t), width(t)}, {done(t), -1}}, 0, COIN_DBL_MAX);
      add_row({{excused(t), 1}}, 0, slot(t).work);
      return;
    }
    add_row({{n(t), width(t)}, {done(t), -1}, {done(t - 1), 1}}, 0, COIN_DBL_MAX);
    add_row({{done(t), 1}, {done(t - 1), -1}}, 0, COIN_DBL_MAX);
    add_row({{u(t), 1}, {n(t), -1}, {n(t - 1), 1}}, 0, COIN_DBL_MAX);
    add_row({{excused(t), 1}, {excused(t - 1), -1}}, 0, slot(t).work);
  }

  void add_row(const std::vector<std::pair<int, double>>& entries, double from, double to) {
    std::vector<int> columns;
    std::vector<double> values;
    for (const auto& [column, value] : entries) {
      columns.push_back(column);
      values.push_back(value);
    }
    rows_.appendRow(static_cast<int>(columns.size()), columns.data(), values.data());
    low_.push_back(from);
    high_.push_back(to);
  }

  const std::vector<double>& edges_;
  const std::vector<Slot>& slots_;
  int count_;
  ClpSimplex solver_;
  CoinPackedMatrix rows_{false, 0, 0};
  std::vector<double> low_, high_;
};

}  // namespace

std::optional<double> slack_bound(const BoundProblem& problem, const SlackOptions& options) {
  const auto messages = std::ranges::count_if(
      problem.jobs, [&](const Job& job) { return job.at >= problem.from && job.at < problem.to; });
  if (messages == 0) return 0.0;
  const std::vector<double> edges = edges_of(problem, options);
  const std::vector<Slot> slots = cut(problem, options, edges);
  Programme programme(edges, slots, problem.start_seconds);
  programme.limit_excused(options.late_share * static_cast<double>(messages));
  return programme.solve();
}

}  // namespace forewarm
