#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "edge/sqs/response.h"

namespace forewarm::sqs {

/// What goes into an Azure queue trigger beside the message.
struct AzureTrigger {
  std::string_view function;  ///< sys.MethodName
  std::string_view binding;   ///< the trigger's name in function.json
  std::string_view guid;      ///< sys.RandGuid; a new one each time
  TimePoint now;
  Duration retention{0};  ///< of the message, from when it was sent
  TimePoint visible;      ///< it comes back if it is not deleted
};
/// The request body that the Azure Functions host gives a custom handler for one message of a queue, as JSON:
/// {"Data": {binding: body}, "Metadata": {...}}. As the host does it, a value that is neither an object nor a
/// time is JSON in a string ("\"text\"", "1"). Source: Microsoft Learn, "Azure Functions custom handlers",
/// request payload, and azure-functions-host, ScriptInvocationContextExtensions.
std::string azure_queue_event(const ReceivedMessage& message, const AzureTrigger& trigger);

/// A request to a function behind Google's Functions Framework.
struct FrameworkEvent {
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
/// One message as Pub/Sub's CloudEvent in binary mode (google.cloud.pubsub.topic.v1.messagePublished; the
/// body is a MessagePublishedData): the queue is the topic, attributes are attributes, a group is the
/// ordering key.
FrameworkEvent pubsub_event(const ReceivedMessage& message, std::string_view queue);
/// One message as a plain HTTP request: its body as it is, and what Cloud Tasks says of a task in headers
/// (X-CloudTasks-*).
FrameworkEvent http_task(const ReceivedMessage& message, std::string_view queue);

}  // namespace forewarm::sqs
