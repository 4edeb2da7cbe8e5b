#include "edge/net/egress.h"

#include <gtest/gtest.h>

#include "edge/net/fetch.h"
#include "edge/net/fetch_session.h"
#include "edge/net/loop.h"
#include "edge/net/mail.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

bool allowed(const Texts& texts, const std::string& host, std::uint16_t port = 443) {
  const auto rules = EgressRules::parse(texts);
  EXPECT_TRUE(rules) << rules.error().message;
  return rules && rules->allow({.host = host, .port = port});
}

TEST(EgressRulesTest, NamesAreMetAsTheyAreWritten) {
  const Texts rules{"sqs.eu-west-1.amazonaws.com", "*.googleapis.com", "db.internal:5432"};
  EXPECT_TRUE(allowed(rules, "sqs.eu-west-1.amazonaws.com"));
  EXPECT_TRUE(allowed(rules, "SQS.eu-west-1.AmazonAWS.com."));
  EXPECT_FALSE(allowed(rules, "sqs.eu-west-2.amazonaws.com"));
  EXPECT_FALSE(allowed(rules, "evil-sqs.eu-west-1.amazonaws.com"));
  EXPECT_TRUE(allowed(rules, "pubsub.googleapis.com"));
  EXPECT_TRUE(allowed(rules, "a.b.googleapis.com"));
  EXPECT_FALSE(allowed(rules, "googleapis.com")) << "a domain's subdomains, not itself";
  EXPECT_FALSE(allowed(rules, "evilgoogleapis.com"));
  EXPECT_FALSE(allowed(rules, "googleapis.com.evil.example"));
  EXPECT_TRUE(allowed(rules, "db.internal", 5432));
  EXPECT_FALSE(allowed(rules, "db.internal", 5433));
}

TEST(EgressRulesTest, AddressesAreMetByNet) {
  const Texts rules{"10.1.0.0/16", "192.0.2.7:9090", "2001:db8::/33", "[2001:db9::1]:443", "172.16.0.0/12"};
  EXPECT_TRUE(allowed(rules, "10.1.255.3"));
  EXPECT_FALSE(allowed(rules, "10.2.0.1"));
  EXPECT_TRUE(allowed(rules, "::ffff:10.1.2.3")) << "the same address";
  EXPECT_TRUE(allowed(rules, "192.0.2.7", 9090));
  EXPECT_FALSE(allowed(rules, "192.0.2.7", 9091));
  EXPECT_TRUE(allowed(rules, "2001:db8:7fff::1"));
  EXPECT_FALSE(allowed(rules, "2001:db8:8000::1"));
  EXPECT_TRUE(allowed(rules, "2001:db9::1"));
  EXPECT_FALSE(allowed(rules, "2001:db9::2"));
  EXPECT_TRUE(allowed(rules, "172.31.9.9"));
  EXPECT_FALSE(allowed(rules, "172.32.0.1"));
  EXPECT_FALSE(allowed(rules, "169.254.169.254")) << "instance metadata too is named or not reached";
  EXPECT_FALSE(allowed({"0.0.0.0/0"}, "2001:db8::1"));
  EXPECT_FALSE(allowed({"0.0.0.0/0"}, "db.internal")) << "names are not looked up";
}

TEST(EgressRulesTest, ThisMachineIsAlwaysAllowed) {
  for (const char* host : {"127.0.0.1", "localhost", "::1"}) EXPECT_TRUE(allowed({"a.example"}, host));
  EXPECT_FALSE(allowed({"a.example"}, "127.0.0.1.evil.example"));
}

TEST(EgressRulesTest, WhatIsNoRuleIsSaid) {
  for (const char* text :
       {"", "*", "*.", "https://a.example", "a.example:0", "a.example:70000", "10.0.0.0/33", "10.0.0",
        "10.0.0.256", "[::1", "[::1]443", "a b", "2001:db8::/129", "a.example/8", "a.*.example"}) {
    const auto rules = EgressRules::parse(Texts{text});
    ASSERT_FALSE(rules) << text;
    EXPECT_EQ(rules.error().code, ErrorCode::Invalid);
    EXPECT_NE(rules.error().message.find("'" + std::string(text) + "'"), std::string::npos);
  }
}

/// 192.0.2.0/24 is nobody's (RFC 5737): what is tried there takes until its time is over.
class EgressTest : public testing::Test {
 protected:
  EgressTest() { EXPECT_TRUE(restrict_egress(Texts{"allowed.invalid"})); }
  ~EgressTest() override { EXPECT_TRUE(restrict_egress({})); }
  EgressTest(const EgressTest&) = delete;
  EgressTest& operator=(const EgressTest&) = delete;

  static void expect_refused(const std::string& words) {
    EXPECT_NE(words.find("egress does not allow a connection to 192.0.2.1:"), std::string::npos) << words;
  }
};

TEST_F(EgressTest, NoRequestGoesWhereItMayNot) {
  for (const char* url : {"http://192.0.2.1:8080/x", "https://user:pw@192.0.2.1/", "http://192.0.2.1"}) {
    const auto answer = fetch({.url = url});
    ASSERT_FALSE(answer);
    expect_refused(answer.error().message);
    EXPECT_EQ(answer.error().message.find("pw"), std::string::npos);
  }
  const auto known = fetch({.url = "http://allowed.invalid/"});
  ASSERT_FALSE(known);
  EXPECT_NE(known.error().message.find("cannot be reached"), std::string::npos) << known.error().message;
}

TEST_F(EgressTest, NeitherOfManyAtATimeNorMail) {
  FetchSession session;
  std::string words;
  session.start({.url = "http://192.0.2.1/"}, {}, [&](Result<HttpResponse> answer) {
    ASSERT_FALSE(answer);
    words = answer.error().message;
  });
  EXPECT_EQ(session.under_way(), 1U);
  for (int i = 0; i < 100 && words.empty(); ++i) session.run(10ms);
  expect_refused(words);
  EXPECT_EQ(session.under_way(), 0U);
  expect_refused(send_mail({.url = "smtp://192.0.2.1:25", .from = "a@b", .to = {"c@d"}}).words);
}

TEST_F(EgressTest, NorOnALoop) {
  Loop loop;
  const auto client = HttpClient::make(loop, {.server = {.host = "192.0.2.1", .port = 80}});
  std::string words;
  client->request({.method = "GET", .path = "/"},
                  [&](Result<HttpResponse> answer) { words = answer ? "answered" : answer.error().message; });
  const auto until = Loop::Clock::now() + 10s;
  while (words.empty() && Loop::Clock::now() < until) loop.run_until(Loop::Clock::now() + 2ms);
  expect_refused(words);
}

}  // namespace
}  // namespace forewarm
