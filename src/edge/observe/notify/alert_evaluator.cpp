#include "edge/observe/notify/alert_evaluator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "edge/observe/notify/alert_rules_document.h"

namespace forewarm {
namespace {

constexpr int kSamplesAWindow = 40;
constexpr std::string_view kLateTotal = "forewarm_messages_late_total";
constexpr std::string_view kStartedTotal = "forewarm_messages_started_total";

bool matches(const AlertTerm& term, const MetricPoint& point) {
  if (term.label.empty()) return true;
  const bool among = std::ranges::find(term.values, point.label(term.label)) != term.values.end();
  return among != term.values_excluded;
}

AlertTerm increase_of(std::string_view metric, Duration window) {
  AlertTerm term;
  term.kind = AlertTerm::Kind::Increase;
  term.metric = metric;
  term.window = window;
  return term;
}

/// The increases that a rule looks at, by their PromQL, with their windows.
std::map<std::string, Duration> increases_of(const AlertRule& rule) {
  std::map<std::string, Duration> found;
  const auto add = [&](const AlertTerm& term) { found.emplace(promql_of(term, rule.by), term.window); };
  for (const auto& comparisons : rule.any) {
    for (const AlertComparison& each : comparisons) {
      for (const AlertTerm& term : {each.left, each.right}) {
        if (term.kind == AlertTerm::Kind::Increase) add(term);
        if (term.kind != AlertTerm::Kind::LateShare) continue;
        for (const std::string_view metric : {kLateTotal, kStartedTotal})
          add(increase_of(metric, term.window));
      }
    }
  }
  return found;
}

bool holds(double left, AlertComparison::Order order, double right) {
  switch (order) {
    case AlertComparison::Order::Above:
      return left > right;
    case AlertComparison::Order::AtLeast:
      return left >= right;
    case AlertComparison::Order::Below:
      return left < right;
    case AlertComparison::Order::Equal:
      return left == right;
  }
  return false;
}

}  // namespace

AlertEvaluator::AlertEvaluator(std::span<const AlertRule> rules) : rules_(rules) {
  for (const AlertRule& rule : rules_) windows_.merge(increases_of(rule));
}

std::vector<AlertHold> AlertEvaluator::evaluate(TimePoint now, std::span<const MetricPoints> metrics) {
  Look look{.now = now, .metrics = {}, .known = {}};
  for (const MetricPoints& each : metrics) look.metrics.emplace(each.name, &each);
  std::vector<AlertHold> found;
  for (const AlertRule& rule : rules_) hold(look, rule, found);
  return found;
}

const AlertEvaluator::Values& AlertEvaluator::values(Look& look, const AlertTerm& term,
                                                     const std::vector<std::string_view>& by) {
  const std::string name = promql_of(term, by);
  const auto known = look.known.find(name);
  if (known != look.known.end()) return known->second;
  Values measured = measure(look, term, name, by);
  return look.known.emplace(name, std::move(measured)).first->second;
}

AlertEvaluator::Values AlertEvaluator::measure(Look& look, const AlertTerm& term, const std::string& name,
                                               const std::vector<std::string_view>& by) {
  Values measured;
  if (term.kind == AlertTerm::Kind::LateShare) {
    const Values late = values(look, increase_of(kLateTotal, term.window), by);
    for (const auto& [subject, started] : values(look, increase_of(kStartedTotal, term.window), by)) {
      const auto of_subject = late.find(subject);
      if (started > 0 && of_subject != late.end()) measured[subject] = of_subject->second / started;
    }
    return measured;
  }
  if (term.kind == AlertTerm::Kind::LateBudget) {
    AlertTerm allowed;
    allowed.kind = AlertTerm::Kind::Latest;
    allowed.metric = "forewarm_late_share_max_ratio";
    for (const auto& [subject, share] : values(look, allowed, by))
      if (share > 0) measured[subject] = std::min(term.number * share, kLateShareNoticed);
    return measured;
  }
  const auto metric = look.metrics.find(term.metric);
  if (metric != look.metrics.end()) {
    for (const MetricPoint& point : metric->second->points) {
      if (!matches(term, point)) continue;
      Subject subject;
      for (const std::string_view label : by) subject.emplace_back(point.label(label));
      const auto [value, fresh] = measured.try_emplace(std::move(subject), point.value);
      if (fresh) continue;
      if (term.kind == AlertTerm::Kind::Increase)
        value->second += point.value;
      else
        value->second = std::max(value->second, point.value);
    }
  }
  return term.kind == AlertTerm::Kind::Increase ? grown(look.now, name, measured, term.window) : measured;
}

AlertEvaluator::Values AlertEvaluator::grown(TimePoint now, const std::string& name, Values totals,
                                             Duration window) {
  std::map<Subject, Growth>& growths = growths_[name];
  for (auto& [subject, growth] : growths) {
    growth.seen = false;
    if (now < growth.kept_until) totals.try_emplace(subject, growth.last);
  }
  Values measured;
  for (const auto& [subject, total] : totals) {
    Growth& growth = growths[subject];
    growth.seen = true;
    growth.grown += total >= growth.last ? total - growth.last : total;
    growth.last = total;
    std::deque<Sample>& samples = growth.samples;
    while (samples.size() > 1 && samples[1].at <= now - window) samples.pop_front();
    const bool whole = !samples.empty() && samples.front().at <= now - window;
    measured[subject] = growth.grown - (whole ? samples.front().grown : 0);
    if (samples.empty() || now - samples.back().at >= window / kSamplesAWindow)
      samples.push_back({now, growth.grown});
  }
  std::erase_if(growths, [](const auto& each) { return !each.second.seen; });
  return measured;
}

std::vector<AlertGrowth> AlertEvaluator::growths(std::span<const Alert> alerts) const {
  std::map<std::pair<std::string, Subject>, AlertGrowth> found;
  for (const Alert& alert : alerts) {
    for (const auto& [term, window] : increases_of(*alert.rule)) {
      const auto of_term = growths_.find(term);
      if (of_term == growths_.end()) continue;
      const auto of_subject = of_term->second.find(alert.subject);
      if (of_subject == of_term->second.end()) continue;
      const Growth& growth = of_subject->second;
      AlertGrowth kept{.term = term, .subject = alert.subject, .grown = growth.grown};
      for (const Sample& sample : growth.samples) kept.samples.emplace_back(sample.at, sample.grown);
      found.emplace(std::pair(term, alert.subject), std::move(kept));
    }
  }
  std::vector<AlertGrowth> all;
  all.reserve(found.size());
  for (auto& [name, growth] : found) all.push_back(std::move(growth));
  return all;
}

void AlertEvaluator::remember(TimePoint now, std::span<const AlertGrowth> before) {
  for (const AlertGrowth& kept : before) {
    const auto window = windows_.find(kept.term);
    if (window == windows_.end()) continue;
    Growth& growth = growths_[kept.term][kept.subject];
    const std::deque<Sample> own = std::exchange(growth.samples, {});
    // A clock that was ahead would hold up the end of the window.
    for (const auto& [at, grown] : kept.samples)
      if (at <= now) growth.samples.push_back({at, grown});
    // What was seen here while the other looked too is the same thing twice.
    const bool after = own.empty() || growth.samples.empty() || own.front().at > growth.samples.back().at;
    growth.grown = kept.grown + (after ? growth.grown : 0);
    if (after)
      for (const Sample& each : own) growth.samples.push_back({each.at, kept.grown + each.grown});
    growth.kept_until = now + window->second;
  }
}

void AlertEvaluator::hold(Look& look, const AlertRule& rule, std::vector<AlertHold>& found) {
  std::map<Subject, double> held;
  for (const auto& comparisons : rule.any) {
    std::optional<Values> remaining;
    for (const AlertComparison& each : comparisons) {
      const Values& left = values(look, each.left, rule.by);
      const bool number = each.right.kind == AlertTerm::Kind::Number;
      const Values* right = number ? nullptr : &values(look, each.right, rule.by);
      const auto fails = [&](const Subject& subject) {
        const auto l = left.find(subject);
        if (l == left.end()) return true;
        if (number) return !holds(l->second, each.order, each.right.number);
        const auto r = right->find(subject);
        return r == right->end() || !holds(l->second, each.order, r->second);
      };
      if (!remaining) remaining = left;
      std::erase_if(*remaining, [&](const auto& one) { return fails(one.first); });
    }
    if (remaining) held.insert(remaining->begin(), remaining->end());
  }
  for (auto& [subject, value] : held) found.push_back({&rule, subject, value});
}

}  // namespace forewarm
