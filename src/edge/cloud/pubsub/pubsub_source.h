#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "edge/cloud/credentials/google_credentials.h"
#include "edge/cloud/message_source.h"

namespace forewarm {

/// A subscription of Google Cloud Pub/Sub.
struct PubSubOptions {
  std::string project;
  std::string subscription;
  std::string endpoint = "https://pubsub.googleapis.com";
  Duration wait = std::chrono::seconds(90);  ///< an answer to a pull that comes later is given up
  std::string topic{};                       ///< to publish to; empty: the subscription's own
  std::string dead_letter_topic{};           ///< empty: DeadLetter is refused
  /// Cloud Monitoring, which alone knows how much a subscription holds; empty: it is not asked.
  std::string monitoring = "https://monitoring.googleapis.com";
  std::string ca_file{};  ///< PEM of who is trusted; empty: the system's
  /// None: an emulator, which wants no token.
  std::shared_ptr<GoogleTokenSource> credentials{};
};

/// Lends what pull requests bring. The token is the ackId, deliveries are deliveryAttempt (which Pub/Sub only
/// counts with a dead-letter policy), the group is the ordering key. A message is given back by an
/// acknowledgement deadline of 0, or of the delay up to 10 minutes. Dead letters are published to
/// `dead_letter_topic` and then acknowledged. Depth is a minute old or more, and counts what is lent as
/// waiting.
std::unique_ptr<MessageSource> make_pubsub_source(PubSubOptions options);

}  // namespace forewarm
