// What has been learnt of failures, out of the core and back into it.

#include "core/orchestrator_state.h"

namespace forewarm {

RetryMemory Orchestrator::State::retry_memory() const {
  RetryMemory memory;
  retry_book_.remember(memory);
  for (const auto& [id, function] : functions_) {
    OutageMemory& outages = memory.outages.emplace_back(function.breakers.memory());
    outages.function = id;
  }
  return memory;
}

void Orchestrator::State::on(const RetryRestored& event) {
  if (!retry_book_.restore(event.memory)) return;
  for (const OutageMemory& outages : event.memory.outages) {
    if (FunctionState* function = find_function(outages.function)) function->breakers.restore(outages);
  }
}

RetryMemory Orchestrator::retry_memory() const {
  return state_->retry_memory();
}

}  // namespace forewarm
