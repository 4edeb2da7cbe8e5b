#include "app/access_keys.h"

#include <gtest/gtest.h>

#include "edge/sqs/base64.h"

namespace forewarm {
namespace {

using sqs::Fault;

std::optional<Fault> fault(const AccessKey& key, const sqs::Request& request) {
  const auto allowed = AccessKeys::authorize(key, request);
  return allowed ? std::nullopt : std::optional(allowed.error().fault);
}

AccessKey key(bool send, bool receive, bool manage) {
  return {.id = "k",
          .secret = "s",
          .session_token = {},
          .queues = {"jobs", "jobs-*"},
          .send = send,
          .receive = receive,
          .manage = manage};
}

TEST(AccessKeys, GlobsAreOfWholeNames) {
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("a*c?", "abbcd"));
  EXPECT_TRUE(matches_glob("*.fifo", "a.fifo"));
  EXPECT_FALSE(matches_glob("a", "ab"));
  EXPECT_FALSE(matches_glob("a?", "a"));
  EXPECT_FALSE(matches_glob("", "a"));
  EXPECT_FALSE(matches_glob("*a*a*a*a*a*a*b", std::string(2000, 'a')));
}

TEST(AccessKeys, RightsAreByActionAndQueue) {
  const sqs::SendMessage send{.queue_url = "http://h/0/jobs", .entry = {}};
  sqs::ReceiveMessage receive;
  receive.queue_url = "http://h/0/jobs-1";
  const sqs::DeleteQueue manage{.queue_url = "http://h/0/jobs"};
  EXPECT_EQ(fault(key(true, false, false), send), std::nullopt);
  EXPECT_EQ(fault(key(false, true, true), send), Fault::AccessDenied);
  EXPECT_EQ(fault(key(false, true, false), receive), std::nullopt);
  EXPECT_EQ(fault(key(true, false, true), receive), Fault::AccessDenied);
  EXPECT_EQ(fault(key(false, false, true), manage), std::nullopt);
  EXPECT_EQ(fault(key(true, true, false), manage), Fault::AccessDenied);
  EXPECT_EQ(fault(key(true, true, true), sqs::SendMessage{.queue_url = "http://h/0/other", .entry = {}}),
            Fault::AccessDenied);
  EXPECT_EQ(
      fault(key(false, false, false), sqs::GetQueueAttributes{.queue_url = "http://h/0/jobs", .names = {}}),
      std::nullopt);
  EXPECT_EQ(fault(key(false, false, false), sqs::GetQueueUrl{.name = "other", .owner = {}}),
            Fault::AccessDenied);
  EXPECT_EQ(fault(key(false, false, false), sqs::ListQueues{}), std::nullopt);
}

TEST(AccessKeys, AMoveTaskNeedsBothOfItsEnds) {
  const std::string arn = "arn:aws:sqs:r:0:";
  const AccessKey manager = key(false, false, true);
  EXPECT_EQ(fault(manager, sqs::StartMessageMoveTask{arn + "jobs", {}, {}}), std::nullopt);
  EXPECT_EQ(fault(manager, sqs::StartMessageMoveTask{arn + "jobs", arn + "jobs-1", {}}), Fault::AccessDenied);
  EXPECT_EQ(fault(key(true, false, true), sqs::StartMessageMoveTask{arn + "jobs", arn + "jobs-1", {}}),
            std::nullopt);
  const auto handle = [&](const std::string& queue) {
    return sqs::base64_encode(R"({"taskId":"1","sourceArn":")" + arn + queue + "\"}");
  };
  EXPECT_EQ(fault(manager, sqs::CancelMessageMoveTask{handle("jobs")}), std::nullopt);
  EXPECT_EQ(fault(manager, sqs::CancelMessageMoveTask{handle("other")}), Fault::AccessDenied);
  EXPECT_EQ(fault(manager, sqs::CancelMessageMoveTask{"nonsense"}), Fault::AccessDenied);
}

TEST(AccessKeys, ASecretThatIsNotThereIsNamed) {
  const auto keys =
      AccessKeys::load({{.id = "k", .secret_file = "/nowhere/secret", .session_token_file = {}}});
  ASSERT_FALSE(keys);
  EXPECT_NE(keys.error().message.find("/nowhere/secret"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
