#include <gtest/gtest.h>
#include <proton/codec.h>

#include <algorithm>
#include <cstdlib>

#include "edge/cloud/servicebus/bus_data.h"
#include "edge/cloud/servicebus/bus_message.h"
#include "edge/cloud/servicebus/bus_receiver.h"
#include "edge/cloud/servicebus/queue_description.h"
#include "edge/cloud/servicebus/request_link.h"
#include "edge/cloud/servicebus/session_attach.h"
#include "edge/cloud/servicebus/shared_access.h"

namespace forewarm {
namespace {

ProtonMessage sent_and_read(pn_message_t* message) {
  pn_rwbytes_t buffer{0, nullptr};
  const auto size = pn_message_encode2(message, &buffer);
  auto read = make_proton_message();
  EXPECT_GT(size, 0);
  EXPECT_EQ(pn_message_decode(read.get(), buffer.start, static_cast<std::size_t>(size)), 0);
  std::free(buffer.start);
  return read;
}

TEST(BusConnectionString, IsReadInAnyOrderWithKeysThatEndInEquals) {
  const auto parsed = parse_bus_connection_string(
      "SharedAccessKey=c2VjcmV0==;Endpoint=sb://ns.servicebus.windows.net/;EntityPath=a/"
      "b;SharedAccessKeyName=p");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, (BusConnectionString{"ns.servicebus.windows.net", "p", "c2VjcmV0==", "", "a/b"}));
  EXPECT_EQ(parse_bus_connection_string("Endpoint=sb://h:1/;SharedAccessSignature=SharedAccessSignature sr=x")
                ->signature,
            "SharedAccessSignature sr=x");
  EXPECT_TRUE(is_bus_connection_string("EntityPath=q;Endpoint=sb://h/"));
  EXPECT_FALSE(is_bus_connection_string("c2VjcmV0=="));
}

TEST(BusConnectionString, IsRefusedWithoutItsSecrets) {
  for (const char* text :
       {"", "SharedAccessKeyName=p;SharedAccessKey=secret", "Endpoint=ns;SharedAccessKey=secret",
        "Endpoint=sb://ns/;SharedAccessKey=secret"}) {
    const auto parsed = parse_bus_connection_string(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find("copy it from the portal"), std::string::npos);
    EXPECT_EQ(parsed.error().message.find("secret"), std::string::npos);
  }
}

// Computed by Python's hmac from Azure's description.
TEST(SharedAccess, SignsTheEncodedResourceAndTheEnd) {
  EXPECT_EQ(shared_access_signature("sb://ns.servicebus.windows.net/orders", "policy",
                                    "c2VjcmV0LWtleQ==", std::chrono::seconds(1'700'000'000)),
            "SharedAccessSignature sr=sb%3A%2F%2Fns.servicebus.windows.net%2Forders&sig="
            "iUiIBzd%2F4fzAf130PunZU1%2BVSt1OySS21eGthESlh5w%3D&se=1700000000&skn=policy");
}

TEST(SharedAccess, IsTheSameForAWhileAndAnotherForEachResource) {
  const auto tokens = make_key_tokens("policy", "key");
  const auto token = tokens->of("sb://ns/q");
  EXPECT_EQ(token, tokens->of("sb://ns/q"));
  EXPECT_NE(token->text, tokens->of("sb://ns/r")->text);
  EXPECT_EQ(token->type, kBusSignature);
}

TEST(SharedAccess, OfAFileIsReadAgainWhenItIsRefused) {
  Result<std::shared_ptr<BusTokens>> file = error(ErrorCode::Io, "it is being written");
  const auto tokens = make_read_tokens(make_signature_tokens("old"), [&] { return file; });
  tokens->renew();
  EXPECT_EQ(tokens->of("sb://ns/q")->text, "old");
  file = make_signature_tokens("new");
  EXPECT_EQ(tokens->of("sb://ns/q")->text, "old");
  tokens->renew();
  EXPECT_EQ(tokens->of("sb://ns/q")->text, "new");
}

TEST(QueueDescription, IsReadFromAnAtomEntryWhateverItsPrefixes) {
  const auto read = parse_queue_description(
      R"(<?xml version="1.0"?><entry xmlns="http://www.w3.org/2005/Atom"><title>q</title><content type="application/xml">
      <QueueDescription xmlns="x"><LockDuration>PT1M30.5S</LockDuration><RequiresSession>true</RequiresSession>
      <MaxDeliveryCount>10</MaxDeliveryCount><MessageCount>9</MessageCount><CountDetails xmlns:d="y">
      <d:ActiveMessageCount>7</d:ActiveMessageCount><d:DeadLetterMessageCount>2</d:DeadLetterMessageCount>
      </CountDetails></QueueDescription></content></entry>)");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (BusQueueDescription{90'500ms, 10, true, 7}));
}

TEST(QueueDescription, AGapIsNotAZero) {
  const auto read = parse_queue_description(
      "<entry><content><QueueDescription><LockDuration>soon</"
      "LockDuration><CountDetails><ActiveMessageCount>-1"
      "</ActiveMessageCount></CountDetails></QueueDescription></content></entry>");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, BusQueueDescription());
}

TEST(QueueDescription, OtherDocumentsAreRefused) {
  EXPECT_EQ(parse_queue_description("<feed><title>Publicly Listed Services</title></feed>").error().code,
            ErrorCode::NotFound);
  for (const char* xml : {"", "{}", "<entry>", "<entry><content/></entry>",
                          "<!DOCTYPE e [<!ENTITY a \"b\">]><entry><QueueDescription/></entry>"}) {
    EXPECT_EQ(parse_queue_description(xml).error().code, ErrorCode::Corrupt) << xml;
  }
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  EXPECT_FALSE(parse_queue_description(deep));
}

TEST(QueueDescription, DurationsAreThoseOfIso8601) {
  EXPECT_EQ(parse_iso_duration("PT30S"), 30s);
  EXPECT_EQ(parse_iso_duration("PT5M"), 5min);
  EXPECT_EQ(parse_iso_duration("P1DT2H3M4.5S"), 26h + 3min + 4500ms);
  for (const char* text : {"", "P", "PT", "30S", "PT30", "PT-30S", "P1M", "PTxS", "PTnanS", "PTinfS"}) {
    EXPECT_EQ(parse_iso_duration(text), std::nullopt) << text;
  }
}

TEST(BusMessage, ALockTokenIsTheTagInTheOrderOfAUuidsText) {
  std::string tag;
  for (char i = 0; i < 16; ++i) tag += i;
  const std::string token = lock_token_of_tag(tag);
  EXPECT_EQ(token, "030201000504070608090a0b0c0d0e0f");
  const auto uuid = uuid_of_lock_token(token);
  ASSERT_TRUE(uuid);
  EXPECT_EQ(std::string(uuid->bytes, 4), std::string("\3\2\1\0", 4));
  EXPECT_EQ(lock_token_of_tag("short"), "");
  EXPECT_FALSE(uuid_of_lock_token(token + "0"));
  EXPECT_FALSE(uuid_of_lock_token(std::string(32, 'x')));
}

TEST(BusMessage, NoBytesAreNoMessage) {
  EXPECT_FALSE(decode_bus_message(""));
}

TEST(BusMessage, IsReadAsItWasPublished) {
  LentMessage sent;
  sent.id = "m-1";
  sent.body = std::string("\0\xff body", 7);
  sent.attributes = {{"content-type", "text/plain"}, {"correlation-id", "c"}, {"tenant", "acme"}};
  const auto message = make_proton_message();
  fill_bus_message(sent, message.get());
  const auto read = lent_of_bus_message(sent_and_read(message.get()).get());
  EXPECT_EQ(read.body, sent.body);
  EXPECT_EQ(read.deliveries, 1U);
  EXPECT_EQ(read.id, "m-1");
  std::vector<std::pair<std::string, std::string>> attributes = read.attributes;
  std::ranges::sort(attributes);
  EXPECT_EQ(attributes, (std::vector<std::pair<std::string, std::string>>{{"content-type", "text/plain"},
                                                                          {"correlation-id", "c"},
                                                                          {"message-id", "m-1"},
                                                                          {"tenant", "acme"}}));
}

TEST(BusMessage, ItsPlaceInTheQueueIsItsId) {
  const auto message = make_proton_message();
  pn_message_set_delivery_count(message.get(), 4);
  pn_data_t* annotations = pn_message_annotations(message.get());
  pn_data_put_map(annotations);
  pn_data_enter(annotations);
  put_symbol(annotations, "x-opt-sequence-number");
  pn_data_put_long(annotations, 42);
  put_symbol(annotations, "x-opt-enqueued-time");
  pn_data_put_timestamp(annotations, 1'700'000'000'123);
  put_symbol(annotations, "x-opt-locked-until");
  pn_data_put_timestamp(annotations, 1'700'000'060'000);
  pn_data_exit(annotations);
  put_text(pn_message_body(message.get()), "as a value");
  const auto read = lent_of_bus_message(sent_and_read(message.get()).get());
  EXPECT_EQ(read.id, "42-1700000000123");
  EXPECT_EQ(read.body, "as a value");
  EXPECT_EQ(read.deliveries, 5U);
  EXPECT_EQ(read.sent, time_point_us(1'700'000'000'123'000));
  EXPECT_EQ(read.lent_until, time_point_us(1'700'000'060'000'000));
}

TEST(BusAnswer, HasAStatusInEitherSpellingAndExpirations) {
  for (const char* name : {"statusCode", "status-code"}) {
    const auto message = make_proton_message();
    pn_data_t* properties = pn_message_properties(message.get());
    pn_data_put_map(properties);
    pn_data_enter(properties);
    put_text(properties, name);
    pn_data_put_int(properties, 200);
    pn_data_exit(properties);
    pn_data_t* body = pn_message_body(message.get());
    pn_data_put_map(body);
    pn_data_enter(body);
    put_text(body, "expirations");
    pn_data_put_array(body, false, PN_TIMESTAMP);
    pn_data_enter(body);
    pn_data_put_timestamp(body, 5);
    pn_data_exit(body);
    pn_data_exit(body);
    const auto answer = parse_bus_answer(sent_and_read(message.get()).get());
    ASSERT_TRUE(answer) << name;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->expirations, std::vector<TimePoint>{time_point_us(5000)});
  }
  EXPECT_FALSE(parse_bus_answer(make_proton_message().get()));
}

TEST(BusAnswer, HasTheOneEndOfASessionsLock) {
  const auto message = make_proton_message();
  pn_data_t* properties = pn_message_properties(message.get());
  pn_data_put_map(properties);
  pn_data_enter(properties);
  put_text(properties, "statusCode");
  pn_data_put_int(properties, 200);
  pn_data_exit(properties);
  pn_data_t* body = pn_message_body(message.get());
  pn_data_put_map(body);
  pn_data_enter(body);
  put_text(body, "expiration");
  pn_data_put_timestamp(body, 1'700'000'000'000);
  pn_data_exit(body);
  EXPECT_EQ(parse_bus_answer(sent_and_read(message.get()).get())->expirations,
            std::vector<TimePoint>{time_point_us(1'700'000'000'000'000)});
}

/// A value of AMQP that is freed.
struct FreeData {
  void operator()(pn_data_t* data) const { pn_data_free(data); }
};
using OwnData = std::unique_ptr<pn_data_t, FreeData>;

std::string written(pn_data_t* data) {
  char text[512];
  std::size_t size = sizeof text;
  return pn_data_format(data, text, &size) == 0 ? std::string(text, size) : "";
}

TEST(SessionAttach, AsksForAnySessionAndSaysHowLongItWaits) {
  const OwnData filter(pn_data(0));
  const OwnData properties(pn_data(0));
  ask_for_any_session(filter.get(), properties.get(), std::chrono::seconds(30));
  EXPECT_EQ(written(filter.get()), R"({:"com.microsoft:session-filter"=null})");
  EXPECT_EQ(written(properties.get()), R"({:"com.microsoft:timeout"=30000})");
  EXPECT_EQ(session_in_filter(filter.get()), std::nullopt);
}

TEST(SessionAttach, ReadsTheSessionPlainOrWithItsType) {
  for (const bool described : {false, true}) {
    const OwnData filter(pn_data(0));
    pn_data_put_map(filter.get());
    pn_data_enter(filter.get());
    put_symbol(filter.get(), "another:filter");
    put_text(filter.get(), "x");
    put_symbol(filter.get(), "com.microsoft:session-filter");
    if (described) {
      pn_data_put_described(filter.get());
      pn_data_enter(filter.get());
      pn_data_put_ulong(filter.get(), 0x00000137000000CULL);
    }
    put_text(filter.get(), "invoice 7");
    if (described) pn_data_exit(filter.get());
    pn_data_exit(filter.get());
    EXPECT_EQ(session_in_filter(filter.get()), "invoice 7") << described;
  }
  const OwnData none(pn_data(0));
  EXPECT_EQ(session_in_filter(none.get()), std::nullopt);
}

TEST(SessionAttach, ASessionMayHaveAnEmptyName) {
  const OwnData filter(pn_data(0));
  pn_data_put_map(filter.get());
  pn_data_enter(filter.get());
  put_symbol(filter.get(), "com.microsoft:session-filter");
  put_text(filter.get(), "");
  pn_data_exit(filter.get());
  EXPECT_EQ(session_in_filter(filter.get()), "");
}

// 638355968000000000 is 2023-11-14T22:13:20Z, as .NET counts.
TEST(SessionAttach, ALocksEndIsInTicksOfNet) {
  EXPECT_EQ(time_of_ticks(638'355'968'000'000'000), time_point_us(1'700'000'000'000'000));
  EXPECT_EQ(time_of_ticks(621'355'968'000'000'019), time_point_us(1));
  for (const std::int64_t ticks : {INT64_MIN, INT64_C(-1), INT64_C(0), INT64_MAX})
    EXPECT_EQ(time_of_ticks(ticks), std::nullopt) << ticks;
  const OwnData properties(pn_data(0));
  pn_data_put_map(properties.get());
  pn_data_enter(properties.get());
  put_symbol(properties.get(), "com.microsoft:locked-until-utc");
  pn_data_put_long(properties.get(), 638'355'968'000'000'000);
  pn_data_exit(properties.get());
  EXPECT_EQ(session_locked_until(properties.get()), time_point_us(1'700'000'000'000'000));
  const OwnData none(pn_data(0));
  EXPECT_EQ(session_locked_until(none.get()), std::nullopt);
}

TEST(BusMessage, AGroupIsPublishedAsItsSession) {
  LentMessage sent;
  sent.group = "invoice 7";
  const auto message = make_proton_message();
  fill_bus_message(sent, message.get());
  EXPECT_STREQ(pn_message_get_group_id(sent_and_read(message.get()).get()), "invoice 7");
}

TEST(BusErrors, SayWhetherAnotherTryMayHelp) {
  EXPECT_EQ(bus_error_code("com.microsoft:server-busy: later"), ErrorCode::Exhausted);
  EXPECT_EQ(bus_error_code("com.microsoft:message-lock-lost"), ErrorCode::Closed);
  EXPECT_EQ(bus_error_code("amqp:not-found"), ErrorCode::Io);
  EXPECT_EQ(bus_error_code("amqp:unauthorized-access"), ErrorCode::Invalid);
  EXPECT_EQ(bus_error_code("amqp:decode-error"), ErrorCode::Conflict);
}

}  // namespace
}  // namespace forewarm
