#include "app/queue_actions.h"

#include <gtest/gtest.h>

#include "app/queue_fixture.h"

namespace forewarm {
namespace {

using sqs::Fault;

struct QueueActionsTest : testing::Test, QueueFixture {
  void TearDown() override {
    EXPECT_EQ(wrong_answers, 0) << "an answer was not of the kind that the test expects";
  }

  std::optional<Fault> fault_of_creating(const std::string& name, const sqs::StringMap& attributes) {
    return fault(sqs::CreateQueue{.name = name, .attributes = attributes, .tags = {}});
  }
  std::string redrive_policy(const std::string& target, const std::string& count = "3") {
    return R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:)" + target +
           R"(","maxReceiveCount":)" + count + "}";
  }
  std::vector<std::string> list(const std::string& prefix = {}) {
    return ask_for<sqs::QueueUrls>(sqs::ListQueues{.prefix = prefix, .results_max = {}, .next_token = {}})
        .urls;
  }
};

TEST_F(QueueActionsTest, CreatingAgainWithTheSameAttributesGivesTheSameQueue) {
  const std::string url = create("q", {{"DelaySeconds", "3"}});
  EXPECT_EQ(create("q"), url);
  EXPECT_EQ(create("q", {{"DelaySeconds", "3"}, {"VisibilityTimeout", "30"}}), url);
  EXPECT_EQ(fault_of_creating("q", {{"DelaySeconds", "4"}}), Fault::QueueNameExists);
  EXPECT_EQ(fault_of_creating("q", {{"Policy", "{}"}}), Fault::QueueNameExists);
  EXPECT_EQ(list().size(), 1U);
}

TEST_F(QueueActionsTest, RefusesAttributesThatCannotBe) {
  EXPECT_EQ(fault_of_creating("q", {{"Colour", "red"}}), Fault::InvalidAttributeName);
  EXPECT_EQ(fault_of_creating("q", {{"QueueArn", "x"}}), Fault::InvalidAttributeName);
  EXPECT_EQ(fault_of_creating("q", {{"ContentBasedDeduplication", "true"}}), Fault::InvalidAttributeName);
  for (const auto& [name, value] : sqs::StringMap{{"DelaySeconds", "901"},
                                                  {"VisibilityTimeout", "-1"},
                                                  {"MessageRetentionPeriod", "59"},
                                                  {"MaximumMessageSize", "1048577"},
                                                  {"ReceiveMessageWaitTimeSeconds", "soon"},
                                                  {"SqsManagedSseEnabled", "yes"},
                                                  {"Policy", "not json"}}) {
    EXPECT_EQ(fault_of_creating("q", {{name, value}}), Fault::InvalidAttributeValue) << name;
  }
  EXPECT_EQ(fault_of_creating("q.fifo", {{"FifoQueue", "true"}, {"DeduplicationScope", "world"}}),
            Fault::InvalidAttributeValue);
  EXPECT_EQ(fault_of_creating("q.fifo", {}), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of_creating("q", {{"FifoQueue", "true"}}), Fault::InvalidParameterValue);
  EXPECT_TRUE(list().empty());
}

TEST_F(QueueActionsTest, AnswersAllAttributesWithTheirDefaults) {
  const std::string url = create("q.fifo");
  const auto all =
      ask_for<sqs::QueueAttributes>(sqs::GetQueueAttributes{.queue_url = url, .names = {"All"}}).attributes;
  const sqs::StringMap expected = {{"ApproximateNumberOfMessages", "0"},
                                   {"ApproximateNumberOfMessagesDelayed", "0"},
                                   {"ApproximateNumberOfMessagesNotVisible", "0"},
                                   {"ContentBasedDeduplication", "false"},
                                   {"CreatedTimestamp", "1700000000"},
                                   {"DeduplicationScope", "queue"},
                                   {"DelaySeconds", "0"},
                                   {"FifoQueue", "true"},
                                   {"FifoThroughputLimit", "perQueue"},
                                   {"LastModifiedTimestamp", "1700000000"},
                                   {"MaximumMessageSize", "1048576"},
                                   {"MessageRetentionPeriod", "345600"},
                                   {"QueueArn", "arn:aws:sqs:us-east-1:000000000000:q.fifo"},
                                   {"ReceiveMessageWaitTimeSeconds", "0"},
                                   {"SqsManagedSseEnabled", "true"},
                                   {"VisibilityTimeout", "30"}};
  EXPECT_EQ(all, expected);
  EXPECT_TRUE(ask_for<sqs::QueueAttributes>(sqs::GetQueueAttributes{.queue_url = url, .names = {}})
                  .attributes.empty());
  EXPECT_EQ(fault(sqs::GetQueueAttributes{.queue_url = url, .names = {"Colour"}}),
            Fault::InvalidAttributeName);
}

