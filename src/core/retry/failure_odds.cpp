#include "core/retry/failure_odds.h"

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "base/math.h"
#include "base/random.h"
#include "core/retry/failure_prior.h"
#include "core/retry/log_odds.h"

namespace forewarm {
namespace {

// How many outcomes each level's prior is worth.
constexpr double kFunctionStrength = 4;
constexpr double kTenantStrength = 10;
// Below one: an error mostly either passes or stays (a U-shaped prior), so the first outcomes after it tell
// most.
constexpr double kErrorStrength = 0.5;
constexpr double kMessageStrength = 2;

constexpr double kBeta = 1;                  // of FTRL-proximal, as its authors advise
constexpr double kCalibrationStrength = 25;  // outcomes that it is worth, in each bin
constexpr double kCalibrationMemory = 1500;  // outcomes of a bin after which old ones count little
constexpr double kLogOddsMax = 8;
constexpr std::array<double, FailureOddsModel::kTrusts> kTrustShares = {0, 0.3, 0.6, 1};
constexpr double kDoubt = 4;  // nats that all of what is learnt has to make up for first
constexpr double kLossMemory = 1 - 1.0 / 2000;
constexpr double kLossMax = 1000;
// Rows of the memory: the bins, and a loss in each of the others.
constexpr std::size_t kMemoryRows =
    FailureOddsModel::kBins + FailureOddsModel::kSituations * FailureOddsModel::kTrusts;
constexpr float kWeightSumMax = 1e9F;  // more than all attempts of years add up to

enum Feature : std::uint64_t {
  kBias = 1,
  kRecent,
  kTenant,
  kGroup,
  kTenantGroup,
  kSize,
  kFingerprint,
  kFingerprintFailures,
  kFingerprintSince,
  kErrorFailures,
  kErrorSince,
  kErrorLoad,
  kMachine,
  kInstance,
  kBreaker,
  kType,
  kUpstream,
};
constexpr std::size_t kAlways = 15;  // features that each attempt has

/// Where the weights of an attempt's features are.
struct Buckets {
  std::array<std::uint32_t, kAlways + 1 + kUpstreamMax> places{};
  std::size_t count = 0;

