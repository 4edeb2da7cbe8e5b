#include "edge/cloud/credentials/refreshed.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "edge/cloud/credentials/aws_answers.h"
#include "edge/cloud/credentials/aws_credentials.h"
#include "edge/cloud/credentials/jwt.h"
#include "edge/net/http.h"

namespace forewarm {
namespace {

/// A number that is one more each time it is fetched, and holds for an hour.
struct Counting {
  std::atomic<std::int64_t> now_us = 1'000'000'000;
  std::atomic<int> fetched = 0;
  std::atomic<bool> failing = false;
  std::mutex gate{};
  Refreshed<int> refreshed{{.now = [this] { return time_point_us(now_us); }},
                           [this](const std::stop_token&) -> Result<Expiring<int>> {
                             const std::lock_guard lock(gate);
                             const int number = ++fetched;
                             if (failing) return error(ErrorCode::Io, "no answer");
                             return Expiring<int>{number, time_point_us(now_us) + Duration(1h)};
                           }};

  void pass(Duration time) { now_us += time.count(); }
};

TEST(Refreshed, IsFetchedOnceWhoeverAsks) {
  Counting counting;
  std::vector<std::jthread> askers;
  std::atomic<int> sum = 0;
  {
    const std::lock_guard held(counting.gate);
    for (int i = 0; i < 8; ++i) askers.emplace_back([&] { sum += counting.refreshed.get().value_or(1'000); });
  }
  askers.clear();
  EXPECT_EQ(counting.fetched, 1);
  EXPECT_EQ(sum, 8);
}

TEST(Refreshed, IsFetchedAheadOfItsEndWhileTheOldOneServes) {
  Counting counting;
  EXPECT_EQ(counting.refreshed.get(), 1);
  counting.pass(50min);
  EXPECT_EQ(counting.refreshed.get(), 1);
  EXPECT_EQ(counting.fetched, 1);
  counting.pass(6min);
  {
    // Nobody waits for the fetch that is held up.
    const std::lock_guard held(counting.gate);
    EXPECT_EQ(counting.refreshed.get(), 1);
    EXPECT_EQ(counting.refreshed.get(), 1);
  }
  while (counting.refreshed.get() != 2) std::this_thread::yield();
  EXPECT_EQ(counting.fetched, 2);
}

TEST(Refreshed, IsWaitedForWhenItsTimeIsOverOrItIsRefused) {
  Counting counting;
  EXPECT_EQ(counting.refreshed.get(), 1);
  counting.pass(2h);
  EXPECT_EQ(counting.refreshed.get(), 2);
  counting.refreshed.expire();
  EXPECT_EQ(counting.refreshed.get(), 3);
}

TEST(Refreshed, AFailureHoldsForSomeSecondsAndIsNoneWhileTheOldOneServes) {
  Counting counting;
  counting.failing = true;
  EXPECT_EQ(counting.refreshed.get().error().message, "no answer");
  EXPECT_EQ(counting.refreshed.get().error().message, "no answer");
  EXPECT_EQ(counting.fetched, 1);
  counting.pass(6s);
  counting.failing = false;
  EXPECT_EQ(counting.refreshed.get(), 2);
  counting.failing = true;
  counting.pass(56min);
  while (counting.fetched != 3) EXPECT_EQ(counting.refreshed.get(), 2);
  EXPECT_EQ(counting.refreshed.get(), 2);
}

TEST(UtcTime, IsReadWithAndWithoutAFraction) {
  EXPECT_EQ(parse_utc_time("1970-01-02T00:00:01Z"), TimePoint(24h + 1s));
  EXPECT_EQ(parse_utc_time("2026-01-05T01:30:00.123Z"), parse_utc_time("2026-01-05T01:30:00Z"));
  EXPECT_EQ(parse_utc_time("tomorrow"), TimePoint());
  EXPECT_EQ(parse_utc_time("2026-13-05T01:30:00Z"), TimePoint());
}

TEST(AwsAnswers, AreReadOrRefusedWithoutTheirText) {
  const auto given = parse_metadata_credentials(
      R"({"AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-05T01:30:00Z"})");
  ASSERT_TRUE(given);
  EXPECT_EQ(given->value.session_token, "t");
  EXPECT_EQ(given->until, parse_utc_time("2026-01-05T01:30:00Z"));
  EXPECT_FALSE(parse_metadata_credentials(R"({"AccessKeyId":"A"})"));
  EXPECT_FALSE(parse_metadata_credentials("[]"));
  EXPECT_FALSE(
      parse_metadata_credentials(R"({"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"soon"})"));
  EXPECT_EQ(
      parse_metadata_credentials(R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"no"})").error().code,
      ErrorCode::NotFound);
  EXPECT_FALSE(parse_sts_credentials("<Credentials><AccessKeyId>A</AccessKeyId><Secret"));
  EXPECT_EQ(parse_sts_failure("<Error><Code>X</Code><Message>y</Message></Error>"), "X: y");
  EXPECT_EQ(parse_sts_failure("<html>"), "");
}

TEST(Base64Url, IsThatOfTheStandard) {
  EXPECT_EQ(base64_url(""), "");
  EXPECT_EQ(base64_url("f"), "Zg");
  EXPECT_EQ(base64_url("fo"), "Zm8");
  EXPECT_EQ(base64_url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64_url("\xfb\xff"), "-_8");
  EXPECT_EQ(sign_jwt("{}", "{}", "no key").error().code, ErrorCode::Invalid);
}

/// ECS's address cannot be had in a test, so it is another here.
TEST(AwsChain, AContainerIsAskedAtItsRelativeAddress) {
  Loop loop;
  std::string asked;
  auto server =
      HttpServer::listen(loop, {}, [&](HttpRequest request, const std::shared_ptr<HttpReply>& reply) {
        asked = request.method + " " + request.path;
        reply->send({.status = 200, .body = R"({"AccessKeyId":"A","SecretAccessKey":"s","Token":"t",
                                           "Expiration":"2090-01-01T00:00:00Z"})"});
      });
  ASSERT_TRUE(server);
  auto surroundings = own_surroundings();
  surroundings.container_endpoint = "http://" + to_string((*server)->endpoint());
  surroundings.variable = [](const std::string& name) {
    return std::string(name == "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" ? "/v2/x" : "");
  };
  std::atomic<bool> ended = false;
  Result<AwsCredentials> found = error(ErrorCode::Closed, "");
  std::jthread asker([&] {
    found = make_aws_credentials(surroundings)->get();
    ended = true;
    loop.wake();
  });
  while (!ended) loop.run_until(Loop::Clock::now() + std::chrono::milliseconds(50));
  asker.join();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key_id, "A");
  EXPECT_EQ(asked, "GET /v2/x");
}

}  // namespace
}  // namespace forewarm
