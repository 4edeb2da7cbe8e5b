#include "edge/signal/push.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

constexpr TimePoint kArrived = time_point_us(1'772'373'730'000'000);
constexpr TimePoint kSaid = time_point_us(1'772'373'600'000'000);  // 2026-03-01T14:00:00Z

using Headers = std::vector<std::pair<std::string, std::string>>;

Result<Points> pushed(std::string_view type, std::string_view body, const Headers& headers = {}) {
  return read_push({.content_type = type, .headers = headers, .body = body}, {}, kArrived);
}

TEST(Push, PlainJsonIsTakenWhateverScriptsCallIt) {
  for (const char* type : {"", "application/json", "Application/JSON; charset=utf-8", "text/plain",
                           "application/x-www-form-urlencoded"}) {
    const Result<Points> points = pushed(type, "[1, {\"value\":2,\"time\":\"2026-03-01T14:00:00Z\"}]");
    ASSERT_TRUE(points) << type;
    EXPECT_EQ(points->taken, (std::vector<Observation>{{kArrived, 1}, {kSaid, 2}}));
  }
  const Result<Points> xml = pushed("application/xml", "<a/>");
  ASSERT_FALSE(xml);
  EXPECT_NE(xml.error().message.find("application/xml"), std::string::npos);
}

TEST(Push, AStructuredCloudEventGivesItsTimeAndId) {
  const Result<Points> points = pushed("application/cloudevents+json; charset=UTF-8",
                                       R"({"specversion":"1.0","id":"a1","source":"/shop","type":"price",
                 "time":"2026-03-01T14:00:00Z","data":{"value":9.5}})");
  ASSERT_TRUE(points);
  EXPECT_EQ(points->taken, (std::vector<Observation>{{kSaid, 9.5, "/shop\na1\n0"}}));
}

TEST(Push, AnItemsOwnTimeIsStrongerThanTheEvents) {
  const Result<Points> points =
      pushed("application/cloudevents+json",
             R"({"specversion":"1.0","id":"a1","source":"s","type":"t","time":"2026-03-01T12:00:00Z",
                 "data":[{"time":"2026-03-01T14:00:00Z","value":1},{"value":2}]})");
  ASSERT_TRUE(points);
  EXPECT_EQ(points->taken, (std::vector<Observation>{{kSaid, 1, "s\na1\n0"}, {kSaid - 2h, 2, "s\na1\n1"}}));
}

TEST(Push, DataMayBeBase64) {
  const auto with = [](std::string_view data) {
    return pushed("application/cloudevents+json",
                  R"({"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":")" +
                      std::string(data) + "\"}");
  };
  EXPECT_EQ(with("eyJ2YWx1ZSI6N30=")->taken[0].value, 7);  // {"value":7}
  EXPECT_EQ(with("eyJ2YWx1ZSI6N30")->taken[0].value, 7);
  EXPECT_EQ(with("MTI=")->taken[0].value, 12);
  for (const char* wrong : {"", "A", "????", "eyJ2"}) EXPECT_EQ(with(wrong)->malformed, 1U) << wrong;
}

TEST(Push, ABinaryCloudEventHasItsAttributesInHeaders) {
  const Headers headers{{"Ce-Specversion", "1.0"},
                        {"CE-ID", "7"},
                        {"ce-source", "s"},
                        {"ce-type", "t"},
                        {"ce-time", "2026-03-01T14:00:00Z"}};
  EXPECT_EQ(pushed("application/json", "{\"value\":3}", headers)->taken,
            (std::vector<Observation>{{kSaid, 3, "s\n7\n0"}}));
  EXPECT_EQ(pushed("", "3", headers)->taken, (std::vector<Observation>{{kSaid, 3, "s\n7\n0"}}));
  const Result<Points> xml = pushed("application/xml", "<a/>", headers);
  ASSERT_FALSE(xml);
  EXPECT_NE(xml.error().message.find("JSON data"), std::string::npos);
}

TEST(Push, AWrongEventOfABatchLeavesTheOthers) {
  const Result<Points> points = pushed("application/cloudevents-batch+json",
                                       R"([{"specversion":"1.0","id":"1","source":"s","type":"t","data":1},
          {"specversion":"1.0","source":"s","type":"t","data":2},
          {"specversion":"0.3","id":"3","source":"s","type":"t","data":3},
          {"specversion":"1.0","id":"4","source":"s","type":"t","time":"today","data":4},
          {"specversion":"1.0","id":"5","source":"s","type":"t","datacontenttype":"text/xml","data":"<a/>"},
          7,
          {"specversion":"1.0","id":"6","source":"s","type":"t","data":[6,"x","y"]}])");
  ASSERT_TRUE(points);
  EXPECT_EQ(points->taken, (std::vector<Observation>{{kArrived, 1, "s\n1\n0"}, {kArrived, 6, "s\n6\n0"}}));
  EXPECT_EQ(points->malformed, 7U);
  EXPECT_NE(points->problem.find("attribute id"), std::string::npos);
}

TEST(Push, WhatCannotBeReadIsAnError) {
  EXPECT_FALSE(pushed("application/json", ""));
  EXPECT_FALSE(pushed("application/cloudevents+json", "{"));
  EXPECT_FALSE(pushed("application/cloudevents-batch+json", "{}"));
  EXPECT_EQ(pushed("application/cloudevents+json", "[]")->malformed, 1U);
  EXPECT_TRUE(pushed("application/cloudevents-batch+json", "[]")->taken.empty());
}

}  // namespace
}  // namespace forewarm
