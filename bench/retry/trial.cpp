#include "retry/trial.h"

#include <algorithm>
#include <map>

#include "base/math.h"
#include "base/random.h"
#include "core/drive.h"
#include "core/orchestrator.h"
#include "sim/policies.h"

namespace forewarm {
namespace {

constexpr double kThrough = 0.9;

/// Counts what a policy does to the messages of an incident.
class Books : public Watcher {
 public:
  Books(const Incident& incident, const Orchestrator& core)
      : incident_(incident), core_(core), messages_(incident.arrivals().size()) {
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      const bool poison = incident.poison(MessageId(i + 1));
      messages_[i].poison = poison;
      (poison ? result_.poison : result_.good) += 1;
    }
  }

  void observe(const TimedEvent& event, const Actions& actions) override {
    now_ = event.time;
    if (const auto* finished = std::get_if<RunFinished>(&event.event)) end(*finished);
    for (const Action& action : actions) {
      if (const auto* run = std::get_if<Run>(&action)) begin(*run);
      if (const auto* gone = std::get_if<Delete>(&action)) of(gone->message).gone_at = now_;
      if (const auto* move = std::get_if<Move>(&action)) moved(*move);
    }
  }

  TrialResult finish() {
    std::vector<double> waited;
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      const auto& message = messages_[i];
      const TimePoint came = time_point_us(0) + incident_.arrivals()[i].at;
      if (message.poison || message.dead || came < incident_.begins() || came >= incident_.ends()) continue;
      if (message.gone_at <= incident_.ends()) continue;
      waited.push_back(std::min(6 * 3600.0, seconds_between(incident_.ends(), message.gone_at)));
    }
    result_.kept = static_cast<double>(waited.size());
    if (!waited.empty()) {
      std::ranges::sort(waited);
      result_.drain_seconds = waited[static_cast<std::size_t>(kThrough * (result_.kept - 1))];
    }
    return std::move(result_);
  }

 private:
  struct Entry {
    TimePoint gone_at = kNever;
    bool poison = false;
    bool dead = false;
    bool failed = false;
    Shown shown;
  };
  struct Attempt {
    std::vector<MessageId> messages;
    std::vector<double> odds;
    std::vector<double> best;
  };
  Entry& of(MessageId message) { return messages_[message.value() - 1]; }

  void begin(const Run& run) {
    Attempt& attempt = running_[run.run];
    attempt.odds = core_.failure_odds(run.run);
    for (const Lease& lease : run.leases) {
      attempt.messages.push_back(lease.message);
      result_.attempts += 1;
      Shown& shown = of(lease.message).shown;
      attempt.best.push_back(incident_.odds_at_best(lease.message, now_, shown));
      const Fate fate = incident_.fate(lease.message, now_);
      if (fate.doomed) result_.doomed += 1;
      if (fate.failure) shown.failed_with = fate.failure->fingerprint;
      shown.during |= now_ >= incident_.begins() && now_ < incident_.ends();
    }
  }

  void end(const RunFinished& finished) {
    const auto found = running_.find(finished.run);
    if (found == running_.end()) return;
    for (std::size_t i = 0; i < found->second.messages.size(); ++i) {
      const MessageId id = found->second.messages[i];
      const bool failed = finished.error != ErrorClass::None ||
                          std::ranges::find(finished.failed, id) != finished.failed.end();
      result_.odds.add(found->second.odds[i], failed);
      result_.best.add(found->second.best[i], failed);
      if (of(id).failed) result_.retries.add(found->second.odds[i], failed);
      if (of(id).failed) result_.best_of_retries.add(found->second.best[i], failed);
      of(id).failed |= failed;
    }
    running_.erase(found);
  }

  void moved(const Move& move) {
    if (move.to != Incident::kDeadLetters) return;
    Entry& message = of(move.message);
    message.dead = true;
    (message.poison ? result_.poison_dead : result_.wrongly_dead) += 1;
  }

  const Incident& incident_;
  const Orchestrator& core_;
  std::vector<Entry> messages_;
  std::map<RunId, Attempt> running_;
  TrialResult result_;
  TimePoint now_;
};

/// A fixed number of instances: these trials are about retries.
class Steady : public Scaler {
 public:
  explicit Steady(std::uint32_t instances) : instances_(instances) {}
  ScalingPlan plan(const ScalingInputs& inputs) override {
    ScalingPlan plan;
    plan.queue = inputs.queue;
    plan.at = inputs.now;
    plan.until = inputs.now + inputs.step;
    plan.instances = instances_;
    plan.warm_floor = instances_;
    return plan;
  }
  std::uint32_t start_now(const ScalingInputs&) override { return instances_; }
  void observe_start(TimePoint, Duration) override {}
  bool plans_without_messages() const override { return true; }

 private:
  std::uint32_t instances_;
};

std::string text_of(Duration length) {
  return std::to_string(static_cast<int>(seconds(length))) + "s";
}

}  // namespace

