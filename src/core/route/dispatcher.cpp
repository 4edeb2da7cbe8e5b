#include "core/route/dispatcher.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kTried = 3;     ///< runs of a class after which a variant's own figures count
constexpr double kOptimism = 0.9;       ///< of a variant's best before that
constexpr double kLatePrice = 2;        ///< a second of late start is worth so many of earlier finish
constexpr double kClearlySooner = 0.9;  ///< or two instances that are about equal would be waited for in turn
constexpr double kAboutEqual = 1.02;
constexpr double kHalfLifeSeconds = 600;
constexpr std::uint64_t kMixEvidence = 50;  ///< messages before instances are exchanged
constexpr float kWorkMost = 1e12F;          ///< seconds
constexpr double kClearly = 0.75;           ///< of an instance too many or too few

bool free_now(const Pool::Instance& instance) {
  return instance.state == InstanceState::Idle || instance.state == InstanceState::Frozen;
}

/// One instance as a place for one message.
struct Contender {
  const Pool::Instance* instance = nullptr;
  double ready_in = 0;
  double service = 0;
  double finish = 0;
  double cost = 0;
  bool fits = true;
  bool current = true;

  auto rank() const {
    return std::tuple(!current, !fits, instance->state == InstanceState::Frozen,
                      TimePoint::max() - instance->last_used);
  }
};

double overdue_rest(TimePoint since, TimePoint now) {
  return seconds_between(since, now) / 2;
}

/// Until the instance can take a message, as predicted.
double ready_in(const Pool::Instance& instance, const RouteNeed& need, TimePoint now,
                std::span<const Awaited> awaited) {
  double rest = 0;
  if (!free_now(instance)) {
    TimePoint due = instance.free_at;
    if (instance.state == InstanceState::Starting) due = saturating_add(instance.since, need.start_time);
    if (due == kNever) due = saturating_add(instance.since, need.service_guess);
    rest = due > now ? seconds_between(now, due) : overdue_rest(instance.since, now);
  }
  for (const Awaited& other : awaited) {
    if (other.instance == instance.id) rest = std::max(rest, seconds(other.until));
  }
  return rest;
}

bool cheaper(const Contender& a, const Contender& b) {
  if (a.current != b.current) return a.current;
  if (a.fits != b.fits) return a.fits;
  if (a.cost * kAboutEqual < b.cost) return true;
  if (b.cost * kAboutEqual < a.cost) return false;
  if (a.finish * kAboutEqual < b.finish) return true;
  if (b.finish * kAboutEqual < a.finish) return false;
  return a.rank() < b.rank();
}

RoutingDecision decision_of(const Contender& best, const Contender& second, std::uint32_t free, bool soonest,
                            bool other, std::uint32_t evidence) {
  RoutingDecision out;
  out.reason = free == 1 ? RouteReason::Only
               : other   ? RouteReason::Other
               : soonest ? RouteReason::Finish
                         : RouteReason::Cost;
  out.variant = best.instance->variant;
  out.free = free;
  out.evidence = evidence;
  if (evidence > 0) out.service = from_seconds(best.service);
  if (evidence > 0 && second.instance) out.next_best = from_seconds(second.service);
  out.slowness = static_cast<float>(best.instance->health.slowness());
  return out;
}

}  // namespace

VariantOutlooks outlooks(const ServiceModel& model, const FunctionSettings& settings, MessageClass message,
                         std::uint64_t memory_bytes_min) {
  VariantOutlooks out{};
  const std::size_t count = std::min(settings.variants.size(), kVariantsMax);
  double least_cost = std::numeric_limits<double>::infinity();
  for (std::size_t v = 0; v < count; ++v) {
    VariantOutlook& outlook = out[v];
    const auto variant = static_cast<std::uint16_t>(v);
    const auto memory = static_cast<double>(settings.variants[v].memory_bytes);
    outlook.fits = settings.variants[v].memory_bytes >= memory_bytes_min && !model.outgrows(variant, message);
    if (model.known()) {
      const ServiceModel::Prediction predicted = model.predict(variant, message);
      outlook.service_seconds = predicted.seconds();
      outlook.evidence = predicted.evidence;
      if (predicted.evidence >= kTried) {
        least_cost = std::min(least_cost, outlook.service_seconds * memory);
        outlook.fits = outlook.fits && outlook.service_seconds < seconds(settings.timeout);
      }
    } else {
      outlook.service_seconds = 1 / std::max(memory, 1.0);
    }
    outlook.cost = outlook.service_seconds * memory;
  }
  if (least_cost == std::numeric_limits<double>::infinity()) return out;
  for (std::size_t v = 0; v < count; ++v) {
    if (out[v].evidence >= kTried || out[v].cost <= least_cost * kOptimism) continue;
    out[v].cost = least_cost * kOptimism;
    out[v].service_seconds =
        out[v].cost / std::max(1.0, static_cast<double>(settings.variants[v].memory_bytes));
  }
  return out;
}

