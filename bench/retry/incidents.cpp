#include "retry/incidents.h"

#include <algorithm>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr Duration kLength = 2h;
constexpr Duration kSettle = 6h;
constexpr std::uint32_t kInstances = 12;
constexpr std::uint64_t kTenants = 8;
constexpr Duration kTimeout = 10s;

enum About : std::uint64_t { kEveryday = 1, kPoisoned, kHit, kWorse, kPoisonKind, kUpstream };
constexpr std::uint64_t kEverydayError = 0xe1;
constexpr std::uint64_t kOutageError = 0xe2;
constexpr std::uint64_t kSlowError = 0xe3;
constexpr std::uint64_t kDeployError = 0xe4;
constexpr std::uint64_t kPoisonError = 0xf0;

double between(Random& random, double low, double high) {
  return exp(log(low) + random.uniform() * (log(high) - log(low)));
}

}  // namespace

std::string_view name_of(IncidentKind kind) {
  constexpr std::string_view kNames[] = {"outage",       "part_outage", "poison",
                                         "poison_batch", "degradation", "bad_deploy"};
  return kNames[static_cast<std::size_t>(kind)];
}

Incident::Incident(IncidentKind kind, std::uint64_t seed) : kind_(kind), seed_(seed) {
  Random random(mix_bits(seed * kIncidentKinds + static_cast<std::uint64_t>(kind)));
  ArrivalPattern pattern;
  pattern.rate_per_second = between(random, 0.2, 2);
  pattern.tenants = kTenants;
  arrivals_ = generate_arrivals({pattern}, kLength, random.next());
  for (Arrival& each : arrivals_) each.bytes = static_cast<std::uint32_t>(between(random, 100, 100'000));
  begins_ = time_point_us(0) + from_seconds(2000 + 1600 * random.uniform());
  everyday_ = between(random, 0.002, 0.03);
  poison_ = between(random, 0.001, 0.02);
  poisons_ = 1 + random.below(3);
  times_out_ = random.chance(0.3);
  double lasts = between(random, 30, 2400);
  switch (kind) {
    case IncidentKind::Outage:
    case IncidentKind::BadDeploy:
      hit_ = 1;
      break;
    case IncidentKind::PartOutage:
      hit_ = 0.1 + 0.6 * random.uniform();
      break;
    case IncidentKind::Poison:
      poison_ = between(random, 0.02, 0.1);
      lasts = 0;
      break;
    case IncidentKind::PoisonBatch:
      hit_ = 0.2 + 0.5 * random.uniform();
      lasts = between(random, 30, 600);
      break;
    case IncidentKind::Degradation:
      worst_ = 0.3 + 0.5 * random.uniform();
      lasts = between(random, 600, 2400);
      break;
  }
  ends_ = begins_ + from_seconds(lasts);
}

SimulationOptions Incident::world(std::uint16_t attempts_max) const {
  SimulationOptions options;
  options.seed = seed_;
  options.length = kLength;
  options.settle = kSettle;
  FunctionSettings function;
  function.id = FunctionId(1);
  function.timeout = kTimeout;
  MappingSettings mapping;
  mapping.queue = kQueue;
  mapping.function = function.id;
  mapping.scaling.instances_min = kInstances;
  mapping.scaling.instances_max = kInstances;
  mapping.scaling.predict = false;
  options.configuration.functions = {function};
  options.configuration.mappings = {mapping};
  SimulatedQueue queue;
  queue.id = kQueue;
  queue.settings.redrive = RedrivePolicy{kDeadLetters, attempts_max};
  SimulatedQueue dead;
  dead.id = kDeadLetters;
  options.queues = {queue, dead};
  if (kind_ == IncidentKind::BadDeploy) {
    // The version that fails, and the one that mends it.
    for (const TimePoint at : {begins_, ends_}) {
      ++options.configuration.functions[0].version;
      options.script.push_back({at, ConfigurationChanged{options.configuration}});
    }
    options.configuration.functions[0].version = 1;
  }
  options.faults.incident = [this](MessageId message, TimePoint now) { return fate(message, now).failure; };
  return options;
}

void Incident::tell_upstream(SimulationOptions& world) const {
  constexpr SignalId kSignal{1};
  constexpr Duration kEvery = 10s;
  constexpr double kWrong = 0.01;
  Random random(mix_bits(seed_ ^ kUpstream));
  const Duration behind = from_seconds(30 * random.uniform());
  std::vector<TimedEvent> told;
  for (TimePoint at = time_point_us(0) + kEvery; at < time_point_us(0) + kLength + kSettle; at += kEvery) {
    const bool out = at - behind >= begins_ && at - behind < ends_;
    told.push_back({at, SignalObserved{kSignal, at, out != random.chance(kWrong) ? 1.0 : 0.0}});
  }
  const auto add_to = [](Configuration& configuration) {
    configuration.signals = {{.id = kSignal, .holds = 1min, .upstream = true}};
  };
  add_to(world.configuration);
  for (TimedEvent& event : world.script) {
    if (auto* changed = std::get_if<ConfigurationChanged>(&event.event)) add_to(changed->configuration);
  }
  world.script.insert(world.script.end(), told.begin(), told.end());
  std::ranges::stable_sort(world.script, {}, &TimedEvent::time);
}

Random Incident::of(MessageId message, std::uint64_t about) const {
  return Random(mix_bits(seed_ ^ mix_bits(message.value() * 64 + about)));
}

bool Incident::hit(MessageId message) const {
  return of(message, kHit).chance(hit_);
}

bool Incident::of_batch(const Arrival& arrived) const {
  const TimePoint at = time_point_us(0) + arrived.at;
  return kind_ == IncidentKind::PoisonBatch && at >= begins_ && at < ends_;
}

/// From two of the tenants comes most of it.
double Incident::poison_share(const Arrival& arrived) const {
  return poison_ * (arrived.tenant.value() % kTenants < 2 ? 3 : 1.0 / 3);
}

bool Incident::poison(MessageId message) const {
  const Arrival& arrived = arrival(message);
  if (of_batch(arrived) && hit(message)) return true;
  return of(message, kPoisoned).chance(poison_share(arrived));
}

double Incident::odds_at_best(MessageId message, TimePoint now, const Shown& shown) const {
  if (shown.failed_with >= kPoisonError && shown.failed_with < kPoisonError + poisons_) return 1;
  const bool on = now >= begins_ && now < ends_;
  const bool out = on && (kind_ == IncidentKind::Outage || kind_ == IncidentKind::PartOutage);
  double well = 1;  // probability that nothing comes in between
  if (shown.failed_with == 0) {
    const Arrival& arrived = arrival(message);
    well *= (1 - std::min(1.0, poison_share(arrived))) * (of_batch(arrived) ? 1 - hit_ : 1);
  }
  if (on && kind_ == IncidentKind::BadDeploy) return 1;
  if (out) {
    const std::uint64_t kind = times_out_ ? static_cast<std::uint64_t>(ErrorClass::Timeout) : kOutageError;
    if (shown.failed_with == kind) return 1;
    if (!shown.during) well *= 1 - hit_;
  }
  if (on && kind_ == IncidentKind::Degradation)
    well *= 1 - worst_ * (seconds(now - begins_) / seconds(ends_ - begins_));
  return 1 - well * (1 - everyday_);
}

Fate Incident::fate(MessageId message, TimePoint now) const {
  if (poison(message)) {
    const std::uint64_t kind = kPoisonError + of(message, kPoisonKind).below(poisons_);
    return {IncidentFailure{ErrorClass::Handler, kind, 20ms}, true};
  }
  const bool on = now >= begins_ && now < ends_;
  const auto moment = static_cast<std::uint64_t>(count_us(now));
  if (on && kind_ == IncidentKind::BadDeploy)
    return {IncidentFailure{ErrorClass::Handler, kDeployError, 10ms}, true};
  if (on && (kind_ == IncidentKind::Outage || kind_ == IncidentKind::PartOutage) && hit(message)) {
    if (times_out_)
      return {IncidentFailure{ErrorClass::Timeout, static_cast<std::uint64_t>(ErrorClass::Timeout), kTimeout},
              true};
    return {IncidentFailure{ErrorClass::Handler, kOutageError, 30ms}, true};
  }
  if (on && kind_ == IncidentKind::Degradation) {
    const double grown = seconds(now - begins_) / seconds(ends_ - begins_);
    if (of(message, mix_bits(moment) + kWorse).chance(worst_ * grown))
      return {IncidentFailure{ErrorClass::Handler, kSlowError, 500ms}, false};
  }
  if (of(message, mix_bits(moment) + kEveryday).chance(everyday_))
    return {IncidentFailure{ErrorClass::Handler, kEverydayError, 50ms}, false};
  return {};
}

}  // namespace forewarm