void OddsScore::add(double odds, bool failed) {
  const double y = failed ? 1 : 0;
  count_ += 1;
  failed_ += y;
  squares_ += (odds - y) * (odds - y);
  Tenth& tenth = tenths_[std::min<std::size_t>(9, static_cast<std::size_t>(odds * 10))];
  tenth.predicted += odds;
  tenth.failed += y;
  tenth.count += 1;
  // Steps of the logarithm of the odds, so that small odds are told apart.
  const double safe = std::clamp(odds, 1e-6, 1 - 1e-6);
  const double place = (log(safe / (1 - safe)) + 14) / 28;
  steps_[static_cast<std::size_t>(std::clamp(place, 0.0, 1.0) * kSteps)][failed ? 1 : 0] += 1;
}

void OddsScore::add(const OddsScore& other) {
  count_ += other.count_;
  failed_ += other.failed_;
  squares_ += other.squares_;
  for (std::size_t i = 0; i < tenths_.size(); ++i) {
    tenths_[i].predicted += other.tenths_[i].predicted;
    tenths_[i].failed += other.tenths_[i].failed;
    tenths_[i].count += other.tenths_[i].count;
  }
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    steps_[i][0] += other.steps_[i][0];
    steps_[i][1] += other.steps_[i][1];
  }
}

double OddsScore::brier() const {
  return count_ > 0 ? squares_ / count_ : 0;
}

double OddsScore::skill() const {
  const double share = count_ > 0 ? failed_ / count_ : 0;
  return share > 0 && share < 1 ? 1 - brier() / (share * (1 - share)) : 0;
}

double OddsScore::auc() const {
  double below = 0;
  double won = 0;
  for (const auto& [succeeded, failed] : steps_) {
    won += failed * (below + succeeded / 2);
    below += succeeded;
  }
  return failed_ > 0 && failed_ < count_ ? won / (failed_ * (count_ - failed_)) : 0.5;
}

double OddsScore::worst_tenth(double count_min) const {
  double worst = 0;
  for (const Tenth& each : tenths_) {
    if (each.count < count_min) continue;
    const double apart = (each.predicted - each.failed) / each.count;
    worst = std::max(worst, apart < 0 ? -apart : apart);
  }
  return worst;
}

std::string FixedPolicy::name() const {
  return "maxReceiveCount " + std::to_string(attempts_max) + ", " +
         (exponential ? "exponential " + text_of(first) + " to " + text_of(longest) + " with jitter"
                      : "every " + text_of(first));
}

RetryDecision FixedPolicy::decide(const RetryInputs& inputs) const {
  RetryDecision decision;
  decision.error = inputs.error;
  decision.attempt = inputs.attempt;
  decision.attempts_max = attempts_max;
  if (inputs.attempt >= attempts_max) {
    decision.choice = RetryChoice::DeadLetter;
    return decision;
  }
  double delay = seconds(first);
  if (exponential) {
    for (int i = 1; i < inputs.attempt && delay < seconds(longest); ++i) delay *= 2;
    delay = std::min(delay, seconds(longest)) * (0.5 + 0.5 * Random(inputs.seed).uniform());
  }
  decision.choice = RetryChoice::Later;
  decision.delay = from_seconds(delay);
  return decision;
}

std::vector<FixedPolicy> fixed_policies() {
  std::vector<FixedPolicy> policies = {{1, 1s, 1s, false}};
  for (std::uint16_t attempts = 2; attempts <= 5; ++attempts) {
    for (const Duration first : {Duration(1h), Duration(15min), Duration(5min), Duration(60s), Duration(10s)})
      policies.push_back({attempts, first, first, false});
    if (attempts < 3) continue;  // one delay is not doubled
    for (const Duration first : {Duration(5min), Duration(60s), Duration(10s)})
      policies.push_back({attempts, first, 1h, true});
  }
  return policies;
}

FixedPolicy patient_exponential() {
  return {1000, 1s, 15min, true};
}

void TrialResult::add(const TrialResult& other) {
  attempts += other.attempts;
  doomed += other.doomed;
  good += other.good;
  wrongly_dead += other.wrongly_dead;
  poison += other.poison;
  poison_dead += other.poison_dead;
  kept += other.kept;
  odds.add(other.odds);
  retries.add(other.retries);
  best.add(other.best);
  best_of_retries.add(other.best_of_retries);
}

TrialResult run_trial(const Incident& incident, const FixedPolicy* policy, bool upstream) {
  constexpr std::uint16_t kUsualAttempts = 5;
  SimulationOptions options = incident.world(policy != nullptr ? policy->attempts_max : kUsualAttempts);
  if (upstream) incident.tell_upstream(options);
  Orchestrator::Options with{.seed = options.seed, .make_scaler = {}};
  with.make_scaler = [](const MappingSettings& mapping) {
    return std::make_unique<Steady>(mapping.scaling.instances_min);
  };
  if (policy != nullptr)
    with.decide_retry = [policy](const RetryInputs& inputs) { return policy->decide(inputs); };
  Orchestrator core(with);
  const auto arrivals = make_arrival_list(incident.arrivals());
  SimulatedWorld world(options, *arrivals);
  Books books(incident, core);
  world.add_watcher(books);
  drive(core, world);
  return books.finish();
}

}  // namespace forewarm