TEST_F(QueueActionsTest, SettingAttributesChangesWhatTheQueueDoes) {
  const std::string url = create("q");
  gate.advance(10s);
  ask_for<sqs::Empty>(sqs::SetQueueAttributes{
      .queue_url = url, .attributes = {{"VisibilityTimeout", "1"}, {"Policy", R"({"a":1})"}}});
  EXPECT_EQ(attribute(url, "VisibilityTimeout"), "1");
  EXPECT_EQ(attribute(url, "Policy"), R"({"a":1})");
  EXPECT_EQ(attribute(url, "LastModifiedTimestamp"), "1700000010");
  send(url, "x");
  EXPECT_EQ(receive(url).size(), 1U);
  gate.advance(1s);
  EXPECT_EQ(receive(url).size(), 1U);
  ask_for<sqs::Empty>(sqs::SetQueueAttributes{.queue_url = url, .attributes = {{"Policy", ""}}});
  EXPECT_EQ(attribute(url, "Policy"), "");
  EXPECT_EQ(fault(sqs::SetQueueAttributes{.queue_url = url, .attributes = {{"FifoQueue", "true"}}}),
            Fault::InvalidAttributeName);
}

TEST_F(QueueActionsTest, AnotherRetentionIsThatOfTheMessagesThatAreThere) {
  const std::string url = create("q", {{"MessageRetentionPeriod", "1000"}});
  const auto keep = [&](const char* seconds) {
    ask_for<sqs::Empty>(
        sqs::SetQueueAttributes{.queue_url = url, .attributes = {{"MessageRetentionPeriod", seconds}}});
  };
  send(url, "old");
  gate.advance(100s);
  send(url, "new");
  keep("90");
  gate.advance(0s);
  EXPECT_EQ(attribute(url, "ApproximateNumberOfMessages"), "1");
  keep("200");
  gate.advance(91s);
  EXPECT_EQ(attribute(url, "ApproximateNumberOfMessages"), "1")
      << "it is kept longer than it was to be first";
  gate.advance(109s);
  EXPECT_EQ(attribute(url, "ApproximateNumberOfMessages"), "0");
  EXPECT_EQ(gate.memory().messages.size(), 0U);
}

TEST_F(QueueActionsTest, ARedrivePolicyIsForMessagesThatWereReceivedTooOftenAlready) {
  const std::string dead = create("dead");
  const std::string url = create("q", {{"VisibilityTimeout", "0"}});
  send(url, "tried");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(receive(url).size(), 1U);
    gate.advance(1s);
  }
  send(url, "new");
  ask_for<sqs::Empty>(sqs::SetQueueAttributes{
      .queue_url = url,
      .attributes = {{"RedrivePolicy", R"({"deadLetterTargetArn":")" + attribute(dead, "QueueArn") +
                                           R"(","maxReceiveCount":3})"}}});
  const auto left = receive(url);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].body, "new");
  const auto moved = receive(dead);
  ASSERT_EQ(moved.size(), 1U);
  EXPECT_EQ(moved[0].body, "tried");
}

