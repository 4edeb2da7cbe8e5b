#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "edge/sqs/limits.h"
#include "edge/sqs/parse.h"
#include "edge/sqs/response.h"

using namespace forewarm;

/// The first byte chooses the action, the rest is the body. What is read must be answerable, whatever it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr std::array<std::string_view, 16> kActions = {"SendMessage",
                                                                "SendMessageBatch",
                                                                "ReceiveMessage",
                                                                "ChangeMessageVisibilityBatch",
                                                                "CreateQueue",
                                                                "DeleteMessageBatch",
                                                                "TagQueue",
                                                                "ListQueues",
                                                                "SetQueueAttributes",
                                                                "UntagQueue",
                                                                "StartMessageMoveTask",
                                                                "ListMessageMoveTasks",
                                                                "AddPermission",
                                                                "GetQueueUrl",
                                                                "GetQueueAttributes",
                                                                "ListDeadLetterSourceQueues"};
  if (size == 0) return 0;
  const std::string_view action = kActions[data[0] % kActions.size()];
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::pair<std::string, std::string> headers[] = {
      {"X-Amz-Target", "AmazonSQS." + std::string(action)}};
  const sqs::Parsed parsed =
      sqs::parse({.method = "POST", .path = "/", .query = {}, .headers = headers, .body = body});
  const sqs::Rendering rendering{.protocol = parsed.protocol, .action = action, .request_id = "r"};
  if (!parsed.request) {
    check(sqs::render(parsed.request.error(), rendering).status >= 400, "a refusal is no success");
    return 0;
  }
  check(sqs::action_name(*parsed.request) == action, "the request is of the action that was named");
  if (const auto* send = std::get_if<sqs::SendMessage>(&*parsed.request)) {
    if (!sqs::find_fault(send->entry)) {
      check(sqs::is_allowed_text(send->entry.body), "a body that is taken is text");
      for (const auto& [name, attribute] : send->entry.attributes)
        check(sqs::is_allowed_text(name + attribute.data_type), "so are the names and types that are taken");
    }
  }
  if (const auto* batch = std::get_if<sqs::SendMessageBatch>(&*parsed.request)) {
    check(!batch->entries.empty() && batch->entries.size() <= sqs::kBatchEntriesMax,
          "a batch has 1 to 10 entries");
  }
  return 0;
}
