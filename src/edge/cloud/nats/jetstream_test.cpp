#include "edge/cloud/nats/jetstream.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

TEST(JetStream, ReadsDeliveriesFromReplySubjectsWithAndWithoutADomain) {
  const auto plain = parse_delivery("$JS.ACK.ORDERS.worker.3.42.7.1700000000123456789.5");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->deliveries, 3U);
  EXPECT_EQ(plain->sequence, 42U);
  EXPECT_EQ(count_us(plain->stored), 1'700'000'000'123'456);
  const auto domain = parse_delivery("$JS.ACK.hub.Q3dF.ORDERS.worker.1.9.1.1700000000000000000.0.random");
  ASSERT_TRUE(domain);
  EXPECT_EQ(domain->deliveries, 1U);
  EXPECT_EQ(domain->sequence, 9U);
}

TEST(JetStream, RefusesOtherReplySubjects) {
  for (const char* subject : {"", "_INBOX.1", "$JS.ACK.ORDERS.worker.3.42",
                              "$JS.ACK.ORDERS.worker.x.42.7.1.5", "$JS.ACK.ORDERS.worker.3.-1.7.1.5"}) {
    EXPECT_FALSE(parse_delivery(subject)) << subject;
  }
}

TEST(JetStream, ReadsAConsumerWithItsBackoff) {
  const auto facts =
      parse_consumer(R"({"config":{"durable_name":"w","ack_policy":"explicit","ack_wait":30000000000,
    "max_deliver":-1,"filter_subject":"a.b","backoff":[1000000000,5000000000],"max_batch":100},
    "delivered":{"consumer_seq":9,"stream_seq":12},"num_ack_pending":2,"num_pending":7})");
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->pull);
  EXPECT_TRUE(facts->explicit_acks);
  EXPECT_FALSE(facts->deliveries_max);
  EXPECT_EQ(facts->batch_max, 100U);
  EXPECT_EQ(facts->pending, 7U);
  EXPECT_EQ(facts->unacknowledged, 2U);
  EXPECT_EQ(facts->delivered_sequence, 12U);
  EXPECT_EQ(facts->lease(1), 1s);
  EXPECT_EQ(facts->lease(2), 5s);
  EXPECT_EQ(facts->lease(9), 5s);
}

TEST(JetStream, ReadsErrors) {
  const auto failure =
      parse_error(R"({"error":{"code":404,"err_code":10059,"description":"stream not found"}})");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, kStreamNotFound);
  EXPECT_EQ(failure->description, "stream not found");
  EXPECT_FALSE(parse_error(R"({"stream":"S","seq":1})"));
  EXPECT_TRUE(parse_error("not json"));
}

TEST(JetStream, WritesRequests) {
  EXPECT_EQ(negative_acknowledgement(Duration(0)), "-NAK");
  EXPECT_EQ(negative_acknowledgement(1500ms), R"(-NAK {"delay":1500000000})");
  EXPECT_EQ(pull_json(5, 30s, 10s), R"({"batch":5,"expires":30000000000,"idle_heartbeat":10000000000})");
  EXPECT_EQ(next_message_json(4, ""), R"({"seq":4,"next_by_subj":">"})");
}

TEST(JetStream, ReadsWhenAMessageWasStored) {
  const auto stored =
      parse_stored(R"({"message":{"subject":"a","seq":1,"time":"2026-03-01T10:00:00.123456789Z"}})");
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(count_us(*stored) % 1'000'000, 123'456);
}

}  // namespace
}  // namespace forewarm