TEST_F(QueueActionsTest, AQueueHasOneKindOfEncryption) {
  EXPECT_EQ(fault_of_creating("q", {{"KmsMasterKeyId", "alias/k"}, {"SqsManagedSseEnabled", "true"}}),
            Fault::InvalidAttributeName);
  const std::string url = create("q");
  EXPECT_EQ(attribute(url, "SqsManagedSseEnabled"), "true");
  EXPECT_EQ(attribute(url, "KmsDataKeyReusePeriodSeconds"), "");
  const auto set = [&](const sqs::StringMap& attributes) {
    ask_for<sqs::Empty>(sqs::SetQueueAttributes{.queue_url = url, .attributes = attributes});
  };
  set({{"KmsMasterKeyId", "alias/k"}});
  EXPECT_EQ(attribute(url, "SqsManagedSseEnabled"), "false");
  EXPECT_EQ(attribute(url, "KmsDataKeyReusePeriodSeconds"), "300");
  set({{"SqsManagedSseEnabled", "true"}});
  EXPECT_EQ(attribute(url, "SqsManagedSseEnabled"), "true");
  EXPECT_EQ(attribute(url, "KmsMasterKeyId"), "");
  EXPECT_EQ(fault_of_creating("q", {{"KmsMasterKeyId", "alias/k"}}), Fault::QueueNameExists);
  set({{"SqsManagedSseEnabled", "false"}});
  EXPECT_EQ(attribute(url, "SqsManagedSseEnabled"), "false");
}

TEST_F(QueueActionsTest, AQueueIsFoundByItsOwnersAccountOnly) {
  create("q");
  EXPECT_EQ(fault(sqs::GetQueueUrl{.name = "q", .owner = "000000000000"}), std::nullopt);
  EXPECT_EQ(fault(sqs::GetQueueUrl{.name = "q", .owner = "123456789012"}), Fault::QueueDoesNotExist);
}

TEST_F(QueueActionsTest, ARedrivePolicyNeedsADeadLetterQueueThatCanBe) {
  create("dead");
  create("dead.fifo");
  const auto fault_of = [&](const std::string& policy) {
    return fault_of_creating("q", {{"RedrivePolicy", policy}});
  };
  EXPECT_EQ(fault_of(redrive_policy("missing")), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of(redrive_policy("dead.fifo")), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of(redrive_policy("dead", "0")), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of(redrive_policy("dead", "1001")), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of(R"({"maxReceiveCount":3})"), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of(redrive_policy("dead", "3,\"colour\":1")), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of(R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"})"),
            Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of(redrive_policy("dead", "\"5\"")), std::nullopt);
}

TEST_F(QueueActionsTest, ADeadLetterQueueMayChooseItsSources) {
  const std::string dead = create("dead", {{"RedriveAllowPolicy", R"({"redrivePermission":"denyAll"})"}});
  EXPECT_EQ(fault_of_creating("q", {{"RedrivePolicy", redrive_policy("dead")}}),
            Fault::InvalidParameterValue);
  ask_for<sqs::Empty>(sqs::SetQueueAttributes{
      .queue_url = dead,
      .attributes = {
          {"RedriveAllowPolicy",
           R"({"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:q"]})"}}});
  EXPECT_EQ(fault_of_creating("other", {{"RedrivePolicy", redrive_policy("dead")}}),
            Fault::InvalidParameterValue);
  const std::string url = create("q", {{"RedrivePolicy", redrive_policy("dead")}});
  const auto sources = ask_for<sqs::QueueUrls>(
      sqs::ListDeadLetterSourceQueues{.queue_url = dead, .results_max = {}, .next_token = {}});
  EXPECT_EQ(sources.urls, (std::vector<std::string>{url}));
}

TEST_F(QueueActionsTest, DeletingADeadLetterQueueLeavesMessagesWhereTheyAre) {
  const std::string dead = create("dead");
  const std::string url =
      create("q", {{"RedrivePolicy", redrive_policy("dead", "1")}, {"VisibilityTimeout", "1"}});
  ask_for<sqs::Empty>(sqs::DeleteQueue{.queue_url = dead});
  send(url, "x");
  EXPECT_EQ(receive(url).size(), 1U);
  gate.advance(2s);
  EXPECT_EQ(receive(url).size(), 1U);
  gate.advance(60s);
  create("dead");
  receive(url);
  gate.advance(2s);
  EXPECT_TRUE(receive(url).empty()) << "the new queue of that name is its dead-letter queue";
  EXPECT_EQ(receive(dead).size(), 1U);
}

