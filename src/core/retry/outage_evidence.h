#pragma once

#include <cstdint>

#include "core/model/ids.h"
#include "core/retry/sender_shares.h"

namespace forewarm {

/// What speaks for "the function, or what it needs, is down" against "these messages are bad", as the
/// logarithm of a likelihood ratio. Both explain that what failed fails again, so retries say nothing; nor do
/// messages that fail between others that succeed. What tells them apart is new messages: in an outage the
/// next one fails whoever sent it, and senders come as often as they always do; bad ones come in batches too,
/// but of one sender. So however many of one sender's fail, that sender's share of the traffic decides what
/// they say: much where nobody else is known, against an outage where others are. And what this error has
/// turned out to be before.
class OutageEvidence {
 public:
  /// A message that had not failed before fails. `senders` says how much of the traffic is whose; null:
  /// whoever sends, nothing but the function explains that it fails.
  void failed_first(TenantId tenant, const SenderShares* senders);
  /// One succeeds: it is not down, or no longer.
  void succeeded_first();
  /// It passed after a while, or the function was found to be well without its messages.
  void recovered() { recovered_ += recovered_ < kRemembered ? 1 : 0; }
  void stayed() { stayed_ += stayed_ < kRemembered ? 1 : 0; }

  double nats() const;
  std::uint32_t failed_in_row() const { return failed_; }

  static constexpr double kDown = 3;  ///< twenty to one

 private:
  static constexpr std::uint32_t kRemembered = 20;
  std::uint64_t tenants_ = 0;  ///< whose messages failed: a set of 64 places by hash
  double sum_ = 0;
  std::uint32_t failed_ = 0;  ///< first attempts since the last that succeeded
  std::uint32_t recovered_ = 0;
  std::uint32_t stayed_ = 0;
};

}  // namespace forewarm
