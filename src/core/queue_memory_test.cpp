#include <gtest/gtest.h>

#include "core/small_machine.h"

namespace forewarm {
namespace {

constexpr QueueId kReopened(1);

/// A queue that was watched before: which of its models were right.
class ReopenedQueue : public ::testing::Test, protected SmallMachine {
 protected:
  ReopenedQueue() {
    add(1, 128);
    open();
    kept_.choice = {.step = settings_.forecast.step,
                    .models = {{ModelId::SeasonalQuantiles, 8, 4}, {ModelId::ExponentialSmoothing, 2, 4}},
                    .naive_sum = 12,
                    .naive_weight = 4,
                    .covered = std::vector<double>(kForecastLevelCount, 3),
                    .covered_weight = 4,
                    .scored = 4};
  }

  QueueMemory kept_;
};

TEST_F(ReopenedQueue, KnowsWhichModelsWereRightAndSaysSoAgain) {
  EXPECT_FALSE(core_->queue_memory(kReopened)) << "nothing was learnt";
  step(QueueRestored{kReopened, kept_});
  EXPECT_DOUBLE_EQ(core_->queue(kReopened).choice->loss(ModelId::ExponentialSmoothing), 0.5);
  EXPECT_DOUBLE_EQ(core_->queue(kReopened).choice->naive_loss(), 3);
  EXPECT_EQ(core_->queue_memory(kReopened), kept_);
}

TEST_F(ReopenedQueue, TakesNothingOfOtherStepsAndNothingTwice) {
  kept_.choice.step *= 2;
  step(QueueRestored{kReopened, kept_});
  EXPECT_FALSE(core_->queue_memory(kReopened)) << "losses are of messages a step";
  kept_.choice.step /= 2;
  step(QueueRestored{kReopened, kept_});
  QueueMemory other = kept_;
  other.choice.naive_sum = 1;
  step(QueueRestored{kReopened, other});
  EXPECT_EQ(core_->queue_memory(kReopened), kept_);
  step(QueueRestored{QueueId(9), kept_});
  EXPECT_FALSE(core_->queue_memory(QueueId(9)));
}

}  // namespace
}  // namespace forewarm
