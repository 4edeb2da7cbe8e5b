#include "edge/sqs/sqs_error.h"

#include <array>

#include "edge/sqs/limits.h"

namespace forewarm::sqs {
namespace {

constexpr std::array kNames = {
    FaultNames{"com.amazonaws.sqs#BatchEntryIdsNotDistinct",
               "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"},
    FaultNames{"com.amazonaws.sqs#BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong"},
    FaultNames{"com.amazonaws.sqs#EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"},
    FaultNames{"com.amazonaws.sqs#InvalidAddress", "InvalidAddress", 404},
    FaultNames{"com.amazonaws.sqs#InvalidAttributeName", "InvalidAttributeName"},
    FaultNames{"com.amazonaws.sqs#InvalidAttributeValue", "InvalidAttributeValue"},
    FaultNames{"com.amazonaws.sqs#InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId"},
    FaultNames{"com.amazonaws.sqs#InvalidMessageContents", "InvalidMessageContents"},
    FaultNames{"com.amazonaws.sqs#MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"},
    FaultNames{"com.amazonaws.sqs#OverLimit", "OverLimit", 403},
    FaultNames{"com.amazonaws.sqs#PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403},
    FaultNames{"com.amazonaws.sqs#QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently"},
    FaultNames{"com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"},
    FaultNames{"com.amazonaws.sqs#QueueNameExists", "QueueAlreadyExists"},
    FaultNames{"com.amazonaws.sqs#ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404},
    FaultNames{"com.amazonaws.sqs#RequestThrottled", "RequestThrottled", 403},
    FaultNames{"com.amazonaws.sqs#ResourceNotFoundException", "ResourceNotFoundException", 404},
    FaultNames{"com.amazonaws.sqs#TooManyEntriesInBatchRequest",
               "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"},
    FaultNames{"com.amazonaws.sqs#UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"},
    FaultNames{"com.amazon.coral.service#UnknownOperationException", "InvalidAction"},
    FaultNames{"com.amazon.coral.service#InvalidParameterValueException", "InvalidParameterValue"},
    FaultNames{"com.amazon.coral.service#MalformedQueryStringException", "MalformedQueryString", 404},
    FaultNames{"com.amazon.coral.service#MissingAction", "MissingAction"},
    FaultNames{"com.amazon.coral.service#MissingRequiredParameterException", "MissingParameter"},
    FaultNames{"com.amazon.coral.service#SerializationException", "MalformedInput"},
    FaultNames{"com.amazon.coral.service#ServiceUnavailableException", "ServiceUnavailable", 503, false},
    FaultNames{"com.amazon.coral.service#AccessDeniedException", "AccessDenied", 403},
    FaultNames{"com.amazon.coral.service#IncompleteSignatureException", "IncompleteSignature"},
    FaultNames{"com.amazon.coral.service#UnrecognizedClientException", "InvalidClientTokenId", 403},
    FaultNames{"com.amazon.coral.service#MissingAuthenticationTokenException", "MissingAuthenticationToken",
               403},
    FaultNames{"com.amazon.coral.service#RequestExpiredException", "RequestExpired"},
    FaultNames{"com.amazon.coral.service#InvalidSignatureException", "SignatureDoesNotMatch", 403},
};
static_assert(kNames.size() == static_cast<std::size_t>(Fault::SignatureDoesNotMatch) + 1);

}  // namespace

const FaultNames& names(Fault fault) {
  return kNames[static_cast<std::size_t>(fault)];
}

SqsError missing_parameter(std::string_view name) {
  return {Fault::MissingParameter, "The request must contain the parameter " + std::string(name) + "."};
}

SqsError invalid_value(std::string_view value, std::string_view parameter, std::string_view reason) {
  std::string message = "Value ";
  message += excerpt(value);
  message += " for parameter ";
  message += parameter;
  message += " is invalid. Reason: ";
  message += reason;
  return {Fault::InvalidParameterValue, std::move(message)};
}

std::string_view excerpt(std::string_view value) {
  constexpr std::size_t kExcerptBytes = 256;
  if (value.size() <= kExcerptBytes) return value;
  std::size_t end = kExcerptBytes;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0U) == 0x80U)
    --end;  // not inside a character
  return value.substr(0, end);
}

std::string printable(std::string_view message) {
  std::string text(message);
  if (is_allowed_text(message)) return text;
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

}  // namespace forewarm::sqs
