#include "app/keda_numbers.h"

#include <algorithm>
#include <utility>

namespace forewarm {

using State = KedaNumber::State;

KedaNumber keda_number(const ControlFile& file, const std::vector<std::unique_ptr<Controlled>>& queues,
                       std::string_view name, const std::string& idle, TimePoint now) {
  const auto found = std::ranges::find_if(
      queues, [name](const auto& each) { return each->keda() != nullptr && each->config.queue == name; });
  if (found == queues.end()) {
    std::string why = "there is no queue '" + std::string(name) + "' with the target keda", others;
    for (const auto& each : queues)
      if (each->keda() != nullptr) others += (others.empty() ? "" : ", ") + each->config.queue;
    return {.state = State::Unknown, .why = why + "; there are: " + (others.empty() ? "none" : others)};
  }
  if (!idle.empty()) return {.state = State::Elsewhere, .why = "no number is given here: " + idle};
  const Controlled& queue = **found;
  // KEDA's fallback holds: no number is better than one that nobody decided, or that nobody can stand for.
  if (now - queue.read_at > silent_after(file, queue.config) + lag_of(queue.config.metrics))
    return {.state = State::Waiting,
            .why = "there is no number: nothing was heard of the queue for longer than silent_after"};
  const std::optional<std::uint32_t> number = queue.keda()->number();
  if (!number) return {.state = State::Waiting, .why = "there is no number yet: nothing was decided"};
  return {.state = State::Known, .instances = *number};
}

}  // namespace forewarm
