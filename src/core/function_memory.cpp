// What has been learnt of how functions run, out of the core and back into it.

#include <utility>

#include "core/orchestrator_state.h"
#include "core/summaries.h"

namespace forewarm {
namespace {

/// So many new starts weigh as much as all that were before the server's: they are few, and a new version of
/// a program may start otherwise.
constexpr double kStartsRestored = 20;

std::vector<std::uint64_t> sizes_of(const FunctionSettings& settings) {
  std::vector<std::uint64_t> sizes;
  sizes.reserve(settings.variants.size());
  for (const FunctionVariant& variant : settings.variants) sizes.push_back(variant.memory_bytes);
  return sizes;
}

}  // namespace

std::optional<FunctionMemory> Orchestrator::function_memory(FunctionId id) const {
  const FunctionState* function = state_->find_function(id);
  if (function == nullptr) return std::nullopt;
  FunctionMemory memory{.learnt = function->learnt,
                        .variant_bytes = sizes_of(function->pool.settings()),
                        .starts = function->start_times.memory(),
                        .work_seconds = function->variant_mix.memory()};
  function->service_model.remember(memory);
  return memory;
}

void Orchestrator::State::on(const FunctionRestored& event) {
  FunctionState* function = find_function(event.function);
  if (function == nullptr || function->learnt > 0) return;
  const FunctionMemory& memory = event.memory;
  const bool same_variants = memory.variant_bytes == sizes_of(function->pool.settings());
  DurationSketch starts;
  VariantMix mix;
  const bool possible = starts.restore(memory.starts, kStartsRestored) &&
                        mix.restore(now_, memory.work_seconds) &&
                        function->service_model.restore(memory, same_variants);
  if (!possible) return;
  function->learnt = memory.learnt;
  function->start_times = std::move(starts);
  function->start_summary = summary_of(function->start_times, function->pool.settings().start_time_guess);
  if (same_variants) function->variant_mix = mix;
}

}  // namespace forewarm
