#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "edge/cloud/nats/jetstream.h"
#include "edge/cloud/nats/nats_link.h"
#include "edge/cloud/nats/nats_requests.h"
#include "edge/net/reconnect_backoff.h"

namespace forewarm {

/// Pull requests of one connection. Each has an inbox of its own: messages say which request they answer, and
/// a request is withdrawn by giving up the interest in its inbox, where the server then sends nothing more.
class NatsPulls {
 public:
  using Clock = std::chrono::steady_clock;
  using Take = std::function<void(const NatsMessage& message, const DeliveryFacts& delivery)>;
  struct Heard {
    Take take;
    std::function<void(Error)> fail;                   ///< the connection is of no use
    std::function<void(const Result<void>&)> refused;  ///< requests, for now; or not any more
  };

  NatsPulls(NatsLink& link, const NatsOptions& options, const ConsumerFacts& consumer,
            NatsRequests::Post post, Heard heard);
  /// Asks for as many as the window has room for beside what is here, or withdraws what it has not.
  void follow_window(std::uint32_t window, std::uint32_t here, Clock::time_point now);
  /// Requests wait, and for too long the server has said nothing to any: it may have no consumer any more.
  bool silent(Clock::time_point now) const;
  void end_silence(Clock::time_point now) { heard_at_ = now; }

 private:
  struct Pull {
    std::unique_ptr<NatsSubscription> inbox{};
    std::uint32_t remaining = 0;
    Clock::time_point until{};
  };
  std::uint32_t requested() const;
  void request(std::uint32_t batch, Clock::time_point now);
  void answer(std::uint64_t number, const NatsMessage& message);
  void status(std::uint64_t number, const NatsMessage& message);
  void refuse(const Error& why);
  void accept();
  Duration expires() const;
  Duration heartbeat() const;

  NatsLink& link_;
  const NatsOptions& options_;
  const ConsumerFacts& consumer_;
  NatsRequests::Post post_;
  Heard heard_;
  ReconnectBackoff backoff_;
  bool refused_ = false;
  Clock::time_point not_before_{};
  Clock::time_point heard_at_{};
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Pull> pulls_{};
  std::map<std::uint64_t, Pull> withdrawn_{};  ///< what the server had sent by then still comes
};

}  // namespace forewarm
