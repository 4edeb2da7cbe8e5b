#include "edge/observe/notify/alert_evaluator.h"

#include <algorithm>
#include <optional>

#include "edge/observe/notify/alert_rules_document.h"

namespace forewarm {
namespace {

constexpr int kSamplesAWindow = 40;

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
    const Values late = values(look, increase_of("forewarm_messages_late_total", term.window), by);
    for (const auto& [subject, started] :
         values(look, increase_of("forewarm_messages_started_total", term.window), by)) {
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

AlertEvaluator::Values AlertEvaluator::grown(TimePoint now, const std::string& name, const Values& totals,
                                             Duration window) {
  std::map<Subject, Growth>& growths = growths_[name];
  for (auto& [subject, growth] : growths) growth.seen = false;
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