TEST_F(QueueActionsTest, ADeletedQueueIsGoneAndItsNameRests) {
  const std::string url = create("q");
  send(url, "x");
  ask_for<sqs::Empty>(sqs::DeleteQueue{.queue_url = url});
  EXPECT_EQ(gate.memory().messages.size(), 0U);
  EXPECT_EQ(fault(message(url, "x")), Fault::QueueDoesNotExist);
  EXPECT_EQ(fault(sqs::GetQueueUrl{.name = "q", .owner = {}}), Fault::QueueDoesNotExist);
  EXPECT_EQ(fault_of_creating("q", {}), Fault::QueueDeletedRecently);
  gate.advance(60s);
  create("q");
  EXPECT_TRUE(receive(url).empty());
  EXPECT_EQ(service.directory().find("q")->id, QueueId(2)) << "an id is never used again";
}

TEST_F(QueueActionsTest, PurgingDropsEverythingOnceAMinute) {
  const std::string url = create("q");
  for (int i = 0; i < 3; ++i) send(url, "x");
  receive(url, 1);
  ask_for<sqs::Empty>(sqs::PurgeQueueRequest{.queue_url = url});
  EXPECT_EQ(gate.memory().messages.size(), 0U);
  send(url, "y");
  EXPECT_EQ(fault(sqs::PurgeQueueRequest{.queue_url = url}), Fault::PurgeQueueInProgress);
  EXPECT_EQ(receive(url).size(), 1U);
  gate.advance(60s);
  ask_for<sqs::Empty>(sqs::PurgeQueueRequest{.queue_url = url});
}

TEST_F(QueueActionsTest, TagsAreKeptAndBounded) {
  const std::string url =
      ask_for<sqs::QueueUrl>(sqs::CreateQueue{.name = "q", .attributes = {}, .tags = {{"a", "1"}}}).url;
  ask_for<sqs::Empty>(sqs::TagQueue{.queue_url = url, .tags = {{"a", "2"}, {"b", ""}}});
  EXPECT_EQ(ask_for<sqs::QueueTags>(sqs::ListQueueTags{.queue_url = url}).tags,
            (sqs::StringMap{{"a", "2"}, {"b", ""}}));
  ask_for<sqs::Empty>(sqs::UntagQueue{.queue_url = url, .keys = {"a", "none"}});
  EXPECT_EQ(ask_for<sqs::QueueTags>(sqs::ListQueueTags{.queue_url = url}).tags, (sqs::StringMap{{"b", ""}}));
  sqs::StringMap many;
  for (int i = 0; i < 51; ++i) many["t" + std::to_string(i)] = "";
  EXPECT_EQ(fault(sqs::TagQueue{.queue_url = url, .tags = many}), Fault::InvalidParameterValue);
}

TEST_F(QueueActionsTest, ListsByPrefixAndByPages) {
  for (const std::string name : {"b1", "a1", "b2", "b3"}) create(name);
  EXPECT_EQ(list("b").size(), 3U);
  EXPECT_EQ(list("c").size(), 0U);
  sqs::ListQueues page{.prefix = "b", .results_max = 2, .next_token = {}};
  const auto first = ask_for<sqs::QueueUrls>(page);
  EXPECT_EQ(first.urls,
            (std::vector<std::string>{"http://host/000000000000/b1", "http://host/000000000000/b2"}));
  page.next_token = first.next_token;
  const auto second = ask_for<sqs::QueueUrls>(page);
  EXPECT_EQ(second.urls, (std::vector<std::string>{"http://host/000000000000/b3"}));
  EXPECT_EQ(second.next_token, "");
  page.next_token = "?";
  EXPECT_EQ(fault(page), Fault::InvalidParameterValue);
}

TEST_F(QueueActionsTest, UnknownQueuesAndAddressesAreToldApart) {
  EXPECT_EQ(fault(sqs::DeleteQueue{.queue_url = "http://host/000000000000/none"}), Fault::QueueDoesNotExist);
  EXPECT_EQ(fault(sqs::DeleteQueue{.queue_url = "http://host/"}), Fault::InvalidAddress);
}

