#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/cloud/message_source.h"
#include "edge/cloud/servicebus/bus_receiver.h"
#include "edge/cloud/servicebus/bus_sender.h"
#include "edge/cloud/servicebus/proton_connection.h"
#include "edge/cloud/servicebus/request_link.h"
#include "edge/cloud/servicebus/service_bus_source.h"
#include "edge/cloud/servicebus/session_receivers.h"

namespace forewarm {

/// One connection with all its links: tokens go to $cbs, messages come on one link, locks are renewed and
/// what came on an earlier connection is settled at QUEUE/$management. Used on the source's thread.
class BusSession {
 public:
  using Clock = std::chrono::steady_clock;
  using Taken = BusReceiver::Taken;
  /// The service's times. Closed: a lock is not ours any more; Io: there was no answer; Exhausted: not now.
  using Renewed = std::function<void(const Result<std::vector<TimePoint>>&)>;

  /// With `sessions` messages come by sessions, and not on one link.
  BusSession(std::unique_ptr<ProtonConnection> connection, const ServiceBusOptions& options,
             BusReceiver::Heard heard, std::optional<SessionReceivers::Heard> sessions);
  /// Logs in and attaches to the queue: blocks for some seconds at most. Errors are product text.
  Result<void> open();

  /// The link was refused because the queue has sessions and was taken for one without, or the other way
  /// round.
  bool other_kind() const { return other_kind_; }
  bool has_sessions() const { return sessions_ != nullptr; }
  int socket() const { return connection_->socket(); }
  bool wants_to_write() { return connection_->wants_to_write(); }
  /// Reads, writes, and sees to what has no answer and to tokens that are to be replaced.
  Result<void> turn();
  void want(std::uint32_t messages, std::uint32_t window);
  void settle(const Settlement& settlement, const Taken& taken);
  void renew(const std::vector<std::string>& tokens, Renewed renewed);
  /// Keeps the sessions of these ours; those who hear of sessions are told.
  void extend_sessions(const std::vector<std::string>& tokens) { sessions_->extend(tokens); }
  void publish(const LentMessage& message, BusSender::Done done) {
    sender_.publish(message, std::move(done));
  }
  /// The connection is over.
  void end(const Error& why);
  /// Waits for the answers to what was settled, a second at most, and says goodbye.
  void close();

 private:
  Result<void> wait_for(const std::function<bool()>& reached, const std::string& what);
  void attach();
  Result<void> attach_sessions();
  Result<void> authorize();
  void put_token(const std::string& resource, const BusToken& token);
  void keep_authorized(Clock::time_point now);
  RequestLink& link_to(std::unique_ptr<RequestLink>& link, const std::string& node, const char* name);
  void settle_apart(const Settlement& settlement, const std::optional<std::string>& session,
                    const Taken& taken);
  void renew_session(const std::string& session, const std::string& link, Renewed renewed);
  void renew_answered(const Result<BusAnswer>& answer, std::size_t count, const Renewed& renewed) const;
  void settle_of_session(const Settlement& settlement, const Taken& taken);
  void take(pn_event_t* event);
  void link_closed(pn_link_t* link);
  void channel_closed(pn_session_t* channel);
  Error refusal(const std::string& condition) const;
  std::string resource() const { return "sb://" + options_.name_space + "/" + options_.queue; }
  void fail(Error why) {
    if (!failure_) failure_ = std::move(why);
  }

  std::unique_ptr<ProtonConnection> connection_;
  const ServiceBusOptions& options_;
  const BusReceiver::Heard heard_;
  const std::string place_;
  pn_session_t* session_;
  std::unique_ptr<BusReceiver> receiver_{};       ///< if there are no sessions
  std::unique_ptr<SessionReceivers> sessions_{};  ///< if there are
  BusSender sender_;
  std::unique_ptr<RequestLink> authorization_{};
  std::unique_ptr<RequestLink> management_{};
  std::uint64_t links_ = 0;  ///< that were made: the service closes those that are idle
  Clock::time_point attached_at_{};
  std::string authorized_{};  ///< the token that was accepted last
  int authorizing_ = 0;       ///< requests without an answer
  Clock::time_point look_at_token_{};
  bool other_kind_ = false;
  std::optional<Error> failure_{};  ///< for which the connection is to end
};

}  // namespace forewarm
