#include "edge/store/payload_cache.h"

#include <utility>

namespace forewarm {

namespace {

constexpr std::size_t kEntryBytes = 128;  // map, order and control blocks

std::size_t cost(const std::string& payload) {
  return payload.size() + kEntryBytes;
}

}  // namespace

void PayloadCache::put(MessageId id, SharedPayload payload, SharedOutcome outcome) {
  forget_removed();
  erase(id);
  bytes_ += cost(*payload);
  entries_.insert(id, {std::move(payload), std::move(outcome)});
  order_.push_back(id);
  evict();
  forget_erased();
}

void PayloadCache::remove(MessageId id, SharedOutcome outcome) {
  forget_removed();
  if (entries_.contains(id)) removals_.push_back({id, std::move(outcome)});
}

void PayloadCache::forget_removed() {
  for (; !removals_.empty(); removals_.pop_front()) {
    const std::uint64_t commit = removals_.front().outcome->load(std::memory_order_acquire);
    if (commit == kPending) return;
    if (commit != kFailed) erase(removals_.front().id);
  }
}

void PayloadCache::erase(MessageId id) {
  Entry* entry = entries_.find(id);
  if (!entry) return;
  bytes_ -= cost(*entry->payload);
  entries_.erase(id);
}

SharedPayload PayloadCache::find(MessageId id) {
  forget_removed();
  Entry* entry = entries_.find(id);
  if (!entry) return nullptr;
  if (entry->outcome->load(std::memory_order_acquire) == kFailed) {
    erase(id);
    return nullptr;
  }
  return entry->payload;
}

void PayloadCache::evict() {
  while (bytes_ > bytes_max_ && !order_.empty()) {
    const MessageId oldest = order_.front();
    if (Entry* entry = entries_.find(oldest)) {
      // Outcomes arrive in the order of submission: nothing behind one that is not settled is.
      const std::uint64_t commit = entry->outcome->load(std::memory_order_acquire);
      if (commit == kPending || (commit != kFailed && commit > settled_)) return;
      erase(oldest);
    }
    order_.pop_front();
  }
}

void PayloadCache::forget_erased() {
  while (!order_.empty() && !entries_.contains(order_.front())) order_.pop_front();
  if (order_.size() <= 2 * entries_.size() + 1024) return;
  std::deque<MessageId> kept;
  for (const MessageId id : order_) {
    if (entries_.contains(id)) kept.push_back(id);
  }
  order_ = std::move(kept);
}

}  // namespace forewarm
