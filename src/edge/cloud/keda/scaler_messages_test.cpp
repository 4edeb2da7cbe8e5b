#include "edge/cloud/keda/scaler_messages.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

using namespace std::string_literals;

/// As protoc 3.21 encodes: name: "worker" namespace: "shop" scalerMetadata {"queue": "orders"} {"a": ""}.
const std::string kWorkerReference =
    "\x0a\x06worker\x12\x04shop\x1a\x0f\x0a\x05queue\x12\x06orders\x1a\x05\x0a\x01\x61\x12\x00"s;

TEST(ScalerMessages, AReferenceIsReadWithItsMetadata) {
  const auto read = parse_scaled_object_ref(kWorkerReference);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, (ScaledObjectRef{"worker", "shop", {{"a", ""}, {"queue", "orders"}}}));
  const auto empty = parse_scaled_object_ref("");
  ASSERT_TRUE(empty);
  EXPECT_EQ(*empty, ScaledObjectRef());
}

TEST(ScalerMessages, FieldsThatNobodyKnowsArePassedOver) {
  const std::string more = "\x20\xff\x01\x29"s + "12345678" + "\x35"s + "1234" + "\x3a\x02hi";
  const auto read = parse_scaled_object_ref(more + kWorkerReference + more);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->metadata.at("queue"), "orders");
}

TEST(ScalerMessages, TheLastOfAFieldCountsAndAMessageInTwoPartsIsBoth) {
  const auto twice =
      parse_scaled_object_ref(kWorkerReference + "\x0a\x05other\x1a\x0b\x0a\x05queue\x12\x02xy"s);
  ASSERT_TRUE(twice);
  EXPECT_EQ(twice->name, "other");
  EXPECT_EQ(twice->metadata.at("queue"), "xy");
  const auto request = parse_metrics_request(
      "\x0a\x0c\x0a\x0aparted-obj\x12\x04s0-i\x0a\x11\x1a\x0f\x0a\x05queue\x12\x06orders"s);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(*request, (ScaledObjectRef{"parted-obj", "", {{"queue", "orders"}}}));
}

TEST(ScalerMessages, EveryCutOfAReferenceIsReadOrRefusedWithItsPlace) {
  for (std::size_t size = 0; size < kWorkerReference.size(); ++size) {
    const auto read = parse_scaled_object_ref(std::string_view(kWorkerReference).substr(0, size));
    EXPECT_TRUE(read || read.error().message.find("byte") != std::string::npos) << size;
  }
  for (const std::string& wrong :
       {"\x0a"s, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s, "\x02\x01"s, "\x0b"s, "\x0f"s,
        "\x1a\x02\x0a\x05"s, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s})
    EXPECT_FALSE(parse_scaled_object_ref(wrong)) << testing::PrintToString(wrong);
}

TEST(ScalerMessages, AnswersAreAsProtocEncodesThem) {
  EXPECT_EQ(active_response(true), "\x08\x01"s);
  EXPECT_EQ(active_response(false), "");
  EXPECT_EQ(metric_spec_response("instances", 1),
            "\x0a\x16\x0a\x09instances\x10\x01\x19\x00\x00\x00\x00\x00\x00\xf0\x3f"s);
  EXPECT_EQ(metrics_response("n", 300), "\x0a\x0f\x0a\x01n\x10\xac\x02\x19\x00\x00\x00\x00\x00\xc0\x72\x40"s);
  EXPECT_EQ(metrics_response("n", 0), "\x0a\x03\x0a\x01n"s);
}

}  // namespace
}  // namespace forewarm
