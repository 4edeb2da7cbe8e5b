#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "edge/cloud/message_source.h"

namespace forewarm {

/// A pull consumer of a stream of NATS JetStream.
struct NatsOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 4222;
  std::string stream;
  std::string consumer;  ///< durable
  std::string user{};
  std::string password{};
  std::string token{};
  /// The password, or without a user the token, anew at each login; none: they stay the same.
  std::function<Result<std::string>()> read_secret{};
  std::string credentials_file{};  ///< JWT and seed, as `nsc` writes them
  bool tls = false;
  std::string ca_file{};  ///< PEM of who is trusted; empty: the system's
  /// The server is asked this often whether it is there; two questions without an answer end the connection.
  std::chrono::seconds heartbeat{10};
  /// Where publish() sends to, unless a message has the attribute Nats-Subject; empty: the consumer's filter
  /// or the stream's subject, if that is one.
  std::string subject{};
  /// Where dead letters are published to before they are ended; some stream has to take it. Empty: DeadLetter
  /// is refused, since of a work queue nothing of the message would be left.
  std::string dead_letter_subject{};
  bool create = true;                            ///< a consumer that is not there
  Duration ack_wait = std::chrono::seconds(30);  ///< of one that is created
  std::string filter_subject{};                  ///< of one that is created
};

/// Lends what pull requests bring; their sum with what is unsettled stays within the window, and requests
/// that a smaller window makes too many are withdrawn. Each settlement is a request: `settled` comes when the
/// server has answered it.
///
/// The id is the sequence in the stream, so it is the same at every delivery, for as long as the stream is
/// not deleted and made anew. The token is lost with the connection, although the server would let a delivery
/// live on until its ack_wait is over: what was lent then is handed back at the next connection, to come
/// again at once instead of after that time.
std::unique_ptr<MessageSource> make_nats_source(NatsOptions options);

}  // namespace forewarm
