#include "core/route/memory_model.h"

#include <algorithm>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kHigh = 2.3263478740408408;  ///< the normal distribution's 99 % quantile
constexpr float kCrashWeightMost = 200;
constexpr double kCrashEvidence = 4;
constexpr double kCrashShare = 0.3;
/// So many runs in a row without a crash say as much as a 99 % quantile does.
constexpr std::uint32_t kProof = 100;
constexpr double kLessThanOneCrash = 0.5;
/// From this share of a variant's memory on, what a run could have used may have been kept from it. Where
/// memory is declared and not enforced, a peak may lie above it, and is whole.
constexpr double kSqueezedFrom = 0.9;
constexpr double kSqueezedTo = 1.02;
constexpr std::size_t kSeenMost = 512;

}  // namespace

void MemoryModel::configure(const std::vector<FunctionVariant>& variants) {
  const std::size_t count = std::clamp<std::size_t>(variants.size(), 1, kVariantsMax);
  std::vector<std::uint64_t> memory(count, 0);
  for (std::size_t v = 0; v < variants.size() && v < count; ++v) memory[v] = variants[v].memory_bytes;
  if (memory == memory_) return;
  if (memory_.empty()) need_.configure({0});
  memory_ = std::move(memory);
  crashes_.assign(count > 1 ? count : 0, {});
}

void MemoryModel::observe_peak(std::uint16_t variant, MessageClass message, std::uint64_t bytes, bool whole) {
  if (bytes == 0 || variant >= memory_.size()) return;
  const auto peak = static_cast<double>(bytes);
  const auto had = static_cast<double>(memory_[variant]);
  const bool squeezed = peak >= had * kSqueezedFrom && peak <= had * kSqueezedTo;
  const PooledLog::Prediction predicted = need_.predict(0, message);
  const bool bound = !whole || squeezed;
  if (bound && predicted.evidence > 0 && log(peak) <= predicted.log) return;
  if (predicted.evidence == 0 && seen_.size() < kSeenMost && std::ranges::find(seen_, message) == seen_.end())
    seen_.push_back(message);
  need_.observe(0, message, log(peak));
  ++measured_;
}

void MemoryModel::observe_end(std::uint16_t variant, MessageClass message, bool crashed) {
  if (variant < crashes_.size()) crashes_[variant][message.size].add(crashed ? 1 : 0, kCrashWeightMost);
}

MemoryModel::Need MemoryModel::need(MessageClass message) const {
  if (!need_.known()) return {};
  const PooledLog::Prediction predicted = need_.predict(0, message);
  // The mean is known only as well as its few observations make it.
  const double of_mean = 1 / (predicted.evidence + need_.settings().shrink);
  const double above = kHigh * predicted.deviation * sqrt(1 + of_mean);
  return {.typical_bytes = predicted.value(),
          .high_bytes = exp(predicted.log + above),
          .evidence = predicted.evidence};
}

MemoryModel::Need MemoryModel::most_needed() const {
  Need most;
  for (const MessageClass message : seen_) {
    const Need one = need(message);
    if (one.high_bytes > most.high_bytes) most = one;
  }
  return most;
}

void MemoryModel::remember(FunctionMemory& to) const {
  to.need = need_.memory();
  for (const MessageClass message : seen_)
    to.need_classes.push_back(std::uint64_t{message.type.value()} << 8 | message.size);
  to.need_measured = measured_;
  std::vector<RecentMean> crashes;
  for (const auto& sizes : crashes_) crashes.insert(crashes.end(), sizes.begin(), sizes.end());
  to.crashes = memory_of(crashes);
}

bool MemoryModel::could_be_learnt(const FunctionMemory& from, std::size_t variants) {
  const auto is_class = [](std::uint64_t each) { return each >> 40 == 0 && (each & 0xff) < kSizeClasses; };
  return PooledLog::could_be_learnt(from.need, 1) && from.need_classes.size() <= kSeenMost &&
         std::ranges::all_of(from.need_classes, is_class) &&
         could_be(from.crashes, variants > 1 ? variants * kSizeClasses : 0, 1) &&
         std::ranges::all_of(from.crashes.mean, [](float share) { return share >= 0; });
}

void MemoryModel::restore(const FunctionMemory& from, bool same_variants) {
  need_.restore(from.need, true);
  for (const std::uint64_t each : from.need_classes)
    seen_.push_back({static_cast<std::uint8_t>(each), MessageTypeId(static_cast<std::uint32_t>(each >> 8))});
  measured_ = from.need_measured;
  if (!same_variants) return;
  std::vector<RecentMean> crashes(crashes_.size() * kSizeClasses);
  forewarm::restore(from.crashes, crashes);
  for (std::size_t i = 0; i < crashes.size(); ++i) crashes_[i / kSizeClasses][i % kSizeClasses] = crashes[i];
}

bool MemoryModel::outgrows(std::uint16_t variant, MessageClass message, std::uint32_t runs) const {
  if (variant >= crashes_.size()) return false;
  const RecentMean& crashes = crashes_[variant][message.size];
  const double weight = static_cast<double>(crashes.weight), share = static_cast<double>(crashes.mean);
  if (weight >= kCrashEvidence && share >= kCrashShare) return true;
  if (memory_[variant] == 0 || (runs >= kProof && share * weight < kLessThanOneCrash)) return false;
  const Need needed = need(message);
  return needed.evidence > 0 && needed.high_bytes > static_cast<double>(memory_[variant]);
}

}  // namespace forewarm
