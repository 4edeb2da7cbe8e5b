#include "sim/bounds/slack_bound.h"

#include <ClpSimplex.hpp>
#include <CoinPackedMatrix.hpp>
#include <algorithm>
#include <cmath>
#include <vector>

namespace forewarm {
namespace {

constexpr double kNarrowest = 1e-6;  // seconds

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

}  // namespace

std::optional<double> slack_bound(const BoundProblem& problem, const SlackOptions& options) {
  const std::vector<double> edges = edges_of(problem, options);
  const std::vector<Slot> slots = cut(problem, options, edges);
  const int count = static_cast<int>(slots.size());
  double messages = 0;
  for (const Job& job : problem.jobs) messages += job.at >= problem.from && job.at < problem.to ? 1 : 0;
  if (messages == 0) return 0.0;

  const auto width_of = [&](int t) {
    return edges[static_cast<std::size_t>(t) + 1] - edges[static_cast<std::size_t>(t)];
  };

  // Columns: n, u, X (work done by the end of the slot), W (work excused by then).
  const int n = 0, u = count, done = 2 * count, excused = 3 * count;
  ClpSimplex solver;
  solver.setLogLevel(0);
  solver.resize(0, 4 * count);
  for (int t = 0; t < count; ++t) {
    const Slot& slot = slots[static_cast<std::size_t>(t)];
    solver.setObjectiveCoefficient(n + t, width_of(t));
    solver.setObjectiveCoefficient(u + t, problem.start_seconds);
    solver.setColumnBounds(n + t, 0, COIN_DBL_MAX);
    solver.setColumnBounds(u + t, 0, COIN_DBL_MAX);
    solver.setColumnBounds(done + t, 0, slot.possible);
    solver.setColumnBounds(excused + t, 0, COIN_DBL_MAX);
  }
  CoinPackedMatrix rows(false, 0, 0);
  rows.setDimensions(0, 4 * count);
  std::vector<double> low, high;
  const auto add = [&](std::initializer_list<std::pair<int, double>> entries, double from, double to) {
    std::vector<int> columns;
    std::vector<double> values;
    for (const auto& [column, value] : entries) {
      columns.push_back(column);
      values.push_back(value);
    }
    rows.appendRow(static_cast<int>(columns.size()), columns.data(), values.data());
    low.push_back(from);
    high.push_back(to);
  };
  // Longest first: the work of a message is excused at the price of as few messages as that could be.
  std::vector<std::pair<int, double>> share;
  for (int t = 0; t < count; ++t) {
    const Slot& slot = slots[static_cast<std::size_t>(t)];
    const bool first = t == 0;
    if (first) {
      add({{n + t, width_of(t)}, {done + t, -1}}, 0, COIN_DBL_MAX);
      add({{excused + t, 1}}, 0, slot.work);
    } else {
      add({{n + t, width_of(t)}, {done + t, -1}, {done + t - 1, 1}}, 0, COIN_DBL_MAX);
      add({{done + t, 1}, {done + t - 1, -1}}, 0, COIN_DBL_MAX);
      add({{u + t, 1}, {n + t, -1}, {n + t - 1, 1}}, 0, COIN_DBL_MAX);
      add({{excused + t, 1}, {excused + t - 1, -1}}, 0, slot.work);
    }
    add({{done + t, 1}, {excused + t, 1}}, slot.due, COIN_DBL_MAX);
    const double each = slot.longest > 0 ? 1 / slot.longest : 0;
    const double next = t + 1 < count && slots[static_cast<std::size_t>(t) + 1].longest > 0
                            ? 1 / slots[static_cast<std::size_t>(t) + 1].longest
                            : 0;
    // Sum over t of (W_t - W_(t-1)) / longest_t, by columns.
    share.emplace_back(excused + t, each - (t + 1 < count ? next : 0));
  }
  std::vector<int> columns;
  std::vector<double> values;
  for (const auto& [column, value] : share) {
    if (value == 0) continue;
    columns.push_back(column);
    values.push_back(value);
  }
  rows.appendRow(static_cast<int>(columns.size()), columns.data(), values.data());
  low.push_back(-COIN_DBL_MAX);
  high.push_back(options.late_share * messages);
  solver.addRows(static_cast<int>(low.size()), low.data(), high.data(), rows.getVectorStarts(),
                 rows.getIndices(), rows.getElements());
  solver.setMaximumSeconds(60);
  solver.dual();
  if (!solver.isProvenOptimal()) return std::nullopt;
  return solver.objectiveValue();
}

}  // namespace forewarm
