#include "edge/sqs/trigger_events.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "edge/sqs/base64.h"
#include "edge/sqs/json_text.h"

namespace forewarm::sqs {
namespace {

constexpr std::string_view kProject = "forewarm";
constexpr std::string_view kPublished = "google.cloud.pubsub.topic.v1.messagePublished";

std::string_view system_attribute(const ReceivedMessage& message, std::string_view name) {
  const auto found = message.system_attributes.find(std::string(name));
  return found == message.system_attributes.end() ? std::string_view() : std::string_view(found->second);
}

std::int64_t system_number(const ReceivedMessage& message, std::string_view name) {
  const std::string_view text = system_attribute(message, name);
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

TimePoint sent_at(const ReceivedMessage& message) {
  return TimePoint(std::chrono::duration_cast<Duration>(
      std::chrono::milliseconds(system_number(message, "SentTimestamp"))));
}

/// RFC 3339 in UTC; `fraction` in milliseconds.
std::string time_text(TimePoint time, bool fraction, std::string_view zone) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(milliseconds / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  if (fraction)
    size += static_cast<std::size_t>(
        std::snprintf(text + size, sizeof text - size, ".%03d", static_cast<int>(milliseconds % 1000)));
  return std::string(text, size).append(zone);
}

std::string json_string(std::string_view value) {
  JsonText json;
  json.text(value);
  return json.take();
}

bool is_json(std::string_view text) {
  boost::json::stream_parser parser;
  boost::system::error_code failed;
  parser.write(text.data(), text.size(), failed);
  if (!failed) parser.finish(failed);
  return !failed;
}

}  // namespace

std::string azure_queue_event(const ReceivedMessage& message, const AzureTrigger& trigger) {
  const std::string_view count = system_attribute(message, "ApproximateReceiveCount");
  JsonText json;
  json.reserve(2 * message.body.size() + 1024);
  json.begin_object().key("Data").begin_object();
  json.member(trigger.binding, json_string(message.body)).end_object();
  json.key("Metadata").begin_object();
  json.member("DequeueCount", count.empty() ? "1" : count)
      .member("ExpirationTime", time_text(sent_at(message) + trigger.retention, false, "+00:00"))
      .member("Id", json_string(message.message_id))
      .member("InsertionTime", time_text(sent_at(message), false, "+00:00"))
      .member("NextVisibleTime", time_text(trigger.visible, false, "+00:00"))
      .member("PopReceipt", json_string(message.receipt_handle));
  json.key("sys").begin_object();
  json.member("MethodName", trigger.function)
      .member("UtcNow", time_text(trigger.now, true, "Z"))
      .member("RandGuid", trigger.guid)
      .end_object();
  json.end_object().end_object();
  return json.take();
}

FrameworkEvent pubsub_event(const ReceivedMessage& message, std::string_view queue) {
  const std::string project = "projects/" + std::string(kProject);
  const std::string published = time_text(sent_at(message), true, "Z");
  FrameworkEvent event;
  event.headers = {{"Content-Type", "application/json"},
                   {"ce-specversion", "1.0"},
                   {"ce-id", message.message_id},
                   {"ce-source", "//pubsub.googleapis.com/" + project + "/topics/" + std::string(queue)},
                   {"ce-type", std::string(kPublished)},
                   {"ce-time", published}};
  JsonText json;
  json.reserve(2 * message.body.size() + 1024);
  json.begin_object().key("message").begin_object();
  json.member("data", base64_encode(message.body)).key("attributes").begin_object();
  for (const auto& [name, attribute] : message.attributes)
    json.member(name, is_binary(attribute) ? base64_encode(attribute.value) : attribute.value);
  json.end_object()
      .member("messageId", message.message_id)
      .member("message_id", message.message_id)
      .member("publishTime", published)
      .member("publish_time", published)
      .optional_member("orderingKey", system_attribute(message, "MessageGroupId"))
      .end_object();
  json.member("subscription", project + "/subscriptions/" + std::string(queue)).key("deliveryAttempt");
  json.number(std::max<std::int64_t>(1, system_number(message, "ApproximateReceiveCount"))).end_object();
  event.body = json.take();
  return event;
}

FrameworkEvent http_task(const ReceivedMessage& message, std::string_view queue) {
  const std::int64_t before =
      std::max<std::int64_t>(1, system_number(message, "ApproximateReceiveCount")) - 1;
  FrameworkEvent event;
  event.body = message.body;
  event.headers = {{"Content-Type", is_json(message.body) ? "application/json" : "text/plain; charset=utf-8"},
                   {"X-CloudTasks-QueueName", std::string(queue)},
                   {"X-CloudTasks-TaskName", message.message_id},
                   {"X-CloudTasks-TaskRetryCount", std::to_string(before)},
                   {"X-CloudTasks-TaskExecutionCount", std::to_string(before)}};
  return event;
}

}  // namespace forewarm::sqs
