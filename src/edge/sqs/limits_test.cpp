#include "edge/sqs/limits.h"

#include <gtest/gtest.h>

namespace forewarm::sqs {
namespace {

SendMessageEntry message(std::string body = "hello") {
  SendMessageEntry entry;
  entry.body = std::move(body);
  return entry;
}

std::optional<Fault> fault(const SendMessageEntry& entry) {
  const auto found = find_fault(entry);
  return found ? std::optional(found->fault) : std::nullopt;
}

std::optional<Fault> fault_of_attribute(const std::string& name, const AttributeValue& value) {
  SendMessageEntry entry = message();
  entry.attributes[name] = value;
  return fault(entry);
}

TEST(Limits, QueueNamesHoldEightyPlainCharactersWithTheFifoEnding) {
  EXPECT_TRUE(is_queue_name("a-B_9"));
  EXPECT_TRUE(is_queue_name("orders.fifo"));
  EXPECT_TRUE(is_queue_name(std::string(80, 'q')));
  EXPECT_TRUE(is_queue_name(std::string(75, 'q') + ".fifo"));
  EXPECT_FALSE(is_queue_name(std::string(76, 'q') + ".fifo"));
  for (const std::string_view name : {"", ".fifo", "a.b", "a b", "a/b", "orders.fif0"})
    EXPECT_FALSE(is_queue_name(name)) << name;
}

TEST(Limits, BodiesHoldWhatXmlAllowsAndNothingElse) {
  for (const std::string_view text : {"\t\n\r ~", "\x7f", "\xc3\xbc", "\xed\x9f\xbf", "\xee\x80\x80",
                                      "\xef\xbf\xbd", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(fault(message(std::string(text))), std::nullopt) << text;
  }
  using namespace std::string_view_literals;
  for (const std::string_view text : {"\0"sv, "\x1b"sv, "\xed\xa0\x80"sv /* surrogate */, "\xef\xbf\xbe"sv,
                                      "\xef\xbf\xbf"sv, "\xc0\xaf"sv, "\xe0\x80\xaf"sv, "\xf0\x80\x80\xaf"sv,
                                      "\xf4\x90\x80\x80"sv, "\xc3"sv, "\xe2\x82"sv, "\x80"sv, "\xff"sv}) {
    EXPECT_EQ(fault(message("ok" + std::string(text))), Fault::InvalidMessageContents)
        << testing::PrintToString(text);
  }
  EXPECT_EQ(fault(message("")), Fault::MissingParameter);
}

TEST(Limits, AttributeNamesFollowTheRules) {
  for (const std::string name : {"a", "A.b-c_9", "awsome", "amazonian"}) {
    EXPECT_EQ(fault_of_attribute(name, {"String", "x"}), std::nullopt) << name;
  }
  for (const std::string& name :
       {std::string(), std::string(".a"), std::string("a."), std::string("a..b"), std::string("AWS.a"),
        std::string("amazon.A"), std::string("a b"), std::string(257, 'a')}) {
    EXPECT_EQ(fault_of_attribute(name, {"String", "x"}), Fault::InvalidParameterValue) << name;
  }
}

TEST(Limits, AttributeTypesAreThreeWithAnEndingOfTheSendersChoice) {
  for (const std::string type : {"String", "String.x", "Binary.png"}) {
    EXPECT_EQ(fault_of_attribute("a", {type, "x"}), std::nullopt) << type;
  }
  for (const std::string type : {"", "string", "Strings", "Integer", "Number2"}) {
    EXPECT_EQ(fault_of_attribute("a", {type, "1"}), Fault::InvalidParameterValue) << type;
  }
}

TEST(Limits, NumbersAreNumbersAndValuesAreNotEmpty) {
  for (const std::string number :
       {"0", "-1", "+1.5", ".5", "5.", "1e10", "1.5E-7", "12345678901234567890123456789012345678"}) {
    EXPECT_EQ(fault_of_attribute("a", {"Number.int", number}), std::nullopt) << number;
  }
  for (const std::string number :
       {"", "x", "1x", "0x10", "1e", "-", ".", "1 ", "123456789012345678901234567890123456789"}) {
    EXPECT_EQ(fault_of_attribute("a", {"Number", number}), Fault::InvalidParameterValue) << number;
  }
  EXPECT_EQ(fault_of_attribute("a", {"String", "\x01"}), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of_attribute("a", {"Binary", "\x01"}), std::nullopt);
}

TEST(Limits, TenAttributesAreAllowedAndElevenAreNot) {
  SendMessageEntry entry = message();
  for (int i = 0; i < 10; ++i) entry.attributes["a" + std::to_string(i)] = {"String", "x"};
  EXPECT_EQ(fault(entry), std::nullopt);
  entry.attributes["b"] = {"String", "x"};
  EXPECT_EQ(fault(entry), Fault::InvalidParameterValue);
}

TEST(Limits, TypesHaveLabelsOfNameCharacters) {
  const auto fault_of = [](const std::string& type) {
    SendMessageEntry entry = message();
    entry.attributes["a"] = {type, "1"};
    return fault(entry);
  };
  for (const char* type : {"String", "String.a-b_c.d", "Number.int", "Binary.png"})
    EXPECT_EQ(fault_of(type), std::nullopt) << type;
  for (const char* type : {"", "string", "Strings", "String.", "String.\x01", "Number.<b>", "Text"})
    EXPECT_EQ(fault_of(type), Fault::InvalidParameterValue) << type;
}

TEST(Limits, NumbersHaveARange) {
  const auto fault_of = [](const std::string& number) {
    SendMessageEntry entry = message();
    entry.attributes["a"] = {"Number", number};
    return fault(entry);
  };
  for (const char* number :
       {"0", "-0.0", "+1.5e3", "1e126", "0.1e-127", ".5", "5.", "12345678901234567890.5"})
    EXPECT_EQ(fault_of(number), std::nullopt) << number;
  for (const char* number : {"", "-", ".", "1e", "1e127", "10e126", "1e-129", "0x10", "1 ", "NaN", "1e1000"})
    EXPECT_EQ(fault_of(number), Fault::InvalidParameterValue) << number;
  EXPECT_EQ(fault_of(std::string(38, '9')), std::nullopt);
  EXPECT_EQ(fault_of(std::string(39, '9')), Fault::InvalidParameterValue);
}

TEST(Limits, OnlyTheTraceHeaderIsASystemAttribute) {
  SendMessageEntry entry = message();
  entry.system_attributes["AWSTraceHeader"] = {"String", "Root=1-5759e988-bd862e3fe1be46a994272793"};
  EXPECT_EQ(fault(entry), std::nullopt);
  entry.system_attributes["AWSTraceHeader"].data_type = "Number";
  EXPECT_EQ(fault(entry), Fault::InvalidParameterValue);
  entry.system_attributes = {{"SenderId", {"String", "me"}}};
  EXPECT_EQ(fault(entry), Fault::InvalidParameterValue);
}

TEST(Limits, DelaysAndIdsHaveBounds) {
  SendMessageEntry entry = message();
  entry.delay_seconds = 900;
  entry.group_id = std::string(128, '~');
  entry.deduplication_id = "!";
  EXPECT_EQ(fault(entry), std::nullopt);
  entry.delay_seconds = 901;
  EXPECT_EQ(fault(entry), Fault::InvalidParameterValue);
  entry.delay_seconds = -1;
  EXPECT_EQ(fault(entry), Fault::InvalidParameterValue);
  entry.delay_seconds.reset();
  entry.group_id += '~';
  EXPECT_EQ(fault(entry), Fault::InvalidParameterValue);
  entry.group_id = "has space";
  EXPECT_EQ(fault(entry), Fault::InvalidParameterValue);
}

TEST(Limits, SizeCountsBodyAndAttributesButNotSystemAttributes) {
  SendMessageEntry entry = message("12345");
  entry.attributes["ab"] = {"String", "xyz"};
  entry.system_attributes["AWSTraceHeader"] = {"String", "Root=1"};
  EXPECT_EQ(size_bytes(entry), 5U + 2U + 6U + 3U);
}

}  // namespace
}  // namespace forewarm::sqs
