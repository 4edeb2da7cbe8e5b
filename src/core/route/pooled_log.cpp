#include "core/route/pooled_log.h"

#include <algorithm>
#include <bit>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kVariancePriorWeight = 20;
constexpr float kWeightMost = 200;  ///< the newest 200 observations or so count
constexpr float kWeightRestored = kWeightMost / 2;
constexpr float kLogMost = 100;  ///< of seconds and bytes, far beyond both
constexpr float kVarianceMost = 1e4;
constexpr double kVarianceWeightMost = 500;
constexpr std::size_t kTypedMost = 512;
constexpr double kSurpriseEvidence = 8;      ///< observations of the function before a run can surprise
constexpr std::uint32_t kClassEvidence = 3;  ///< and of the class
constexpr std::uint16_t kAnyVariant = 0xffff;

}  // namespace

MessageClass class_of(const Message& message) {
  return {.size = static_cast<std::uint8_t>((std::bit_width(message.bytes) + 1) / 2), .type = message.type};
}

double RecentMean::shrunk(double prior, double prior_weight) const {
  const double w = static_cast<double>(weight);
  return (w * static_cast<double>(mean) + prior_weight * prior) / (w + prior_weight);
}

void RecentMean::add(double value, float weight_most) {
  weight = std::min(weight + 1, weight_most);
  mean += (static_cast<float>(value) - mean) / weight;
}

MeansMemory memory_of(std::span<const RecentMean> means) {
  MeansMemory memory;
  for (const RecentMean& each : means) {
    memory.mean.push_back(each.mean);
    memory.weight.push_back(each.weight);
  }
  return memory;
}

bool could_be(const MeansMemory& memory, std::size_t count, float most) {
  return memory.mean.size() == count && memory.weight.size() == count &&
         std::ranges::all_of(memory.mean, [most](float mean) { return mean >= -most && mean <= most; }) &&
         std::ranges::all_of(memory.weight,
                             [](float weight) { return weight >= 0 && weight <= kWeightMost; });
}

void restore(const MeansMemory& memory, std::span<RecentMean> means) {
  for (std::size_t i = 0; i < means.size(); ++i)
    means[i] = {memory.mean[i], std::min(memory.weight[i], kWeightRestored)};
}

double PooledLog::Prediction::value() const {
  return exp(log);
}

void PooledLog::configure(const std::vector<double>& priors) {
  const std::size_t count = priors.size();
  variant_.assign(count > 1 ? count : 0, {});
  variant_size_.assign(count, {});
  typed_ = {};
  types_.clear();
  prior_ = priors;
}

PooledLog::TypeKey PooledLog::key(std::uint16_t variant, MessageClass message) {
  return TypeKey(std::uint64_t{message.type.value()} << 32 | std::uint64_t{variant} << 8 | message.size);
}

const RecentMean* PooledLog::typed(std::uint16_t variant, MessageClass message) const {
  return message.type ? typed_.find(key(variant, message)) : nullptr;
}

PooledMemory PooledLog::memory() const {
  std::vector<RecentMean> overall{all_}, variant_sizes, typed;
  overall.insert(overall.end(), size_.begin(), size_.end());
  for (const auto& sizes : variant_size_)
    variant_sizes.insert(variant_sizes.end(), sizes.begin(), sizes.end());
  PooledMemory memory;
  for (const TypeKey type : types_) {
    memory.types.push_back(type.value());
    typed.push_back(*typed_.find(type));
  }
  memory.overall = memory_of(overall);
  memory.variants = memory_of(variant_);
  memory.variant_sizes = memory_of(variant_sizes);
  memory.typed = memory_of(typed);
  memory.variance = variance_;
  memory.variance_weight = variance_weight_;
  memory.variances = memory_of(variance_of_size_);
  return memory;
}

bool PooledLog::could_be_learnt(const PooledMemory& memory, std::size_t variants) {
  const auto is_type = [variants](std::uint64_t type) {
    const std::uint64_t variant = type >> 8 & 0xffffff;
    const bool known = variant == kAnyVariant || (variants > 1 && variant < variants);
    return type >> 32 != 0 && known && (type & 0xff) < kSizeClasses;
  };
  std::vector<std::uint64_t> types = memory.types;
  std::ranges::sort(types);
  return types.size() <= kTypedMost && std::ranges::adjacent_find(types) == types.end() &&
         std::ranges::all_of(types, is_type) && could_be(memory.overall, 1 + kSizeClasses, kLogMost) &&
         could_be(memory.variants, variants > 1 ? variants : 0, kLogMost) &&
         could_be(memory.variant_sizes, variants * kSizeClasses, kLogMost) &&
         could_be(memory.typed, types.size(), kLogMost) && memory.variance >= 0 &&
         memory.variance <= kVarianceMost && memory.variance_weight >= 0 &&
         memory.variance_weight <= kVarianceWeightMost &&
         could_be(memory.variances, kSizeClasses, kVarianceMost) &&
         std::ranges::all_of(memory.variances.mean, [](float mean) { return mean >= 0; });
}

