#include "edge/net/http_text.h"

#include <gtest/gtest.h>

#include "edge/net/http.h"

namespace forewarm {
namespace {

TEST(Endpoint, ReadsAllWaysOfWritingIt) {
  const auto same = [](std::string_view text, std::string host, std::uint16_t port) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->host, host) << text;
    EXPECT_EQ(endpoint->port, port) << text;
  };
  same("9324", "127.0.0.1", 9324);
  same(":0", "127.0.0.1", 0);
  same("0.0.0.0:80", "0.0.0.0", 80);
  same("queue-1.example.com:65535", "queue-1.example.com", 65535);
  same("[::1]:9324", "::1", 9324);
}

TEST(Endpoint, RefusesEverythingElseAndSaysWhatWasExpected) {
  for (const char* text : {"", ":", "host", "host:", "host:65536", "host:-1", "host:1x", "::1", "[::1]",
                           "[::1:80", "[]:80", "[host]:80", "a b:80", "host:80:90", "http://host:80"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().code, ErrorCode::Invalid);
    EXPECT_NE(endpoint.error().message.find("HOST:PORT"), std::string::npos);
  }
}

TEST(Endpoint, WritesWhatItReads) {
  for (const char* text : {"127.0.0.1:80", "[::1]:9324", "example.com:1"})
    EXPECT_EQ(to_string(*parse_endpoint(text)), text);
}

TEST(Endpoint, OnlyRealLoopbackCountsAsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"})
    EXPECT_TRUE(is_loopback(*parse_endpoint(text)));
  for (const char* text : {"0.0.0.0:1", "127.evil.example:1", "128.0.0.1:1", "[::]:1", "localhost.example:1"})
    EXPECT_FALSE(is_loopback(*parse_endpoint(text))) << text;
}

TEST(PercentDecode, DecodesWhatIsWellFormedAndKeepsTheRest) {
  EXPECT_EQ(percent_decode("a%20b%2Fc", false), "a b/c");
  EXPECT_EQ(percent_encode("a b/c+d~\xc3\xbc"), "a%20b%2Fc%2Bd~%C3%BC");
  EXPECT_EQ(percent_decode("a+b", false), "a+b");
  EXPECT_EQ(percent_decode("a+b%2B", true), "a b+");
  EXPECT_EQ(percent_decode("%", false), "%");
  EXPECT_EQ(percent_decode("%4", false), "%4");
  EXPECT_EQ(percent_decode("%zz%41", false), "%zzA");
  EXPECT_EQ(percent_decode("%00", false), std::string(1, '\0'));
}

TEST(ParseQuery, SplitsPairsInOrder) {
  const std::vector<std::pair<std::string, std::string>> expected{
      {"a", "1"}, {"b", ""}, {"c", ""}, {"", "x"}, {"a", "2=3"}};
  EXPECT_EQ(parse_query("a=1&b=&c&&=x&a=2%3D3"), expected);
  EXPECT_TRUE(parse_query("").empty());
  EXPECT_TRUE(parse_query("&&").empty());
}

TEST(Headers, AreFoundWhateverTheirCase) {
  const HttpHeaders headers{{"Content-Type", "a"}, {"content-type", "b"}};
  EXPECT_EQ(find_header(headers, "CONTENT-TYPE"), "a");
  EXPECT_EQ(find_header(headers, "Content-Typ"), "");
}

TEST(Hosts, OnlyNamesThatNoNameServerCanGiveAwayMeanThisMachine) {
  for (const char* host : {"localhost", "LocalHost:80", "127.0.0.1", "127.0.0.1:9324", "[::1]", "[::1]:9324",
                           "sqs.eu-central-1.localhost:9324"})
    EXPECT_TRUE(names_this_machine(host)) << host;
  for (const char* host :
       {"", "evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example",
        "notlocalhost", ".localhost", "[::2]", "[::1", "10.0.0.1"})
    EXPECT_FALSE(names_this_machine(host)) << host;
}

TEST(Headers, LineBreaksInAValueCannotStartAnotherHeader) {
  std::string head;
  append_header(head, "X-Name", "a\r\nSet-Cookie: b\n");
  EXPECT_EQ(head, "X-Name: a  Set-Cookie: b \r\n");
}

}  // namespace
}  // namespace forewarm