  const std::uint32_t* begin() const { return places.data(); }
  const std::uint32_t* end() const { return places.data() + count; }
};

double finite_count(double count) {
  return count > 0 ? std::min(count, 1e12) : 0;
}

double posterior(double prior, double strength, const OutcomeCounts& counts) {
  const double failed = finite_count(counts.failed);
  return std::clamp((failed + strength * prior) / (failed + finite_count(counts.succeeded) + strength), 0.0,
                    1.0);
}

/// 0 for nothing, then one more for each doubling.
std::uint64_t doublings(double value) {
  std::uint64_t n = 0;
  for (; value >= 1 && n < 40; value /= 2) ++n;
  return n;
}

std::uint64_t share_level(double share) {
  if (!(share > 0)) return 0;
  return share < 0.05 ? 1 : share < 0.2 ? 2 : share < 0.5 ? 3 : share < 0.8 ? 4 : 5;
}

std::size_t situation(const AttemptFeatures& attempt) {
  return (attempt.failures == 0 ? 1U : 0U) + (attempt.breaker != 0 ? 2U : 0U);
}

Buckets buckets_of(const AttemptFeatures& a, std::size_t count) {
  const auto error = static_cast<std::uint64_t>(a.error);
  const std::uint64_t since = a.failures == 0 ? 0 : 1 + doublings(seconds(a.since_failure));
  const std::uint64_t failures = std::min<std::uint64_t>(a.failures, 6);
  const std::uint64_t first = a.failures == 0 ? 1 : 0;
  const std::array<std::array<std::uint64_t, 3>, kAlways> parts{{
      {kBias, first, 0},
      {kRecent, share_level(a.recent_failures), first},
      {kTenant, a.tenant.value(), first},
      {kGroup, a.group.value(), first},
      {kTenantGroup, a.tenant.value(), a.group.value()},
      {kSize, doublings(a.bytes), first},
      {kFingerprint, a.fingerprint, 0},
      {kFingerprintFailures, a.fingerprint, failures},
      {kFingerprintSince, a.fingerprint, since},
      {kErrorFailures, error, failures},
      {kErrorSince, error, since},
      {kErrorLoad, error, share_level(a.load)},
      {kMachine, share_level(a.machine_load), first},
      {kInstance, std::min<std::uint64_t>(a.instance_failures, 4), first},
      {kBreaker, a.breaker, error},
  }};
  Buckets out;
  const auto add = [&](const std::array<std::uint64_t, 3>& part) {
    std::uint64_t hash = mix_bits((std::uint64_t{a.function.value()} << 8) + part[0]);
    hash = mix_bits(hash ^ (part[1] + 0x9e3779b97f4a7c15ULL));
    hash = mix_bits(hash ^ (part[2] + 0xd1b54a32d192ed03ULL));
    out.places[out.count++] = static_cast<std::uint32_t>(hash & (count - 1));
  };
  std::ranges::for_each(parts, add);
  if (a.type) add({kType, a.type.value(), first});
  // What a signal says means one thing while a breaker is open, and another while all is well.
  for (const std::uint32_t level : a.upstream) {
    if (level != 0) add({kUpstream, level, situation(a)});
  }
  return out;
}

}  // namespace

double function_failure_share(const OutcomeCounts& function) {
  return posterior(kUnknownFailureShare, kFunctionStrength, function);
}

double hierarchical_odds(const OutcomeLevels& levels, double of_function) {
  const double function = of_function >= 0 ? of_function : function_failure_share(levels.function);
  const double of_tenant = posterior(function, kTenantStrength, levels.tenant);
  if (levels.failures == 0) return of_tenant;
  const double after_error = posterior(of_tenant, kErrorStrength, levels.after_error);
  return posterior(after_error, kMessageStrength,
                   {.succeeded = 0, .failed = levels.failures - 1.0, .at = {}});
}

FailureOddsModel::FailureOddsModel(Options options) : options_(options), weights_(options.buckets) {
  check(options.buckets > 0 && (options.buckets & (options.buckets - 1)) == 0, "buckets are a power of two");
  for (Losses& each : losses_)
    std::ranges::transform(kTrustShares, each.begin(), [](double it) { return it * kDoubt; });
}

double FailureOddsModel::weight(std::uint32_t bucket) const {
  const auto [z, n] = weights_[bucket];
  if (z >= -options_.sparsity && z <= options_.sparsity) return 0;
  const double beyond = z > 0 ? z - options_.sparsity : z + options_.sparsity;
  return -beyond / ((kBeta + sqrt(n)) / options_.rate + options_.shrinkage);
}

FailureOddsModel::Said FailureOddsModel::say(const AttemptFeatures& attempt) const {
  Said said;
  said.prior = std::clamp(prior_log_odds(attempt), -kLogOddsMax, kLogOddsMax);
  double sum = said.prior;
  for (const std::uint32_t bucket : buckets_of(attempt, weights_.size())) sum += weight(bucket);
  said.raw = std::clamp(sum, -kLogOddsMax, kLogOddsMax);
  said.learnt = recalibrated(said.raw);
  return said;
}

/// Between the middles of two bins the correction is a straight line, so that no two near odds change places.
double FailureOddsModel::recalibrated(double log_odds_before) const {
  const double place = (log_odds_before + kLogOddsMax) / (2 * kLogOddsMax) * (kBins - 1);
  const auto low = std::min<std::size_t>(static_cast<std::size_t>(place), kBins - 2);
  const auto correction = [&](std::size_t place_of_bin) {
    const Bin& bin = bins_[place_of_bin];
    if (bin.weight <= 0) return 0.0;
    const double mean = log_odds(bin.predicted / bin.weight);
    const double seen =
        (bin.failed + kCalibrationStrength * logistic(mean)) / (bin.weight + kCalibrationStrength);
    return log_odds(seen) - mean;
  };
  const double part = place - static_cast<double>(low);
  return log_odds_before + (1 - part) * correction(low) + part * correction(low + 1);
}

double FailureOddsModel::odds(const AttemptFeatures& attempt) const {
  const Said said = say(attempt);
  const Losses& losses = losses_[situation(attempt)];
  double sum = 0;
  double weights = 0;
  for (std::size_t i = 0; i < kTrusts; ++i) {
    const double w = exp(-losses[i]);
    sum += w * logistic(said.prior + kTrustShares[i] * (said.learnt - said.prior));
    weights += w;
  }
  return std::clamp(sum / weights, 0.0, 1.0);
}

void FailureOddsModel::lose(Losses& losses, const Said& said, bool failed) {
  for (std::size_t i = 0; i < kTrusts; ++i) {
    const double p = logistic(said.prior + kTrustShares[i] * (said.learnt - said.prior));
    losses[i] = losses[i] * kLossMemory - log(std::max(kOddsMin, failed ? p : 1 - p));
  }
  const double least = std::ranges::min(losses);
  for (double& each : losses) each = std::min(each - least, kLossMax);
}

void FailureOddsModel::learn(const AttemptFeatures& attempt, bool failed) {
  const Said said = say(attempt);
  lose(losses_[situation(attempt)], said, failed);
  const double before = said.raw;
  const double gradient = logistic(before) - (failed ? 1 : 0);
  for (const std::uint32_t bucket : buckets_of(attempt, weights_.size())) {
    const double w = weight(bucket);
    Weight& it = weights_[bucket];
    const double n = it.n + gradient * gradient;
    it.z += gradient - (sqrt(n) - sqrt(it.n)) / options_.rate * w;
    it.n = n;
  }
  const double place = (before + kLogOddsMax) / (2 * kLogOddsMax) * (kBins - 1) + 0.5;
  Bin& bin = bins_[std::min<std::size_t>(static_cast<std::size_t>(place), kBins - 1)];
  const double keep = bin.weight >= kCalibrationMemory ? 1 - 1 / kCalibrationMemory : 1;
  bin.predicted = bin.predicted * keep + logistic(before);
  bin.failed = bin.failed * keep + (failed ? 1 : 0);
  bin.weight = bin.weight * keep + 1;
  ++learnt_;
}

void FailureOddsModel::remember(RetryMemory& memory) const {
  memory.learnt = learnt_;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i].n <= 0) continue;
    memory.buckets.push_back(static_cast<std::uint32_t>(i));
    memory.z.push_back(static_cast<float>(weights_[i].z));
    memory.n.push_back(static_cast<float>(weights_[i].n));
  }
  for (const Bin& bin : bins_) {
    memory.predicted.push_back(static_cast<float>(bin.predicted));
    memory.failed.push_back(static_cast<float>(bin.failed));
    memory.weight.push_back(static_cast<float>(bin.weight));
  }
  for (const Losses& losses : losses_) {
    for (const double loss : losses) memory.predicted.push_back(static_cast<float>(loss));
  }
  memory.failed.resize(kMemoryRows);
  memory.weight.resize(kMemoryRows);
}

