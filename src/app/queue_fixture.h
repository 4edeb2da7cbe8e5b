#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/memory_gate.h"
#include "app/queue_service.h"

namespace forewarm {

/// A queue service on a MemoryGate, with the questions that its tests ask. For tests.
class QueueFixture {
 public:
  using Answer = sqs::SqsResult<sqs::Response>;

  explicit QueueFixture(QueueServiceOptions options = {}) : service(std::move(options)) {
    started = service.attach(gate).has_value();
  }

  /// What the request was answered with; nothing if it was not answered (yet).
  std::optional<Answer> ask(const sqs::Request& request,
                            const RequestContext& from = {
                                .base_url = "http://host", .sender_id = "me", .on_closed = {}}) {
    auto answer = std::make_shared<std::optional<Answer>>();
    service.handle(request, from, [answer](Answer given) { *answer = std::move(given); });
    last = answer;
    return *answer;
  }
  /// The answer as this kind of response; a default one if it is not.
  template <class T>
  T ask_for(const sqs::Request& request) {
    const std::optional<Answer> answer = ask(request);
    const bool is_one = answer && *answer && std::holds_alternative<T>(**answer);
    wrong_answers += is_one ? 0 : 1;
    return is_one ? std::get<T>(**answer) : T{};
  }
  std::optional<sqs::Fault> fault(const sqs::Request& request) {
    const std::optional<Answer> answer = ask(request);
    if (!answer || *answer) return std::nullopt;
    return answer->error().fault;
  }

  std::string create(const std::string& name, sqs::StringMap attributes = {}) {
    if (name.ends_with(".fifo")) attributes["FifoQueue"] = "true";
    return ask_for<sqs::QueueUrl>(
               sqs::CreateQueue{.name = name, .attributes = std::move(attributes), .tags = {}})
        .url;
  }
  sqs::SendMessage message(const std::string& url, const std::string& body, const std::string& group = {},
                           const std::string& deduplication_id = {}) {
    sqs::SendMessage request;
    request.queue_url = url;
    request.entry.body = body;
    request.entry.group_id = group;
    request.entry.deduplication_id = deduplication_id;
    return request;
  }
  sqs::Sent send(const std::string& url, const std::string& body, const std::string& group = {},
                 const std::string& deduplication_id = {}) {
    return ask_for<sqs::Sent>(message(url, body, group, deduplication_id));
  }
  std::vector<sqs::ReceivedMessage> receive(const std::string& url, std::int64_t most = 10) {
    sqs::ReceiveMessage request;
    request.queue_url = url;
    request.messages_max = most;
    request.system_attribute_names = {"All"};
    request.attribute_names = {"All"};
    return ask_for<sqs::Received>(request).messages;
  }
  bool remove(const std::string& url, const std::string& receipt_handle) {
    const auto answer =
        ask(sqs::DeleteMessage{.queue_url = url, .entry = {.id = {}, .receipt_handle = receipt_handle}});
    return answer && answer->has_value();
  }
  std::string attribute(const std::string& url, const std::string& name) {
    const auto found =
        ask_for<sqs::QueueAttributes>(sqs::GetQueueAttributes{.queue_url = url, .names = {name}}).attributes;
    return found.contains(name) ? found.at(name) : std::string();
  }

  MemoryGate gate;
  QueueService service;
  bool started = false;
  int wrong_answers = 0;
  std::shared_ptr<std::optional<Answer>> last;  ///< of the last ask(), which may be answered later
};

}  // namespace forewarm
