#include "edge/sqs/identity.h"

#include <gtest/gtest.h>

#include <regex>

namespace forewarm::sqs {
namespace {

const std::string kSecret = "0123456789abcdef0123456789ABCDEFfedcba9876543210";

TEST(Identity, MessageIdsAreUuidsThatDifferAndRepeat) {
  const Identity identity(kSecret);
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  EXPECT_TRUE(std::regex_match(identity.message_id(MessageId(1)), uuid));
  EXPECT_NE(identity.message_id(MessageId(1)), identity.message_id(MessageId(2)));
  EXPECT_EQ(identity.message_id(MessageId(7)), Identity(kSecret).message_id(MessageId(7)));
  std::string other = kSecret;
  other.back() = 'x';
  EXPECT_NE(identity.message_id(MessageId(7)), Identity(other).message_id(MessageId(7)));
}

TEST(Identity, AMessageIdOpensToItsMessage) {
  const Identity identity(kSecret);
  for (const std::uint64_t number : {1ULL, 2ULL, 77ULL, 0x0123456789abcdefULL}) {
    std::string id = identity.message_id(MessageId(number));
    EXPECT_EQ(identity.open_message_id(id), MessageId(number));
    id[0] = id[0] == '0' ? '1' : '0';
    EXPECT_EQ(identity.open_message_id(id), std::nullopt);
  }
  for (const char* bad : {"", "jobs", "00000000-0000-4000-8000-000000000000",
                          "000000000000000000000000000000000000", "zzzzzzzz-0000-4000-8000-000000000000"})
    EXPECT_EQ(identity.open_message_id(bad), std::nullopt) << bad;
  EXPECT_EQ(Identity(std::string(48, 'x')).open_message_id(identity.message_id(MessageId(1))), std::nullopt);
}

TEST(Identity, ReceiptHandlesOpenToWhatTheySay) {
  const Identity identity(kSecret);
  const Receipt receipt{
      .message = MessageId(0x0123456789abcdefULL), .queue = QueueId(77), .receive_count = 65535};
  const std::string handle = identity.receipt_handle(receipt);
  EXPECT_EQ(handle.size(), 44U);
  EXPECT_EQ(identity.open(handle), receipt);
}

TEST(Identity, EveryChangedCharacterOfAHandleIsNoticed) {
  const Identity identity(kSecret);
  const std::string handle =
      identity.receipt_handle({.message = MessageId(1), .queue = QueueId(2), .receive_count = 3});
  for (std::size_t i = 0; i < handle.size(); ++i) {
    std::string forged = handle;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(identity.open(forged), std::nullopt) << i;
  }
  EXPECT_EQ(identity.open(""), std::nullopt);
  EXPECT_EQ(identity.open(handle + handle), std::nullopt);
  EXPECT_EQ(identity.open(handle.substr(4)), std::nullopt);
}

TEST(Identity, AnotherStoresHandleIsRefused) {
  std::string other = kSecret;
  other[16] = 'x';
  const std::string handle =
      Identity(other).receipt_handle({.message = MessageId(1), .queue = QueueId(2), .receive_count = 3});
  EXPECT_EQ(Identity(kSecret).open(handle), std::nullopt);
}

TEST(Identity, SequenceNumbersHaveTwentyDigitsAndRise) {
  EXPECT_EQ(sequence_number(MessageId(1)), "10000000000000000001");
  EXPECT_LT(sequence_number(MessageId(99)), sequence_number(MessageId(100)));
}

}  // namespace
}  // namespace forewarm::sqs