bool FailureOddsModel::restore(const RetryMemory& memory) {
  const std::size_t count = memory.buckets.size();
  const auto in_range = [](float least, float most) {
    return [=](float value) { return value >= least && value <= most; };
  };
  const bool possible = learnt_ == 0 && memory.learnt > 0 && memory.z.size() == count &&
                        memory.n.size() == count && memory.predicted.size() == kMemoryRows &&
                        memory.failed.size() == kMemoryRows && memory.weight.size() == kMemoryRows &&
                        std::ranges::is_sorted(memory.buckets, std::less_equal{}) &&
                        (count == 0 || memory.buckets.back() < weights_.size()) &&
                        std::ranges::all_of(memory.z, in_range(-kWeightSumMax, kWeightSumMax)) &&
                        std::ranges::all_of(memory.n, in_range(0, kWeightSumMax)) &&
                        std::ranges::all_of(memory.predicted, in_range(0, kWeightSumMax)) &&
                        std::ranges::all_of(memory.failed, in_range(0, kWeightSumMax)) &&
                        std::ranges::all_of(memory.weight, in_range(0, kWeightSumMax));
  if (!possible) return false;
  learnt_ = memory.learnt;
  for (std::size_t i = 0; i < count; ++i) weights_[memory.buckets[i]] = {memory.z[i], memory.n[i]};
  for (std::size_t i = 0; i < kBins; ++i)
    bins_[i] = {memory.predicted[i], memory.failed[i], memory.weight[i]};
  for (std::size_t i = kBins; i < kMemoryRows; ++i)
    losses_[(i - kBins) / kTrusts][(i - kBins) % kTrusts] = std::min<double>(memory.predicted[i], kLossMax);
  return true;
}

}  // namespace forewarm