TEST_F(QueueActionsTest, QueuesComeBackAfterARestart) {
  create("dead");
  const std::string url = create("q", {{"RedrivePolicy", redrive_policy("dead")}, {"DelaySeconds", "7"}});
  ask_for<sqs::Empty>(sqs::TagQueue{.queue_url = url, .tags = {{"a", "1"}}});
  create("gone");
  ask_for<sqs::Empty>(sqs::DeleteQueue{.queue_url = "gone"});
  QueueDirectory again({});
  for (const auto& [key, value] : gate.memory().records) {
    const auto mine = again.recover(key, value);
    ASSERT_TRUE(mine.has_value()) << key;
    EXPECT_EQ(*mine, key.starts_with("queue/")) << key;
  }
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again.find("q")->attributes, service.directory().find("q")->attributes);
  EXPECT_EQ(again.find("q")->tags, (sqs::StringMap{{"a", "1"}}));
  EXPECT_EQ(again.find("q")->created, gate.now());
  EXPECT_EQ(again.events(), service.events());
  EXPECT_EQ(again.create({.name = "gone", .attributes = {}, .tags = {}}, gate.now()).error().fault,
            Fault::QueueDeletedRecently);
  ASSERT_TRUE(again.create({.name = "new", .attributes = {}, .tags = {}}, gate.now()).has_value());
  EXPECT_EQ(again.find("new")->id, QueueId(4));
}

TEST_F(QueueActionsTest, DamagedRecordsAreNamed) {
  QueueDirectory directory({});
  for (
      const std::string_view value :
      {"", "{", "[]", R"({"version":2})", R"({"version":1,"name":"q"})",
       R"({"version":1,"name":"no name","attributes":{},"tags":{},"created_us":1,"modified_us":1,"purged_us":0})"}) {
    const auto recovered = directory.recover("queue/1", value);
    ASSERT_FALSE(recovered.has_value()) << value;
    EXPECT_EQ(recovered.error().code, ErrorCode::Corrupt);
    EXPECT_NE(recovered.error().message.find("queue/1"), std::string::npos);
  }
  EXPECT_FALSE(directory.recover("queue/x", "{}").has_value());
  EXPECT_EQ(directory.recover("something/else", "{}"), false);
}

TEST_F(QueueActionsTest, AChangeThatFindsNoRoomIsFinishedBeforeAnythingElse) {
  gate.full = true;
  EXPECT_FALSE(ask(sqs::CreateQueue{.name = "q", .attributes = {}, .tags = {}}).has_value());
  const auto created = last;
  EXPECT_EQ(fault(message("http://host/0/q", "x")), Fault::RequestThrottled);
  gate.full = false;
  send("http://host/0/q", "x");
  ASSERT_TRUE(created->has_value());
  EXPECT_TRUE((*created)->has_value());
  EXPECT_EQ(receive("q").size(), 1U);
}

TEST_F(QueueActionsTest, ACreateIsAnsweredOnlyWhenItIsDurableForEveryoneWhoAsks) {
  gate.hold();
  EXPECT_FALSE(ask(sqs::CreateQueue{.name = "q", .attributes = {}, .tags = {}}).has_value());
  EXPECT_FALSE(ask(sqs::CreateQueue{.name = "q", .attributes = {}, .tags = {}}).has_value());
  gate.release();
  EXPECT_TRUE(last->has_value());
}

TEST_F(QueueActionsTest, RedrivesFromADeadLetterQueue) {
  const std::string dead = create("dead");
  const std::string url = create("q");
  for (int i = 0; i < 3; ++i) send(dead, "x");
  bool done = false;
  ASSERT_TRUE(
      service.redrive("dead", "q", 2, [&](const Result<void>& outcome) { done = outcome.has_value(); })
          .has_value());
  gate.advance(1s);
  EXPECT_TRUE(done);
  EXPECT_EQ(receive(url).size(), 2U);
  EXPECT_EQ(service.redrive("dead", "none", 2, {}).error().code, ErrorCode::NotFound);
  create("q.fifo");
  EXPECT_EQ(service.redrive("dead", "q.fifo", 2, {}).error().code, ErrorCode::Conflict);
}

}  // namespace
}  // namespace forewarm
