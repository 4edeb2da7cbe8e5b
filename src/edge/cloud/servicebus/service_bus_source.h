#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "edge/cloud/message_source.h"
#include "edge/cloud/servicebus/bus_tokens.h"

namespace forewarm {

/// A queue of Azure Service Bus, by AMQP 1.0.
struct ServiceBusOptions {
  std::string name_space;  ///< NAME.servicebus.windows.net, as the tokens are for
  std::string queue;       ///< its path, or TOPIC/Subscriptions/NAME
  std::string host{};      ///< where to connect to; the namespace itself, unless there is something between
  std::uint16_t port = 5671;
  bool tls = true;
  std::string ca_file{};     ///< PEM of who is trusted; empty: the system's
  std::string management{};  ///< https://NAMESPACE: for the depth, the lock's duration and the limits
  std::shared_ptr<BusTokens> tokens{};
  /// Both sides say at least this often that they are there; after two without a word the connection is dead.
  std::chrono::seconds heartbeat{30};
  /// The queue has sessions; without it that is what the management API says, or the refusal of the link.
  bool has_sessions = false;
  std::uint32_t sessions = 32;  ///< served at a time; no more than the window
  Duration session_idle = 10s;  ///< without messages for so long it is left to others
  Duration session_turn = 30s;  ///< after which a session makes room for others, when all places are taken
  /// Whoever gets the messages handles those of a group one after another. Without it a session lends one
  /// message at a time.
  bool keeps_order = false;
};

/// Lends what link credit brings, locked ("peek-lock"); the credit follows the window at each message.
/// `settled` comes when the service has answered the disposition.
///
/// A lock is the queue's, not the connection's: what is lent stays lent when a connection ends, and what was
/// received by an earlier one is settled by the management link. A lock that runs out is reported as lost.
/// An orderly end gives back what is unsettled. A session's lock ends with its link, and what is lent of it
/// is then lost; what is done with one message of a session is done with all: they are prolonged together.
///
/// The id is the sequence number with the time at which the message was enqueued, so that a queue that is
/// deleted and made anew begins no id again.
std::unique_ptr<MessageSource> make_service_bus_source(ServiceBusOptions options);

}  // namespace forewarm
