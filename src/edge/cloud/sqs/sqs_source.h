#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "edge/cloud/credentials/aws_credentials.h"
#include "edge/cloud/message_source.h"

namespace forewarm {

/// A queue of Amazon SQS, or of what speaks its JSON protocol.
struct SqsOptions {
  std::string endpoint;           ///< "https://sqs.eu-west-1.amazonaws.com": where requests go
  std::string path;               ///< "/ACCOUNT/NAME" of the queue's URL
  std::string region;             ///< for the signature
  std::string ca_file{};          ///< PEM of who is trusted; empty: the system's
  Duration visibility{0};         ///< how long a message is lent at a time; 0: as long as the queue says
  Duration wait = Duration(20s);  ///< how long a call waits for messages, at most SQS's 20 s
  std::shared_ptr<AwsCredentialSource> credentials{};
};

/// Lends what long polls bring. The token is the receipt handle, deliveries are ApproximateReceiveCount, the
/// group is MessageGroupId. A message that is released or extended stays within SQS's 12 hours from its
/// receipt. Dead letters are sent to the queue of the RedrivePolicy and then deleted; without a policy
/// DeadLetter is refused (Conflict). Attributes that are text or numbers are lent; binary ones are not, but a
/// dead letter has them.
std::unique_ptr<MessageSource> make_sqs_source(SqsOptions options);

}  // namespace forewarm
