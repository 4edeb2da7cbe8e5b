#include "core/retry_book.h"

#include <algorithm>

namespace forewarm {
namespace {

constexpr double kTroubleShare = 0.1;
constexpr double kOddsHalfOpen = 0.15;  // a canary has just succeeded

double busy_share(const FunctionState& function) {
  const InstanceCounts counts = function.pool.counts();
  return counts.usable() == 0 ? 1.0 : static_cast<double>(counts.busy) / counts.usable();
}

}  // namespace

AttemptFeatures RetryBook::features(TimePoint now, const FunctionState& function, const MessageRecord& record,
                                    InstanceId instance, const Surroundings& around) const {
  const FunctionId id = function.pool.settings().id;
  const Message& message = record.message;
  AttemptFeatures out;
  out.function = id;
  out.tenant = message.tenant;
  out.group = message.group;
  out.type = message.type;
  out.bytes = message.bytes;
  out.error = record.failed_with;
  OutcomeLevels levels;
  levels.function = outcomes_.function(now, id);
  levels.tenant = outcomes_.tenant(now, id, message.tenant);
  BreakerState breaker = BreakerState::Closed;
  if (record.failed_with != ErrorClass::None) {
    out.failures = std::max<std::uint16_t>(1, record.attempts());
    out.fingerprint = record.error_key;
    out.since_failure = now - record.failed_at;
    breaker = function.breakers.view(now, record.failed_with, record.error_key).state;
    levels.after_error = outcomes_.after_error(now, id, record.error_key);
  }
  out.newest = newest(now, id, record, levels.after_error);
  if (breaker == BreakerState::Closed) breaker = function.breakers.of_everything();
  out.breaker = static_cast<std::uint8_t>(breaker);
  levels.failures = out.failures;
  if (const Pool::Instance* with = function.pool.find(instance))
    out.instance_failures = with->failures_in_row;
  out.load = busy_share(function);
  out.machine_load = around.machine_load;
  out.upstream = around.upstream;
  out.recent_failures = function.breakers.recent_failures();
  // Outcomes fade over minutes: when trouble is over, the newest attempts say so first.
  const double share = function_failure_share(levels.function);
  const bool over = share > kTroubleShare && out.recent_failures < share;
  out.prior = hierarchical_odds(levels, over ? (share + out.recent_failures) / 2 : share);
  if (breaker == BreakerState::HalfOpen) out.prior = std::min(out.prior, kOddsHalfOpen);
  return out;
}

NewestOutcomes RetryBook::newest(TimePoint now, FunctionId id, const MessageRecord& record,
                                 const OutcomeCounts& after_error) const {
  NewestOutcomes out;
  out.first = outcomes_.newest_first(id);
  const Recency all = outcomes_.newest(id);
  if (all.count > 0) out.since_outcome = now - all.seen_at;
  out.tenant = outcomes_.tenant_failures(id, record.message.tenant);
  if (record.failed_with == ErrorClass::None) return out;
  out.after_error = after_error;
  out.after = outcomes_.newest_after(id, record.error_key);
  out.passed = out.after.succeeded_at > record.failed_at;
  return out;
}

void RetryBook::learn(TimePoint now, const MessageRecord& record, const AttemptFeatures& before,
                      const Failure& failure) {
  const std::uint64_t previous = record.failed_with != ErrorClass::None ? record.error_key : 0;
  outcomes_.observe(now, before.function, record.message.tenant, previous, failure.error);
  model_.learn(before, failure.error != ErrorClass::None);
}

RetryInputs RetryBook::inputs(TimePoint now, const QueueState& queue, const FunctionState& function,
                              const MessageRecord& record, const Surroundings& around) const {
  const FunctionId id = function.pool.settings().id;
  const RetrySettings settings = queue.mapping ? queue.mapping->retry : RetrySettings{};
  const auto& redrive = queue.settings.redrive;
  RetryInputs inputs;
  inputs.error = record.failed_with;
  inputs.attempt = record.attempts();
  inputs.attempts_max = redrive ? redrive->receive_count_max : settings.attempts_max;
  inputs.function = outcomes_.function(now, id);
  inputs.tenant = outcomes_.tenant(now, id, record.message.tenant);
  inputs.after_error = outcomes_.after_error(now, id, record.error_key);
  inputs.load = busy_share(function);
  inputs.other_instance = function.pool.counts().usable() > 1;
  inputs.seed = record.message.id.value() * 31 + record.message.receive_count;
  inputs.fingerprint = record.error_key;
  if (inputs.error == ErrorClass::Capacity) return inputs;
  inputs.breaker = function.breakers.view(now, record.failed_with, record.error_key);
  const FailureOdds hierarchical = failure_odds(inputs);
  AttemptFeatures next = features(now, function, record, {}, around);
  next.prior = hierarchical.now;
  FailureOdds learnt{.now = model_.odds(next), .later = 0, .evidence = hierarchical.evidence};
  next.prior = hierarchical.later;
  next.since_failure = backoff(inputs, settings, hierarchical.now);
  learnt.later = model_.odds(next);
  inputs.learnt = learnt;
  return inputs;
}

std::vector<double> RetryBook::odds(const RunRecord& run) const {
  std::vector<double> odds;
  odds.reserve(run.attempts.size());
  for (const AttemptFeatures& attempt : run.attempts) odds.push_back(model_.odds(attempt));
  return odds;
}

}  // namespace forewarm