void PooledLog::restore(const PooledMemory& memory, bool of_variants) {
  std::vector<RecentMean> means(1 + kSizeClasses);
  forewarm::restore(memory.overall, means);
  all_ = means[0];
  std::copy(means.begin() + 1, means.end(), size_.begin());
  variance_ = memory.variance;
  variance_weight_ = std::min(memory.variance_weight, kVarianceWeightMost / 2);
  forewarm::restore(memory.variances, variance_of_size_);
  if (!of_variants) return;
  forewarm::restore(memory.variants, variant_);
  means.resize(variant_size_.size() * kSizeClasses);
  forewarm::restore(memory.variant_sizes, means);
  for (std::size_t i = 0; i < means.size(); ++i) variant_size_[i / kSizeClasses][i % kSizeClasses] = means[i];
  means.resize(memory.types.size());
  forewarm::restore(memory.typed, means);
  for (std::size_t i = 0; i < means.size(); ++i) {
    types_.emplace_back(memory.types[i]);
    typed_.insert(types_.back(), means[i]);
  }
}

double PooledLog::anywhere(MessageClass message) const {
  const double of_size = size_[message.size].shrunk(static_cast<double>(all_.mean), settings_.shrink);
  const RecentMean* of_type = typed(kAnyVariant, message);
  return of_type == nullptr ? of_size : of_type->shrunk(of_size, settings_.shrink);
}

PooledLog::Prediction PooledLog::predict(std::uint16_t variant, MessageClass message) const {
  const double shrink = settings_.shrink;
  const std::size_t v = std::min<std::size_t>(variant, variant_size_.size() - 1);
  Prediction out;
  out.log = anywhere(message);
  if (!variant_.empty()) {
    out.log += variant_[v].shrunk(prior_[v], shrink) + variant_size_[v][message.size].shrunk(0, shrink);
    if (const RecentMean* part = typed(static_cast<std::uint16_t>(v), message))
      out.log += part->shrunk(0, shrink);
  }
  const RecentMean* own = message.type
                              ? typed(variant_.empty() ? kAnyVariant : static_cast<std::uint16_t>(v), message)
                              : &variant_size_[v][message.size];
  out.evidence = own == nullptr ? 0 : static_cast<std::uint32_t>(own->weight);
  out.deviation = std::max(settings_.deviation_least,
                           sqrt(variance_of_size_[message.size].shrunk(variance_, kVariancePriorWeight)));
  return out;
}

PooledLog::Surprise PooledLog::observe(std::uint16_t variant, MessageClass message, double log) {
  const Prediction predicted = predict(variant, message);
  Surprise surprise;
  if (variance_weight_ >= kSurpriseEvidence && predicted.evidence >= kClassEvidence) {
    surprise.log_factor = log - predicted.log;
    surprise.deviations = surprise.log_factor / predicted.deviation;
  }
  learn_deviation(predicted, message, log);
  learn_parts(variant, message, log);
  return surprise;
}

void PooledLog::learn_deviation(const Prediction& predicted, MessageClass message, double log) {
  const bool early = settings_.early_residuals && variance_weight_ < kSurpriseEvidence;
  if (all_.weight == 0 || (predicted.evidence < kClassEvidence && !early)) return;
  // One run that hangs must not make every other look ordinary.
  const double most = 6 * predicted.deviation;
  const double residual = std::clamp(log - predicted.log, -most, most);
  variance_weight_ = std::min(variance_weight_ + 1, kVarianceWeightMost);
  variance_ += (residual * residual - variance_) / variance_weight_;
  variance_of_size_[message.size].add(residual * residual, kWeightMost);
}

void PooledLog::learn_parts(std::uint16_t variant, MessageClass message, double log) {
  const auto v = static_cast<std::uint16_t>(std::min<std::size_t>(variant, variant_size_.size() - 1));
  all_.add(log, kWeightMost);
  size_[message.size].add(log, kWeightMost);
  if (RecentMean* part = typed_to_learn(kAnyVariant, message)) part->add(log, kWeightMost);
  double rest = log - anywhere(message);
  const auto take = [&](RecentMean& part, double prior) {
    part.add(rest, kWeightMost);
    rest -= part.shrunk(prior, settings_.shrink);
  };
  if (!variant_.empty()) take(variant_[v], prior_[v]);
  take(variant_size_[v][message.size], 0);
  if (variant_.empty()) return;
  if (RecentMean* part = typed_to_learn(v, message)) take(*part, 0);
}

RecentMean* PooledLog::typed_to_learn(std::uint16_t variant, MessageClass message) {
  if (!message.type) return nullptr;
  RecentMean* part = typed_.find(key(variant, message));
  if (part != nullptr || typed_.size() >= kTypedMost) return part;
  types_.push_back(key(variant, message));
  return &typed_.insert(types_.back(), {});
}

}  // namespace forewarm
