#include "core/route/service_model.h"

#include <algorithm>
#include <bit>

#include "base/math.h"
#include "base/random.h"

namespace forewarm {
namespace {

constexpr double kVariancePriorWeight = 20;
constexpr float kWeightMost = 200;  ///< the newest 200 observations or so count
// The mean of all moves with the mix of messages, which the other parts would have to follow: it is slow.
constexpr float kWeightMostOfAll = 4000;
constexpr double kCrashEvidence = 4;
constexpr double kCrashShare = 0.3;
constexpr double kVarianceWeightMost = 500;
constexpr std::size_t kTypedMost = 512;
constexpr double kSurpriseEvidence = 8;  ///< observations of the function before a run can surprise
constexpr double kDeviationLeast = 0.1;  ///< clocks and schedulers alone vary by so much
constexpr std::uint16_t kAnyVariant = 0xffff;

double log_seconds(Duration service) {
  return log(std::max(seconds(service), 1e-6));
}

}  // namespace

MessageClass class_of(const Message& message) {
  return {.size = static_cast<std::uint8_t>((std::bit_width(message.bytes) + 1) / 2), .type = message.type};
}

double ServiceModel::Prediction::seconds() const {
  return exp(log_seconds);
}

double ServiceModel::Part::shrunk(double prior, double prior_weight) const {
  const double w = static_cast<double>(weight);
  return (w * static_cast<double>(mean) + prior_weight * prior) / (w + prior_weight);
}

void ServiceModel::Part::add(double residual, float weight_most) {
  weight = std::min(weight + 1, weight_most);
  mean += (static_cast<float>(residual) - mean) / weight;
}

void ServiceModel::configure(const std::vector<FunctionVariant>& variants) {
  const std::size_t count = std::clamp<std::size_t>(variants.size(), 1, kVariantsMax);
  std::vector<std::uint64_t> memory(count, 1);
  for (std::size_t v = 0; v < variants.size() && v < count; ++v)
    memory[v] = std::max<std::uint64_t>(1, variants[v].memory_bytes);
  if (memory == memory_) return;
  memory_ = std::move(memory);
  variant_.assign(count > 1 ? count : 0, {});
  variant_size_.assign(count, {});
  crashes_.assign(count > 1 ? count : 0, {});
  typed_ = {};
  prior_.assign(count, 0);
  for (std::size_t v = 0; v < count; ++v)
    prior_[v] = log(static_cast<double>(memory_[0]) / static_cast<double>(memory_[v]));
}

void ServiceModel::observe_end(std::uint16_t variant, MessageClass message, bool crashed) {
  if (variant < crashes_.size()) crashes_[variant][message.size].add(crashed ? 1 : 0, kWeightMost);
}

bool ServiceModel::outgrows(std::uint16_t variant, MessageClass message) const {
  if (variant >= crashes_.size()) return false;
  const Part& part = crashes_[variant][message.size];
  return static_cast<double>(part.weight) >= kCrashEvidence && static_cast<double>(part.mean) >= kCrashShare;
}

ServiceModel::TypeKey ServiceModel::key(std::uint16_t variant, MessageClass message) {
  return TypeKey(std::uint64_t{message.type.value()} << 32 | std::uint64_t{variant} << 8 | message.size);
}

const ServiceModel::Part* ServiceModel::typed(std::uint16_t variant, MessageClass message) const {
  return message.type ? typed_.find(key(variant, message)) : nullptr;
}

ServiceModel::Prediction ServiceModel::predict(std::uint16_t variant, MessageClass message) const {
  Prediction out;
  out.log_seconds = static_cast<double>(all_.mean) + size_[message.size].shrunk();
  const std::size_t v = std::min<std::size_t>(variant, variant_size_.size() - 1);
  if (const Part* part = typed(kAnyVariant, message)) out.log_seconds += part->shrunk();
  if (!variant_.empty()) {
    out.log_seconds += variant_[v].shrunk(prior_[v]) + variant_size_[v][message.size].shrunk();
    if (const Part* part = typed(static_cast<std::uint16_t>(v), message)) out.log_seconds += part->shrunk();
  }
  const Part* own = message.type
                        ? typed(variant_.empty() ? kAnyVariant : static_cast<std::uint16_t>(v), message)
                        : &variant_size_[v][message.size];
  out.evidence = own == nullptr ? 0 : static_cast<std::uint32_t>(own->weight);
  out.deviation = std::max(kDeviationLeast,
                           sqrt(variance_of_size_[message.size].shrunk(variance_, kVariancePriorWeight)));
  return out;
}

ServiceModel::Surprise ServiceModel::observe(std::uint16_t variant, MessageClass message, Duration service) {
  const double y = log_seconds(service);
  Surprise surprise;
  const std::size_t v = std::min<std::size_t>(variant, variant_size_.size() - 1);
  const Prediction predicted = predict(variant, message);
  if (variance_weight_ >= kSurpriseEvidence && predicted.evidence >= 3) {
    surprise.log_factor = y - predicted.log_seconds;
    surprise.deviations = surprise.log_factor / predicted.deviation;
  }
  if (predicted.evidence >= 3 || variance_weight_ < kSurpriseEvidence) {
    // One run that hangs must not make every other look ordinary.
    const double most = 6 * predicted.deviation;
    const double residual = std::clamp(y - predicted.log_seconds, -most, most);
    if (all_.weight > 0) {
      variance_weight_ = std::min(variance_weight_ + 1, kVarianceWeightMost);
      variance_ += (residual * residual - variance_) / variance_weight_;
      variance_of_size_[message.size].add(residual * residual, kWeightMost);
    }
  }
  const auto take = [](Part& part, double& rest, double prior = 0) {
    part.add(rest, kWeightMost);
    rest -= part.shrunk(prior);
  };
  double rest = y;
  all_.add(rest, kWeightMostOfAll);
  rest -= static_cast<double>(all_.mean);
  take(size_[message.size], rest);
  const auto take_typed = [&](std::uint16_t of) {
    if (!message.type) return;
    Part* part = typed_.find(key(of, message));
    if (part == nullptr && typed_.size() < kTypedMost) part = &typed_.insert(key(of, message), {});
    if (part != nullptr) take(*part, rest);
  };
  take_typed(kAnyVariant);
  if (variant_.empty()) {
    variant_size_[v][message.size].add(rest, kWeightMost);
    return surprise;
  }
  take(variant_[v], rest, prior_[v]);
  take(variant_size_[v][message.size], rest);
  take_typed(static_cast<std::uint16_t>(v));
  return surprise;
}

}  // namespace forewarm
