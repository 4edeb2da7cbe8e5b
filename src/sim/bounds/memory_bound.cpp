#include "sim/bounds/memory_bound.h"

#include <ClpSimplex.hpp>
#include <CoinPackedMatrix.hpp>
#include <algorithm>
#include <utility>

namespace forewarm {
namespace {

constexpr double kAllowedSeconds = 60;
constexpr std::size_t kInstantsMax = 32;  // of one queue, within a start from one moment: those with the most
constexpr std::size_t kExaminedMax = 20'000;
constexpr double kCloseTo = 1e-9;

/// A message while it is at work whenever it starts in time.
struct AtWork {
  double begin = 0;
  double end = 0;
  int column = 0;
};

using Columns = std::vector<int>;

/// The messages of one queue, by when they begin.
struct QueueAtWork {
  std::vector<AtWork> messages;
  double longest = 0;

  Columns at(double moment) const {
    Columns columns;
    auto message = std::ranges::lower_bound(messages, moment - longest, {}, &AtWork::begin);
    for (; message != messages.end() && message->begin <= moment; ++message) {
      if (message->end > moment) columns.push_back(message->column);
    }
    return columns;
  }

  /// Who is at work at the instants from `moment` to `later`, where nobody else has begun until somebody
  /// ends.
  std::vector<Columns> within(double moment, double later) const {
    std::vector<Columns> instants = {at(moment)};
    auto message = std::ranges::upper_bound(messages, moment, {}, &AtWork::begin);
    for (; message != messages.end() && message->begin <= later; ++message) {
      const auto next = std::next(message);
      if (next != messages.end() && next->begin <= message->begin) continue;
      Columns here = at(message->begin);
      // Whoever was at work before and is so still needs no row of its own.
      if (std::ranges::includes(here, instants.back())) instants.pop_back();
      instants.push_back(std::move(here));
    }
    std::ranges::stable_sort(instants, std::greater<>(), &Columns::size);
    if (instants.size() > kInstantsMax) instants.resize(kInstantsMax);
    return instants;
  }
};

class MemoryProgramme {
 public:
  explicit MemoryProgramme(const MemoryBoundProblem& problem) : problem_(problem) {
    for (const MemoryQueue& queue : problem.queues) add_queue(queue);
  }

  std::optional<double> solve() {
    for (const double moment : moments()) add_moment(moment);
    solver_.setLogLevel(0);
    rows_.setDimensions(static_cast<int>(low_.size()), static_cast<int>(costs_.size()));
    std::vector<double> least(costs_.size(), 0);
    solver_.loadProblem(rows_, least.data(), most_.data(), costs_.data(), low_.data(), high_.data());
    solver_.setMaximumSeconds(kAllowedSeconds);
    solver_.dual();
    if (!solver_.isProvenOptimal()) return std::nullopt;
    return std::max(0.0, all_late_ + solver_.objectiveValue());
  }

 private:
  void add_queue(const MemoryQueue& queue) {
    QueueAtWork& at_work = queues_.emplace_back();
    for (const Job& job : queue.jobs) {
      if (job.at < problem_.from || job.at >= problem_.to) continue;
      const double begin = job.at + problem_.slack_seconds, end = job.at + job.service;
      const bool fits = queue.memory <= problem_.memory_max;
      if (fits && end <= begin) continue;  // never at work for certain: in time for nothing
      all_late_ += queue.late_cost;
      const int column = add_column(-queue.late_cost, fits ? 1 : 0);
      if (!fits) continue;
      at_work.messages.push_back({begin, end, column});
      at_work.longest = std::max(at_work.longest, end - begin);
    }
  }

  /// Instances that a queue has at a moment if all its messages are in time.
  double most_at(std::size_t queue, double moment) const {
    const double later = moment + problem_.queues[queue].start_seconds;
    return static_cast<double>(queues_[queue].within(moment, later).front().size());
  }

  /// When an instance has to be started at the latest, as far as not all can be: between two of these moments
  /// nothing is added, so that it is enough to look there.
  std::vector<double> moments() const {
    std::vector<double> all;
    for (std::size_t q = 0; q < queues_.size(); ++q) {
      for (const AtWork& message : queues_[q].messages)
        all.push_back(message.begin - problem_.queues[q].start_seconds);
    }
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
    all = thinned(all, kExaminedMax);
    std::erase_if(all, [&](double moment) {
      double memory = 0;
      for (std::size_t q = 0; q < queues_.size(); ++q)
        memory += problem_.queues[q].memory * most_at(q, moment);
      return memory <= problem_.memory_max * (1 + kCloseTo);
    });
    return thinned(all, std::max<std::size_t>(1, problem_.moments));
  }

  static std::vector<double> thinned(const std::vector<double>& all, std::size_t most) {
    const std::size_t count = std::min(all.size(), most);
    std::vector<double> kept;
    kept.reserve(count);
    for (std::size_t i = 0; i < count; ++i) kept.push_back(all[i * all.size() / count]);
    return kept;
  }

  void add_moment(double moment) {
    std::vector<int> instances;
    std::vector<double> memory;
    for (std::size_t q = 0; q < queues_.size(); ++q) {
      const MemoryQueue& queue = problem_.queues[q];
      const std::vector<Columns> instants = queues_[q].within(moment, moment + queue.start_seconds);
      if (instants.front().empty()) continue;
      instances.push_back(add_column(0, COIN_DBL_MAX));
      memory.push_back(queue.memory);
      for (const Columns& instant : instants) {
        std::vector<int> columns = instant;
        std::vector<double> values(columns.size(), -1);
        columns.push_back(instances.back());
        values.push_back(1);
        add_row(columns, values, 0, COIN_DBL_MAX);
      }
    }
    add_row(instances, memory, 0, problem_.memory_max);
  }

  int add_column(double cost, double most) {
    costs_.push_back(cost);
    most_.push_back(most);
    return static_cast<int>(costs_.size()) - 1;
  }

  void add_row(const std::vector<int>& columns, const std::vector<double>& values, double low, double high) {
    rows_.setDimensions(-1, static_cast<int>(costs_.size()));
    rows_.appendRow(static_cast<int>(columns.size()), columns.data(), values.data());
    low_.push_back(low);
    high_.push_back(high);
  }

  const MemoryBoundProblem& problem_;
  std::vector<QueueAtWork> queues_;
  double all_late_ = 0;
  std::vector<double> costs_, most_, low_, high_;
  ClpSimplex solver_;
  CoinPackedMatrix rows_{false, 0, 0};
};

}  // namespace

std::optional<double> memory_bound(const MemoryBoundProblem& problem) {
  return MemoryProgramme(problem).solve();
}

}  // namespace forewarm
