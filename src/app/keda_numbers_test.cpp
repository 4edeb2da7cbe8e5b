#include "app/keda_numbers.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

using State = KedaNumber::State;

constexpr TimePoint kReadAt{100h};
constexpr std::string_view kTwoQueues = R"toml(
every = "5s"

[[control]]
queue = "orders"
metrics.url = "http://127.0.0.1:9090"
metrics.waiting = "sum(waiting)"
metrics.arrived_total = "sum(arrived_total)"
silent_after = "1m"
scaling.instances_max = 40
target.kind = "keda"
target.name = "worker"

[[control]]
queue = "mails"
metrics.url = "http://127.0.0.1:9090"
metrics.waiting = "sum(mails)"
metrics.arrived_total = "sum(mails_total)"
scaling.instances_max = 40
target.kind = "webhook"
target.url = "http://127.0.0.1:1"
)toml";

/// Two queues, of which "orders" has the target keda; both were read at kReadAt.
class KedaNumberTest : public testing::Test {
 protected:
  void SetUp() override {
    const Result<ControlFile> read = read_control_config(kTwoQueues, "control.toml");
    ASSERT_TRUE(read) << read.error().message;
    file_ = *read;
    add(file_.controls[0], std::make_unique<KedaTarget>());
    add(file_.controls[1], nullptr);
  }

  void add(const ControlConfig& control, std::unique_ptr<ScaleTarget> target) {
    const QueueId id(static_cast<std::uint32_t>(queues_.size() + 1));
    queues_.push_back(std::make_unique<Controlled>(
        Controlled{.config = control,
                   .id = id,
                   .identity = {},
                   .reader = nullptr,
                   .target = std::move(target),
                   .queue = ControlledQueue(queue_settings(file_, control, id, false)),
                   .counts = {},
                   .reading_error = {},
                   .target_error = {},
                   .refusal = {},
                   .recommended = {},
                   .read_at = kReadAt,
                   .recorded_until = kReadAt}));
  }
  void set(std::uint32_t instances) { ASSERT_TRUE(queues_[0]->target->set(instances, {})); }
  KedaNumber number(Duration after = {}, std::string_view queue = "orders", std::string idle = "") const {
    return keda_number(file_, queues_, queue, std::move(idle), kReadAt + after);
  }
  /// The first whole second after the reading in which there is no number any more.
  Duration silent() const {
    Duration after{};
    while (after < 1h && number(after).state == State::Known) after += 1s;
    return after;
  }

  ControlFile file_;
  std::vector<std::unique_ptr<Controlled>> queues_;
};

TEST_F(KedaNumberTest, ThereIsNoneBeforeTheFirstWasDecidedAndThenTheLast) {
  EXPECT_EQ(number().state, State::Waiting);
  EXPECT_EQ(number().why, "there is no number yet: nothing was decided");
  for (const std::uint32_t instances : {3U, 0U, 40U}) {
    set(instances);
    EXPECT_EQ(number().state, State::Known);
    EXPECT_EQ(number().instances, instances);
    EXPECT_EQ(number().why, "");
  }
}

TEST_F(KedaNumberTest, AQueueThatIsNotThereOrHasAnotherTargetIsSaidWithThoseThatAre) {
  set(3);
  for (const char* other : {"mails", "order", ""}) {
    EXPECT_EQ(number({}, other).state, State::Unknown);
    EXPECT_EQ(number({}, other).why,
              "there is no queue '" + std::string(other) + "' with the target keda; there are: orders");
  }
  queues_.erase(queues_.begin());
  EXPECT_TRUE(number().why.ends_with("; there are: none")) << number().why;
}

TEST_F(KedaNumberTest, ACopyThatDoesNotActGivesNoneButKnowsItsQueues) {
  set(3);
  const KedaNumber none = number({}, "orders", "this copy follows b");
  EXPECT_EQ(none.state, State::Elsewhere);
  EXPECT_EQ(none.why, "no number is given here: this copy follows b");
  EXPECT_EQ(number({}, "others", "this copy follows b").state, State::Unknown);
}

TEST_F(KedaNumberTest, WithoutAReadingForSilentAfterThereIsNoneUntilTheNext) {
  set(3);
  EXPECT_EQ(silent(), 61s);
  EXPECT_EQ(number(61s).state, State::Waiting);
  EXPECT_NE(number(61s).why.find("longer than silent_after"), std::string::npos);
  queues_[0]->read_at += 61s;
  EXPECT_EQ(number(61s).instances, 3U) << "it was read again: what was decided last holds";
}

TEST_F(KedaNumberTest, SilenceIsStretchedByHowSeldomItIsReadAndHowLateMetricsCome) {
  set(3);
  file_.every = 30s;
  EXPECT_EQ(silent(), 91s) << "three readings may fail";
  file_.every = 20s;
  EXPECT_EQ(silent(), 61s);
  queues_[0]->config.silent_after = 10min;
  EXPECT_EQ(silent(), 601s);
  queues_[0]->config.metrics.kind = "cloudwatch";
  queues_[0]->config.metrics.lag = 3min;
  EXPECT_EQ(silent(), 781s) << "a cloud's metrics are late by themselves";
}

}  // namespace
}  // namespace forewarm