std::uint16_t best_variant(const VariantOutlooks& outlooks, const FunctionSettings& settings) {
  const std::size_t count = std::min(settings.variants.size(), kVariantsMax);
  std::size_t best = count, largest = 0;
  for (std::size_t v = 0; v < count; ++v) {
    if (settings.variants[v].memory_bytes > settings.variants[largest].memory_bytes) largest = v;
    if (outlooks[v].fits && (best == count || outlooks[v].cost * kAboutEqual < outlooks[best].cost)) best = v;
  }
  return static_cast<std::uint16_t>(best == count ? largest : best);
}

std::optional<std::uint16_t> missing_variant(const VariantOutlooks& outlooks, const Pool& pool) {
  const FunctionSettings& settings = pool.settings();
  for (std::uint16_t v = 0; v < std::min(settings.variants.size(), kVariantsMax); ++v) {
    if (outlooks[v].fits && pool.usable(v) > 0) return std::nullopt;
  }
  const std::uint16_t best = best_variant(outlooks, settings);
  return pool.usable(best) == 0 ? std::optional(best) : std::nullopt;
}

RouteChoice route(const Pool& pool, const ServiceModel& model, const RouteNeed& need, TimePoint now,
                  std::span<const Awaited> awaited) {
  const FunctionSettings& settings = pool.settings();
  const VariantOutlooks of = outlooks(model, settings, need.message, need.instance.memory_bytes_min);
  const double slack = std::max(0.0, seconds(need.slack));
  Contender best, second, soonest_free, sooner;
  std::uint32_t free = 0;
  bool avoided = false, fits_somewhere = false;
  double sooner_score = 0;
  for (const Pool::Instance& instance : pool.instances()) {
    if (instance.state == InstanceState::Stopping) continue;
    const VariantOutlook& outlook = of[std::min<std::size_t>(instance.variant, kVariantsMax - 1)];
    Contender candidate{.instance = &instance,
                        .ready_in = ready_in(instance, need, now, awaited),
                        .fits = outlook.fits,
                        .current = instance.version == settings.version};
    candidate.service = outlook.service_seconds * instance.health.slowness() *
                        (1 + static_cast<double>(instance.failures_in_row));
    candidate.finish = candidate.ready_in + candidate.service;
    candidate.cost = candidate.service * std::max(1.0, static_cast<double>(instance.memory_bytes));
    if (free_now(instance)) {
      ++free;
      if (instance.id == need.instance.not_this) {
        avoided = true;
        continue;
      }
      if (!best.instance || cheaper(candidate, best)) {
        second = best;
        best = candidate;
      } else if (!second.instance || cheaper(candidate, second)) {
        second = candidate;
      }
      if (!soonest_free.instance || candidate.finish < soonest_free.finish) soonest_free = candidate;
      continue;
    }
    if (!candidate.current || instance.id == need.instance.not_this) continue;
    fits_somewhere = fits_somewhere || candidate.fits;
    if (!candidate.fits) continue;
    const double score = candidate.finish + kLatePrice * std::max(0.0, candidate.ready_in - slack);
    if (!sooner.instance || score < sooner_score) {
      sooner = candidate;
      sooner_score = score;
    }
  }
  RouteChoice out;
  if (!best.instance) {
    if (avoided && pool.counts().usable() == 1) {
      out.instance = need.instance.not_this;
      out.decision.variant = pool.find(need.instance.not_this)->variant;
    }
    return out;
  }
  const bool dominated = sooner.instance && model.known() && sooner_score < kClearlySooner * best.finish &&
                         sooner.cost <= best.cost * kAboutEqual;
  if ((dominated && best.fits) || (!best.fits && fits_somewhere)) {
    out.wait_for = Awaited{sooner.instance->id, from_seconds(sooner.finish)};
    out.look_again = from_seconds(sooner.ready_in);
    return out;
  }
  out.instance = best.instance->id;
  out.fits = best.fits;
  const bool soonest =
      soonest_free.instance == best.instance || best.finish <= soonest_free.finish * kAboutEqual;
  out.decision = decision_of(best, second, free, soonest, avoided, of[best.instance->variant].evidence);
  return out;
}

