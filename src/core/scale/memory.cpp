#include "core/scale/memory.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "core/scale/choice.h"
#include "core/scale/policy.h"

namespace forewarm {
namespace {

constexpr double kMost = 1e12;

bool counts(double value) {
  return value >= 0 && value <= kMost;  // no NaN
}

bool counts(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return counts(double{value}); });
}

}  // namespace

bool is_sound(const ScalerMemory& memory, const ScalingSettings& settings) {
  const std::size_t levels = memory.idle_seconds.size();
  const bool sizes = levels <= shadow_levels_max(settings) && memory.since_start_seconds.size() == levels &&
                     memory.started.size() == levels && memory.gaps.size() <= kLevelGroupsMax &&
                     memory.instance_seconds.size() == kCandidates && memory.cold.size() == kCandidates &&
                     memory.service_seconds.size() <= kServicesKept;
  if (!sizes || memory.settings != settings) return false;
  if (memory.chosen && *memory.chosen >= kCandidates) return false;
  if (memory.chosen_starts < 1 || memory.chosen_starts > kStartsPerColdMax) return false;
  for (const GapMemory& gaps : memory.gaps) {
    const bool whole = gaps.idle.size() == GapCounts::kBins && gaps.after_start.size() == GapCounts::kBins;
    if (!whole || !counts(gaps.idle) || !counts(gaps.after_start)) return false;
  }
  return memory.lead >= Duration(0) && counts(seconds(memory.lead)) && counts(memory.start_seconds) &&
         counts(memory.messages) && counts(memory.watched_seconds) && counts(memory.service_seconds) &&
         counts(memory.idle_seconds) && counts(memory.since_start_seconds) &&
         counts(memory.instance_seconds) && counts(memory.cold) && counts(memory.chosen_cold) &&
         counts(memory.chosen_expected) && counts(memory.chosen_late);
}

void CandidateChoice::remember(ScalerMemory& memory) const {
  if (chosen_) {
    memory.chosen = static_cast<std::uint16_t>(number_of(chosen_->candidate));
    memory.chosen_starts = chosen_->starts_per_cold;
  }
  memory.chosen_cold = cold_;
  memory.chosen_expected = expected_;
  memory.chosen_late = late_;
}

void CandidateChoice::restore(TimePoint now, const ScalerMemory& memory) {
  chosen_.reset();
  if (memory.chosen) {
    chosen_ = {.candidate = candidate_at(*memory.chosen), .starts_per_cold = memory.chosen_starts};
  }
  cold_ = memory.chosen_cold;
  expected_ = memory.chosen_expected;
  late_ = memory.chosen_late;
  advanced_ = now;
}

std::optional<ScalerMemory> PredictiveScaler::memory(TimePoint now) const {
  if (shadow_.messages() <= 0) return std::nullopt;
  ScalerMemory memory{.settings = settings_};
  shadow_.remember(now, memory);
  choice_.remember(memory);
  return memory;
}

bool PredictiveScaler::restore(TimePoint now, const ScalerMemory& memory) {
  if (shadow_.messages() > 0 || !is_sound(memory, settings_)) return false;
  shadow_.restore(now, memory);
  choice_.restore(now, memory);
  if (choice_.chosen()) deciding_ = *choice_.chosen();
  return true;
}

}  // namespace forewarm
