#include "app/queue_permissions.h"

#include <gtest/gtest.h>

#include "app/queue_fixture.h"

namespace forewarm {
namespace {

using sqs::Fault;

class QueuePermissions : public ::testing::Test, protected QueueFixture {
 protected:
  sqs::AddPermission permission(const std::string& label) {
    return {.queue_url = url, .label = label, .accounts = {"123456789012"}, .actions = {"SendMessage"}};
  }
  std::optional<Fault> fault_with(std::vector<std::string> accounts, std::vector<std::string> actions) {
    return fault(sqs::AddPermission{url, "x", std::move(accounts), std::move(actions)});
  }

  std::string url = create("q");
};

TEST_F(QueuePermissions, AreStatementsOfThePolicyAttribute) {
  ask_for<sqs::Empty>(permission("a"));
  EXPECT_EQ(
      attribute(url, "Policy"),
      R"({"Version":"2008-10-17","Id":"arn:aws:sqs:us-east-1:000000000000:q/SQSDefaultPolicy",)"
      R"("Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},)"
      R"("Action":"SQS:SendMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:q"}]})");
  sqs::AddPermission two = permission("b");
  two.actions = {"ReceiveMessage", "DeleteMessage"};
  ask_for<sqs::Empty>(two);
  EXPECT_NE(attribute(url, "Policy").find(R"("Action":["SQS:ReceiveMessage","SQS:DeleteMessage"])"),
            std::string::npos);
  ask_for<sqs::Empty>(sqs::RemovePermission{url, "a"});
  EXPECT_EQ(attribute(url, "Policy").find(R"("Sid":"a")"), std::string::npos);
  ask_for<sqs::Empty>(sqs::RemovePermission{url, "b"});
  EXPECT_EQ(attribute(url, "Policy"), "");
  EXPECT_EQ(wrong_answers, 0);
}

TEST_F(QueuePermissions, WrongOnesAreRefused) {
  ask_for<sqs::Empty>(permission("a"));
  EXPECT_EQ(fault(permission("a")), Fault::InvalidParameterValue);
  EXPECT_EQ(fault(sqs::RemovePermission{url, "none"}), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_with({"12"}, {"SendMessage"}), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_with({"123456789012"}, {"DeleteQueue"}), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_with({"123456789012"}, std::vector<std::string>(8, "SendMessage")), Fault::OverLimit);
  for (int n = 1; n < 20; ++n) ask_for<sqs::Empty>(permission("n" + std::to_string(n)));
  EXPECT_EQ(fault(permission("one-more")), Fault::OverLimit);
}

}  // namespace
}  // namespace forewarm
