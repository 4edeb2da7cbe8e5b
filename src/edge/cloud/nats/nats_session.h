#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/cloud/message_source.h"
#include "edge/cloud/nats/jetstream.h"
#include "edge/cloud/nats/nats_link.h"
#include "edge/cloud/nats/nats_pulls.h"
#include "edge/cloud/nats/nats_requests.h"

namespace forewarm {

/// What the server still lends although its connection is gone.
struct NatsLeftBehind {
  std::string reply_subject;
  std::chrono::steady_clock::time_point until{};
};

/// One connection's messages and requests. Used on the source's thread.
class NatsSession {
 public:
  using Clock = std::chrono::steady_clock;

  struct Facts {
    ConsumerFacts consumer;
    std::string subject;  ///< to publish to; empty: it has to be said with each message
  };
  NatsSession(std::unique_ptr<NatsLink> link, const NatsOptions& options, Facts facts,
              const MessageSource::Listener& listener, const NatsRequests::Post& post,
              std::uint64_t connection);

  void set_window(std::uint32_t unsettled_max) { window_ = unsettled_max; }
  void settle(const Settlement& settlement);
  void extend(const std::string& token);
  using Observed = std::function<void(Result<QueueDepth>)>;
  void observe(Observed done);
  void publish(const LentMessage& message, std::function<void(Result<void>)> done);
  /// Gives back what an earlier connection had, so that it comes again at once.
  void give_back(const std::vector<NatsLeftBehind>& left_behind);
  /// After commands and messages: leases, requests, window.
  void flush(Clock::time_point now);
  /// At the end of all, so that others need not wait until the leases are over.
  void hand_back_all();
  /// The connection is over. What it had, for the next.
  std::vector<NatsLeftBehind> end(const Error& why);

  std::optional<Error> failure{};  ///< for which the connection is to end

 private:
  struct Unsettled {
    std::string reply_subject;
    std::string id;
    Clock::time_point until{};
    Duration lease{};
  };
  struct Held {
    LentMessage message;
    Unsettled unsettled;
  };

  void take(const NatsMessage& message, const DeliveryFacts& delivery);
  void lend();
  void ask_after_silence();
  void end_leases(Clock::time_point now);
  void forget(std::map<std::string, Unsettled>::iterator lent);
  void answer(const std::string& reply_subject, const std::string& data, const std::string& token,
              SettleKind kind);
  void dead_letter(const Settlement& settlement, const Unsettled& unsettled);
  void observe_stream(QueueDepth depth, const ConsumerFacts& consumer, const Observed& done);
  void observe_oldest(QueueDepth depth, const ConsumerFacts& consumer, const Observed& done);
  void hand_back(const std::string& reply_subject);

  std::unique_ptr<NatsLink> link_;
  const NatsOptions& options_;
  const Facts facts_;
  const MessageSource::Listener& listener_;
  std::string prefix_;  ///< of the connection's tokens
  std::uint32_t window_ = 0;
  bool asking_ = false;                          ///< whether the consumer is still there
  std::size_t giving_back_ = 0;                  ///< without an answer yet
  std::deque<Held> held_{};                      ///< beyond the window, oldest first
  std::map<std::string, Unsettled> lent_{};      ///< by token
  std::map<std::string, std::string> tokens_{};  ///< of what is lent, by id
  std::vector<std::pair<std::string, TimePoint>> extended_{};
  NatsRequests requests_;
  NatsPulls pulls_;
};

}  // namespace forewarm
