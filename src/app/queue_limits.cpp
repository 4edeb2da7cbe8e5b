#include "app/queue_limits.h"

#include <string>

namespace forewarm {
namespace {

constexpr std::size_t kForgottenMax = 1000;

sqs::SqsError over(const QueueEntry& queue, const char* attribute, std::uint64_t limit, std::uint64_t held) {
  return {sqs::Fault::OverLimit, "The queue " + queue.name + " holds " + std::to_string(held) + " of " +
                                     std::to_string(limit) + " allowed by its attribute " + attribute +
                                     ". Receive and delete messages, or raise it."};
}

}  // namespace

std::optional<sqs::SqsError> QueueLimits::find_fault(const QueueEntry& queue, const QueueView& view,
                                                     QueueLoad more) const {
  const QueueRules& rules = queue.rules;
  QueueLoad held{view.messages, view.bytes};
  if (const auto found = accepted_.find(queue.id); found != accepted_.end()) {
    held.messages += found->second.messages - view.arrived;
    held.bytes += found->second.bytes - view.arrived_bytes;
  }
  if (rules.messages_max > 0 && held.messages + more.messages > rules.messages_max)
    return over(queue, "ForewarmMaximumMessages", rules.messages_max, held.messages);
  if (rules.bytes_max > 0 && held.bytes + more.bytes > rules.bytes_max)
    return over(queue, "ForewarmMaximumBytes", rules.bytes_max, held.bytes);
  return std::nullopt;
}

void QueueLimits::accept(QueueId queue, QueueLoad sent) {
  QueueLoad& load = accepted_[queue];
  load.messages += sent.messages;
  load.bytes += sent.bytes;
}

void QueueLimits::take_back(QueueId queue, QueueLoad failed) {
  QueueLoad& load = accepted_[queue];
  load.messages -= failed.messages;
  load.bytes -= failed.bytes;
}

void QueueLimits::tidy(const QueueDirectory& directory) {
  if (accepted_.size() < directory.size() + kForgottenMax) return;
  std::erase_if(accepted_, [&](const auto& each) { return directory.find(each.first) == nullptr; });
}

}  // namespace forewarm
