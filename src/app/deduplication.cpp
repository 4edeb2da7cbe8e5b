#include "app/deduplication.h"

#include <algorithm>
#include <charconv>

#include "edge/sqs/digest.h"

namespace forewarm {
namespace {

constexpr std::string_view kDeduplicationPrefix = "dedup/";
constexpr std::size_t kExpiredPerCall = 32;

}  // namespace

std::string Deduplication::key(QueueId queue, std::string_view group, std::string_view deduplication_id) {
  // Ids may be long and there may be many: a digest keeps memory small. The NUL keeps "a"+"bc" from being
  // "ab"+"c".
  std::string text = std::to_string(queue.value());
  text += '\0';
  text += group;
  text += '\0';
  text += deduplication_id;
  constexpr std::size_t kDigestCharacters = 32;
  return std::string(kDeduplicationPrefix) + sqs::sha256_hex(text).substr(0, kDigestCharacters);
}

std::optional<Deduplication::Original> Deduplication::find(const std::string& key, TimePoint now,
                                                           TimePoint purged) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.expires <= now) return std::nullopt;
  if (found->second.expires - kWindow < purged) return std::nullopt;
  return Original{.message = found->second.message, .durable = found->second.durable};
}

Result<PutRecord> Deduplication::add(const std::string& key, MessageId message, TimePoint now) {
  if (entries_.size() >= entries_max_) {
    return error(ErrorCode::Exhausted,
                 "too many deduplication ids are remembered; try again within five minutes");
  }
  entries_[key] = {.message = message, .expires = now + kWindow, .durable = false};
  expiries_.push_back({.when = now + kWindow, .key = key});
  return PutRecord{.key = key,
                   .value = std::to_string(message.value()) + " " + std::to_string(count_us(now + kWindow))};
}

void Deduplication::mark_durable(const std::string& key, MessageId message) {
  if (holds(key, message)) entries_.find(key)->second.durable = true;
}

bool Deduplication::holds(const std::string& key, MessageId message) const {
  const auto found = entries_.find(key);
  return found != entries_.end() && found->second.message == message;
}

void Deduplication::remove(const std::string& key, MessageId message) {
  if (holds(key, message)) entries_.erase(key);
}

Result<bool> Deduplication::recover(std::string_view key, std::string_view value) {
  if (key == kBarrierKey) return true;
  if (!key.starts_with(kDeduplicationPrefix)) return false;
  std::uint64_t message = 0;
  std::int64_t expires = 0;
  const char* end = value.data() + value.size();
  const auto first = std::from_chars(value.data(), value.data() + value.size(), message);
  const bool spaced = first.ec == std::errc() && first.ptr != end && *first.ptr == ' ';
  const auto second = spaced ? std::from_chars(first.ptr + 1, end, expires) : first;
  if (!spaced || second.ec != std::errc() || second.ptr != end) {
    return error(ErrorCode::Corrupt, "the record " + std::string(key) + " is damaged");
  }
  entries_[std::string(key)] = {
      .message = MessageId(message), .expires = time_point_us(expires), .durable = true};
  expiries_.push_back({.when = time_point_us(expires), .key = std::string(key)});
  sorted_ = false;
  return true;
}

std::vector<RemoveRecord> Deduplication::take_expired(TimePoint now) {
  if (!sorted_) std::ranges::sort(expiries_, {}, &Expiry::when);
  sorted_ = true;
  std::vector<RemoveRecord> records;
  while (records.size() < kExpiredPerCall && !expiries_.empty() && expiries_.front().when <= now) {
    const Expiry expiry = std::move(expiries_.front());
    expiries_.pop_front();
    const auto found = entries_.find(expiry.key);
    // The id may have been used again after its time and live on.
    if (found == entries_.end() || found->second.expires != expiry.when) continue;
    entries_.erase(found);
    records.push_back({.key = expiry.key});
  }
  return records;
}

}  // namespace forewarm
