#include "scaling/verdict.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <cmath>
#include <cstdlib>

namespace forewarm::bench {
namespace {

double quantile(std::vector<double> values, double level) {
  if (values.empty()) return std::nan("");
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(level * static_cast<double>(values.size() - 1))];
}

double share_of(double part, double all) {
  return all > 0 ? part / all : std::nan("");
}

std::vector<Bar> cost_bars(const std::vector<Outcome>& outcomes, const std::vector<double>& spoilt) {
  std::vector<double> gaps, cheaper, harm, clairvoyant;
  for (const Outcome& one : outcomes) {
    if (const std::optional<double> gap = one.gap(); gap && one.can_plan()) {
      gaps.push_back(*gap);
      if (one.ours > 0 && one.clairvoyant > 0) clairvoyant.push_back(1 - one.clairvoyant / one.ours);
      if (one.bound <= 0.7 * one.baseline) cheaper.push_back(-one.cost_change());
    }
    if (!one.predictable && one.baseline > 0) harm.push_back(one.cost_change());
  }
  return {{"gap closed, median over predictable queues", quantile(gaps, 0.5), "<= 0.5", gaps.size()},
          {"gap closed, 90th percentile", quantile(gaps, 0.9), "<= 0.9", gaps.size()},
          {"fewer instance-seconds where the bound allows, median", quantile(cheaper, 0.5), ">= 0.3",
           cheaper.size()},
          {"fewer still if its forecasts could not be wrong, median over predictable queues",
           quantile(clairvoyant, 0.5), "", clairvoyant.size()},
          {"cost above the best tuned baseline on unpredictable queues, median", quantile(harm, 0.5),
           "<= 0.03", harm.size()},
          {"the same, 90th percentile", quantile(harm, 0.9), "<= 0.03", harm.size()},
          {"cost above the policy without forecasts with spoilt ones, the worst", quantile(spoilt, 1),
           "<= 0.25", spoilt.size()}};
}

std::vector<Bar> lateness_bars(const std::vector<Outcome>& outcomes) {
  std::size_t queues = 0, queues_kept = 0, days = 0, days_kept = 0;
  std::vector<double> planned, others;
  const Outcome* worst = nullptr;
  for (const Outcome& one : outcomes) {
    if (const std::optional<double> fewer = one.fewer_late())
      (one.can_plan() ? planned : others).push_back(*fewer);
    if (!one.enough_messages()) continue;
    ++queues;
    queues_kept += one.keeps_objective() ? 1 : 0;
    days += one.days.days;
    days_kept += one.days.kept;
    if (worst == nullptr || one.days.worst_excess() > worst->days.worst_excess()) worst = &one;
  }
  const auto count = [](std::size_t value) { return static_cast<double>(value); };
  const auto paid =
      std::ranges::count_if(outcomes, [](const Outcome& one) { return one.paid_in_lateness(); });
  return {{"queues whose saving was paid for in lateness",
           share_of(static_cast<double>(paid), count(outcomes.size())), "", outcomes.size()},
          {"queues with >= 1,000 messages that keep 1.2 x the late share",
           share_of(count(queues_kept), count(queues)), ">= 1", queues},
          {"days of such queues that keep it", share_of(count(days_kept), count(days)), ">= 1", days},
          {.name = "the worst queue-day, late over allowed",
           .value = worst == nullptr ? std::nan("") : worst->days.worst_excess(),
           .wanted = "<= 1",
           .of = days,
           .where = worst == nullptr ? "" : worst->place},
          {"fewer late messages at equal instance-seconds, median over predictable queues",
           quantile(planned, 0.5), ">= 0.6", planned.size()},
          {"the same, over all others", quantile(others, 0.5), "", others.size()}};
}

std::vector<Bar> calm_bars(const std::vector<RunOutcome>& runs) {
  std::vector<double> turns, starts;
  for (const RunOutcome& run : runs) {
    if (run.hpa_turns > 0)
      turns.push_back(static_cast<double>(run.ours_turns) / static_cast<double>(run.hpa_turns));
    if (run.clairvoyant_starts > 0)
      starts.push_back(static_cast<double>(run.ours_starts) / static_cast<double>(run.clairvoyant_starts));
  }
  return {{"direction changes for one of KEDA's HPA, median over runs", quantile(turns, 0.5), "<= 0.25",
           turns.size()},
          {"starts for one with clairvoyant forecasts, median over runs", quantile(starts, 0.5), "<= 1.5",
           starts.size()}};
}

}  // namespace

double Outcome::cost_change() const {
  const double change = ours / baseline - 1;
  return paid_in_lateness() ? std::max(0.0, change) : change;
}

std::optional<double> Outcome::gap() const {
  const double gain = baseline - bound;
  if (gain < 0.1 * baseline || gain <= 0) return std::nullopt;
  const double left = (ours - bound) / gain;
  return paid_in_lateness() ? std::max(1.0, left) : left;
}

std::optional<double> Outcome::fewer_late() const {
  if (!front_late || baseline_late == 0) return std::nullopt;
  return 1 - *front_late * static_cast<double>(messages) / static_cast<double>(baseline_late);
}

boost::json::value Bar::json() const {
  boost::json::value met = nullptr, bar = nullptr;
  if (!wanted.empty()) {
    const double limit = std::strtod(wanted.c_str() + 3, nullptr);
    bar = wanted;
    if (std::isfinite(value)) met = wanted.starts_with("<=") ? value <= limit : value >= limit;
  }
  boost::json::object out{
      {"name", name}, {"value", json_number(value)}, {"bar", bar}, {"met", met}, {"of", of}};
  if (!where.empty()) out["where"] = where;
  return out;
}

std::vector<Bar> bars_of(const std::vector<Outcome>& outcomes, const std::vector<RunOutcome>& runs,
                         const std::vector<double>& spoilt) {
  std::vector<Bar> all = cost_bars(outcomes, spoilt);
  for (Bar& bar : lateness_bars(outcomes)) all.push_back(std::move(bar));
  for (Bar& bar : calm_bars(runs)) all.push_back(std::move(bar));
  return all;
}

boost::json::value json_number(double value) {
  return std::isfinite(value) ? boost::json::value(value) : boost::json::value(nullptr);
}

}  // namespace forewarm::bench
