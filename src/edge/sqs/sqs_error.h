#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace forewarm::sqs {

/// The errors of the service: those of its API model, then the common ones of every AWS query service.
enum class Fault : std::uint8_t {
  BatchEntryIdsNotDistinct,
  BatchRequestTooLong,
  EmptyBatchRequest,
  InvalidAddress,
  InvalidAttributeName,
  InvalidAttributeValue,
  InvalidBatchEntryId,
  InvalidMessageContents,
  MessageNotInflight,
  OverLimit,
  PurgeQueueInProgress,
  QueueDeletedRecently,
  QueueDoesNotExist,
  QueueNameExists,
  ReceiptHandleIsInvalid,
  RequestThrottled,
  ResourceNotFound,  ///< a queue or task that an ARN or handle names
  TooManyEntriesInBatchRequest,
  UnsupportedOperation,
  InvalidAction,
  InvalidParameterValue,
  MalformedQueryString,  ///< the parameters of the Query protocol are not readable
  MissingAction,
  MissingParameter,
  Serialization,       ///< the body is not JSON of the right shape
  ServiceUnavailable,  ///< the store does not take writes
  AccessDenied,
  IncompleteSignature,
  InvalidClientTokenId,
  MissingAuthenticationToken,
  RequestExpired,
  SignatureDoesNotMatch,
};

/// How the service names a fault in each protocol. Source: its API model (the traits awsQueryError and
/// httpError).
struct FaultNames {
  std::string_view type;  ///< "__type" of the JSON protocol, with its namespace
  std::string_view code;  ///< Code of the Query protocol, of x-amzn-query-error and of failed batch entries
  unsigned status = 400;  ///< HTTP
  bool sender = true;     ///< the caller's fault
};
const FaultNames& names(Fault fault);

/// What a request is refused with. The message is product text.
struct SqsError {
  Fault fault = Fault::InvalidParameterValue;
  std::string message;

  friend bool operator==(const SqsError&, const SqsError&) = default;
};

template <class T>
using SqsResult = std::expected<T, SqsError>;

inline std::unexpected<SqsError> refuse(Fault fault, std::string message) {
  return std::unexpected(SqsError{fault, std::move(message)});
}

/// The two refusals that most requests share, in the service's words.
SqsError missing_parameter(std::string_view name);
SqsError invalid_value(std::string_view value, std::string_view parameter, std::string_view reason);

/// As much of a value as a message quotes: enough for its owner to know it again.
std::string_view excerpt(std::string_view value);

/// A refusal may quote what the client sent, which need not be text: then all but printable ASCII becomes
/// '?'.
std::string printable(std::string_view message);

}  // namespace forewarm::sqs
