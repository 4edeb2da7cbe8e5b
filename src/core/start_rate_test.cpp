#include <gtest/gtest.h>

#include "core/small_machine.h"

namespace forewarm {
namespace {

/// Room for all, and a limit on how fast they start.
class StartRate : public ::testing::Test, protected SmallMachine {
 protected:
  StartRate() {
    settings_.starts_per_second = 0.5;
    settings_.starts_burst = 2;
  }
};

TEST_F(StartRate, lets_a_burst_go_at_once_and_the_rest_as_time_allows) {
  add(1, 128);
  open();
  arrive(1, 5);
  EXPECT_EQ(happened(), " +1 +1");
  pass(1900ms);
  EXPECT_EQ(happened(), "");
  pass(100ms);
  EXPECT_EQ(happened(), " +1");
  pass(4s);
  EXPECT_EQ(happened(), " +1 +1") << "none is lost";
  pass(1h);
  EXPECT_EQ(happened(), "");
  starts_end();
  arrive(1, 10);
  EXPECT_EQ(happened(), " +1 +1") << "no more than the burst is saved up";
}

TEST_F(StartRate, serves_who_has_messages_before_who_plans_and_the_longest_waiting_first) {
  for (const std::uint32_t id : {1U, 2U, 3U, 4U}) add(id, 128);
  open();
  arrive(1, 2);
  EXPECT_EQ(happened(), " +1 +1");
  wishes_[QueueId(4)].planned = 1;
  pass(1s);  // its plan is made, and has to wait
  arrive(3);
  arrive(2);
  EXPECT_EQ(happened(), "");
  pass(6s);
  EXPECT_EQ(happened(), " +3 +2 +4");
}

TEST_F(StartRate, starts_nothing_for_who_needs_it_no_more) {
  for (const std::uint32_t id : {1U, 2U, 3U}) add(id, 128);
  open();
  arrive(1, 3);
  arrive(2);
  wishes_[QueueId(3)].planned = 1;
  pass(1s);
  wishes_[QueueId(3)].planned = 0;
  starts_end();
  runs_end(1);  // one of the two takes the third message
  happened();
  pass(1min);
  EXPECT_EQ(happened(), " +2");
}

TEST_F(StartRate, stops_nobody_before_a_start_is_allowed) {
  add(1, 128);
  add(2, 128);
  settings_.instances_max = settings_.starts_burst = 1;
  open();
  make_idle(1);
  arrive(2);
  stops_end();
  EXPECT_EQ(happened(), " -1 +2");
  starts_end();
  runs_end(2);
  arrive(1);
  EXPECT_EQ(happened(), "");
  pass(2s);
  EXPECT_EQ(happened(), " -2");
}

}  // namespace
}  // namespace forewarm
