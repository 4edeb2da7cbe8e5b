#include "edge/sqs/message_metadata.h"

#include <gtest/gtest.h>

namespace forewarm::sqs {
namespace {

constexpr TimePoint kVisible = time_point_us(1'000'000'000);

SendMessageEntry with(const std::string& name, const std::string& value) {
  SendMessageEntry entry;
  entry.body = "x";
  entry.attributes[name] = {"String", value};
  return entry;
}

SqsResult<MessageMetadata> read(const SendMessageEntry& entry, bool fifo = false) {
  return read_metadata(entry, fifo, kVisible);
}

TEST(MessageMetadata, HasDefaults) {
  const auto metadata = read(with("other", "x"));
  ASSERT_TRUE(metadata.has_value());
  EXPECT_EQ(metadata->priority, kPriorityDefault);
  EXPECT_EQ(metadata->deadline, TimePoint{});
  EXPECT_FALSE(metadata->tenant);
}

TEST(MessageMetadata, PriorityIsANumberOrAWord) {
  EXPECT_EQ(read(with("forewarm.priority", "0"))->priority, 0);
  EXPECT_EQ(read(with("forewarm.priority", "9"))->priority, 9);
  EXPECT_GT(read(with("forewarm.priority", "high"))->priority, kPriorityDefault);
  EXPECT_EQ(read(with("forewarm.priority", "normal"))->priority, kPriorityDefault);
  EXPECT_LT(read(with("forewarm.priority", "low"))->priority, kPriorityDefault);
  for (const std::string wrong : {"10", "-1", "High", "4.5", " 4"}) {
    EXPECT_EQ(read(with("forewarm.priority", wrong)).error().fault, Fault::InvalidParameterValue) << wrong;
  }
}

TEST(MessageMetadata, TheDeadlineIsGivenOutrightOrByAnObjective) {
  EXPECT_EQ(read(with("forewarm.objective-ms", "50"))->deadline, kVisible + 50ms);
  SendMessageEntry both = with("forewarm.objective-ms", "50");
  both.attributes["forewarm.deadline"] = {"Number", "7000"};
  EXPECT_EQ(read(both)->deadline, time_point_us(7'000'000));
  EXPECT_FALSE(read(with("forewarm.objective-ms", "-1")).has_value());
  EXPECT_FALSE(read(with("forewarm.deadline", "99999999999999999")).has_value());
}

TEST(MessageMetadata, TheTenantIsTheGroupOnStandardQueuesOnly) {
  SendMessageEntry entry = with("other", "x");
  entry.group_id = "acme";
  EXPECT_EQ(read(entry)->tenant, TenantId(name_hash("acme")));
  EXPECT_FALSE(read(entry, true)->tenant);
  entry.attributes["forewarm.tenant"] = {"String", "umbrella"};
  EXPECT_EQ(read(entry)->tenant, TenantId(name_hash("umbrella")));
  EXPECT_EQ(read(entry, true)->tenant, TenantId(name_hash("umbrella")));
}

TEST(MessageMetadata, TheTypeIsAHashOfItsNameAndNoneWithoutOne) {
  EXPECT_FALSE(read(with("other", "x"))->type);
  EXPECT_TRUE(read(with("forewarm.type", "thumbnail"))->type);
  EXPECT_EQ(read(with("forewarm.type", "thumbnail"))->type, read(with("forewarm.type", "thumbnail"))->type);
  EXPECT_NE(read(with("forewarm.type", "thumbnail"))->type, read(with("forewarm.type", "film"))->type);
}

TEST(NameHash, IsTheSameOnEveryMachine) {
  EXPECT_NE(name_hash(""), 0U);
  EXPECT_EQ(name_hash("acme"), 1372038925648144367ULL);
}

}  // namespace
}  // namespace forewarm::sqs
