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

namespace forewarm {

/// Pull requests of one connection. Each has an inbox of its own: messages say which request they answer, and
/// a request is withdrawn by giving up the interest in its inbox, where the server then sends nothing more.
class NatsPulls {
 public:
  using Clock = std::chrono::steady_clock;
  using Take = std::function<void(const NatsMessage& message, const DeliveryFacts& delivery)>;
  using Fail = std::function<void(Error)>;

  NatsPulls(NatsLink& link, const NatsOptions& options, const ConsumerFacts& consumer,
            NatsRequests::Post post, Take take, Fail fail);
  /// Asks for as many as the window has room for beside what is here, or withdraws what it has not.
  void follow_window(std::uint32_t window, std::uint32_t here, Clock::time_point now);

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

  NatsLink& link_;
  const NatsOptions& options_;
  const ConsumerFacts& consumer_;
  NatsRequests::Post post_;
  Take take_;
  Fail fail_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Pull> pulls_{};
  std::map<std::uint64_t, Pull> withdrawn_{};  ///< what the server had sent by then still comes
};

}  // namespace forewarm
