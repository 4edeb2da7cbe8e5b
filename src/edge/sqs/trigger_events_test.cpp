#include "edge/sqs/trigger_events.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace forewarm::sqs {
namespace {

ReceivedMessage order() {
  return {.message_id = "800ae4b3-bdd2-4c08-badd-f08e5a34b865",
          .receipt_handle = "AgAA",
          .body = R"({"a": "\"b\""})",
          .md5_of_body = {},
          .system_attributes = {{"ApproximateReceiveCount", "3"},
                                {"SentTimestamp", "1570643911250"},
                                {"MessageGroupId", "g"}},
          .attributes = {{"count", {"Number", "3"}}, {"raw", {"Binary", std::string("\0\1\xff", 3)}}},
          .md5_of_attributes = {}};
}

std::string header(const FrameworkEvent& event, std::string_view name) {
  const auto found = std::ranges::find(event.headers, name, &std::pair<std::string, std::string>::first);
  return found == event.headers.end() ? "none" : found->second;
}

TEST(AzureQueueEvent, LooksAsTheHostSendsIt) {
  const AzureTrigger trigger{.function = "QueueTrigger",
                             .binding = "myQueueItem",
                             .guid = "24ad4c06-24ad-4e5b-8294-3da9714877e9",
                             .now = time_point_us(1'570'643'912'220'000),
                             .retention = 24h * 7,
                             .visible = time_point_us(1'570'644'512'000'000)};
  EXPECT_EQ(azure_queue_event(order(), trigger),
            R"({"Data":{"myQueueItem":"\"{\\\"a\\\": \\\"\\\\\\\"b\\\\\\\"\\\"}\""},)"
            R"("Metadata":{"DequeueCount":"3","ExpirationTime":"2019-10-16T17:58:31+00:00",)"
            R"("Id":"\"800ae4b3-bdd2-4c08-badd-f08e5a34b865\"","InsertionTime":"2019-10-09T17:58:31+00:00",)"
            R"("NextVisibleTime":"2019-10-09T18:08:32+00:00","PopReceipt":"\"AgAA\"",)"
            R"("sys":{"MethodName":"QueueTrigger","UtcNow":"2019-10-09T17:58:32.220Z",)"
            R"("RandGuid":"24ad4c06-24ad-4e5b-8294-3da9714877e9"}}})");
}

TEST(PubsubEvent, IsACloudEventInBinaryMode) {
  const FrameworkEvent event = pubsub_event(order(), "orders");
  EXPECT_EQ(header(event, "ce-type"), "google.cloud.pubsub.topic.v1.messagePublished");
  EXPECT_EQ(header(event, "ce-source"), "//pubsub.googleapis.com/projects/forewarm/topics/orders");
  EXPECT_EQ(header(event, "ce-specversion"), "1.0");
  EXPECT_EQ(header(event, "ce-id"), "800ae4b3-bdd2-4c08-badd-f08e5a34b865");
  EXPECT_EQ(header(event, "ce-time"), "2019-10-09T17:58:31.250Z");
  EXPECT_EQ(
      event.body,
      R"({"message":{"data":"eyJhIjogIlwiYlwiIn0=","attributes":{"count":"3","raw":"AAH/"},)"
      R"("messageId":"800ae4b3-bdd2-4c08-badd-f08e5a34b865","message_id":"800ae4b3-bdd2-4c08-badd-f08e5a34b865",)"
      R"("publishTime":"2019-10-09T17:58:31.250Z","publish_time":"2019-10-09T17:58:31.250Z",)"
      R"("orderingKey":"g"},"subscription":"projects/forewarm/subscriptions/orders","deliveryAttempt":3})");
}

TEST(HttpTask, IsTheBodyAsItIsWithWhatCloudTasksSays) {
  FrameworkEvent event = http_task(order(), "orders");
  EXPECT_EQ(event.body, order().body);
  EXPECT_EQ(header(event, "Content-Type"), "application/json");
  EXPECT_EQ(header(event, "X-CloudTasks-QueueName"), "orders");
  EXPECT_EQ(header(event, "X-CloudTasks-TaskName"), order().message_id);
  EXPECT_EQ(header(event, "X-CloudTasks-TaskRetryCount"), "2");
  ReceivedMessage plain = order();
  plain.body = "hello {";
  plain.system_attributes.clear();
  event = http_task(plain, "orders");
  EXPECT_EQ(event.body, "hello {");
  EXPECT_EQ(header(event, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(header(event, "X-CloudTasks-TaskRetryCount"), "0");
}

}  // namespace
}  // namespace forewarm::sqs