std::array<double, kVariantsMax> VariantMix::shares() const {
  std::array<double, kVariantsMax> out{};
  double sum = 0;
  for (const double work : work_) sum += work;
  for (std::size_t v = 0; v < kVariantsMax && sum > 0; ++v) out[v] = work_[v] / sum;
  return out;
}

void VariantMix::observe(TimePoint now, std::uint16_t variant, double work_seconds) {
  if (observed_++ > 0) {
    const double kept = pow(0.5, std::max(0.0, seconds_between(at_, now)) / kHalfLifeSeconds);
    for (double& work : work_) work *= kept;
  }
  at_ = now;
  work_[std::min<std::size_t>(variant, kVariantsMax - 1)] += work_seconds;
}

std::vector<float> VariantMix::memory() const {
  std::vector<float> seconds(work_.begin(), work_.end());
  while (!seconds.empty() && seconds.back() == 0) seconds.pop_back();
  return seconds;
}

bool VariantMix::restore(TimePoint now, const std::vector<float>& work_seconds) {
  const auto possible = [](float seconds) { return seconds >= 0 && seconds <= kWorkMost; };
  if (observed_ > 0 || work_seconds.size() > kVariantsMax || !std::ranges::all_of(work_seconds, possible))
    return false;
  if (work_seconds.empty()) return true;
  std::ranges::copy(work_seconds, work_.begin());
  at_ = now;
  observed_ = 1;
  return true;
}

std::optional<std::uint16_t> VariantMix::lacking(const Pool& pool) const {
  if (observed_ == 0) return std::nullopt;
  const std::array<double, kVariantsMax> share = shares();
  const double all = pool.counts().usable() + 1.0;
  std::optional<std::uint16_t> most;
  double lack_most = 0;
  for (std::uint16_t v = 0; v < std::min(pool.settings().variants.size(), kVariantsMax); ++v) {
    const std::uint32_t have = pool.usable(v);
    const std::uint32_t limit = pool.settings().variants[v].concurrency_max;
    if (limit > 0 && have >= limit) continue;
    const double lack = share[v] * all - have;
    if (!most || lack > lack_most) {
      most = v;
      lack_most = lack;
    }
  }
  return most;
}

std::optional<InstanceId> VariantMix::surplus(const Pool& pool) const {
  const InstanceCounts counts = pool.counts();
  if (observed_ < kMixEvidence || counts.starting + counts.stopping > 0) return std::nullopt;
  const std::array<double, kVariantsMax> share = shares();
  bool lacks = false;
  std::array<bool, kVariantsMax> too_many{};
  for (std::uint16_t v = 0; v < std::min(pool.settings().variants.size(), kVariantsMax); ++v) {
    const double have = pool.usable(v);
    const std::uint32_t limit = pool.settings().variants[v].concurrency_max;
    const double wanted = share[v] * counts.usable();
    lacks = lacks || (wanted - have > kClearly && (limit == 0 || have < limit));
    too_many[v] = have - wanted > kClearly;
  }
  if (!lacks) return std::nullopt;
  for (const Pool::Instance* free : pool.free()) {
    if (free->variant < kVariantsMax && too_many[free->variant]) return free->id;
  }
  return std::nullopt;
}

}  // namespace forewarm
