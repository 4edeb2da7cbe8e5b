#include <gtest/gtest.h>

#include "core/small_machine.h"

namespace forewarm {
namespace {

class FullMachine : public ::testing::Test, protected SmallMachine {};

TEST_F(FullMachine, stops_what_is_worth_least_and_starts_when_it_is_gone) {
  add(1, 128, {.idle_value = 0.2});
  add(2, 128, {.idle_value = 0.1});
  add(3, 128);
  settings_.memory_max_bytes = 256 * kMegabyte;
  open();
  make_idle(2);
  make_idle(1);
  arrive(3);
  EXPECT_EQ(happened(), " -2");
  EXPECT_EQ(last_stop_, ScaleReason::Room);
  EXPECT_EQ(wishes_[QueueId(2)].evicted, 1);
  pass(10s);
  EXPECT_EQ(happened(), "") << "its memory is not free before it is gone";
  stops_end();
  EXPECT_EQ(happened(), " +3");
}

TEST_F(FullMachine, compares_by_memory_where_memory_is_short_and_by_instance_where_places_are) {
  add(1, 1024, {.idle_value = 0.4});
  add(2, 128, {.idle_value = 0.1});
  add(3, 128);
  settings_.memory_max_bytes = 1152 * kMegabyte;
  open();
  make_idle(1);
  make_idle(2);
  arrive(3);
  EXPECT_EQ(happened(), " -1");  // 0.4 a GiB, 0.8 a GiB

  core_.reset();
  settings_.memory_max_bytes = 0;
  settings_.instances_max = 2;
  open();
  make_idle(1);
  make_idle(2);
  arrive(3);
  EXPECT_EQ(happened(), " -2");
}

TEST_F(FullMachine, gives_the_longest_unused_of_those_that_are_worth_the_same) {
  for (const std::uint32_t id : {1U, 2U, 3U}) add(id, 128);
  settings_.instances_max = 2;
  open();
  make_idle(2);
  make_idle(1);
  arrive(3);
  EXPECT_EQ(happened(), " -2");
}

TEST_F(FullMachine, always_has_an_instance_for_a_function_without_any) {
  // Whatever the others are worth, and however many must go for it.
  add(1, 128, {.planned = 4, .idle_value = 1000, .constraint = Constraint::Minimum});
  add(2, 512, {.need_value = 0});
  settings_.memory_max_bytes = 600 * kMegabyte;
  open();
  starts_end();
  EXPECT_EQ(happened(), " +1 +1 +1 +1");
  arrive(2);
  EXPECT_EQ(happened(), " -1 -1 -1 -1");
  stops_end();
  EXPECT_EQ(happened(), " +2");
  pass(10s);
  EXPECT_EQ(happened(), "") << "a plan does not take the place of an instance that starts";
}

TEST_F(FullMachine, gathers_room_for_a_large_one_as_others_become_idle) {
  add(1, 128, {.idle_value = 1});
  add(2, 256);
  add(3, 128);
  settings_.memory_max_bytes = 256 * kMegabyte;
  open();
  arrive(1);
  arrive(3);
  starts_end();
  happened();
  arrive(2);
  pass(10s);
  EXPECT_EQ(happened(), "") << "who is busy is not stopped";
  arrive(1, 3);
  arrive(3, 3);
  EXPECT_EQ(happened(), "");
  runs_end(1);
  EXPECT_EQ(happened(), " -1") << "though messages wait for it";
  stops_end();
  pass(10s);
  EXPECT_EQ(happened(), "") << "nobody takes the room meanwhile";
  runs_end(3);
  stops_end();
  EXPECT_EQ(happened(), " -3 +2");
}

TEST_F(FullMachine, does_not_stop_one_of_the_function_that_needs_another) {
  add(1, 128, {.need_value = 1e9});
  settings_.mappings.push_back(settings_.mappings[0]);
  settings_.mappings[1].queue = QueueId(2);
  wishes_[QueueId(2)] = {};
  settings_.instances_max = 1;
  open();
  make_idle(1);
  wishes_[QueueId(2)].planned = 3;
  pass(10s);
  EXPECT_EQ(happened(), "");
}

TEST_F(FullMachine, gives_a_function_that_has_one_another_only_for_what_is_worth_less) {
  add(1, 128, {.idle_value = 0.5});
  add(2, 128, {.need_value = 0.4});
  settings_.instances_max = 2;
  open();
  make_idle(1);
  arrive(2, 2);
  pass(1s);
  EXPECT_EQ(happened(), " +2");
  wishes_[QueueId(2)].need_value = 0.6;
  starts_end();  // it takes the first message, and the second still waits
  pass(1s);
  EXPECT_EQ(happened(), " -1");
  stops_end();
  EXPECT_EQ(happened(), " +2");
}

TEST_F(FullMachine, keeps_idle_ones_for_messages_that_are_about_to_run_on_them) {
  add(1, 128);
  add(2, 128, {.need_value = 5});
  settings_.instances_max = 2;
  open();
  arrive(1);
  arrive(2);
  starts_end();
  arrive(1);
  arrive(2);
  happened();
  runs_end(1);
  pass(1s);
  EXPECT_EQ(happened(), "") << "the second message of 1 runs";
  runs_end(1);
  pass(1s);
  EXPECT_EQ(happened(), " -1");
}

TEST_F(FullMachine, lets_a_plan_put_out_only_what_is_clearly_worth_less_and_not_young) {
  add(1, 128, {.idle_value = 0.6});
  add(2, 128, {.planned = 0});
  settings_.instances_max = 1;
  open();
  make_idle(1);
  wishes_[QueueId(2)].planned = 1;  // worth its time: 1
  pass(10s);
  EXPECT_EQ(happened(), "");
  wishes_[QueueId(1)].idle_value = 0.4;
  pass(2s);
  EXPECT_EQ(happened(), " -1");
  stops_end();
  starts_end();
  EXPECT_EQ(happened(), " +2");
  wishes_[QueueId(2)].planned = 0;
  wishes_[QueueId(1)].planned = 1;
  pass(900ms);
  EXPECT_EQ(happened(), "") << "it has been ready for less than a start takes";
  pass(2s);
  EXPECT_EQ(happened(), " -2");
}

TEST_F(FullMachine, lets_a_plan_put_out_none_that_another_plan_wants) {
  add(1, 128, {.planned = 1});
  add(2, 128);
  settings_.instances_max = 1;
  open();
  starts_end();
  pass(10s);
  happened();
  wishes_[QueueId(2)].planned = 1;
  pass(1min);
  EXPECT_EQ(happened(), "");
  wishes_[QueueId(2)].constraint = Constraint::Minimum;
  pass(2s);
  EXPECT_EQ(happened(), " -1") << "but one that the operator asks for";
}

TEST_F(FullMachine, never_tries_what_cannot_fit) {
  add(1, 128);
  add(2, 512);
  settings_.memory_max_bytes = 256 * kMegabyte;
  open();
  make_idle(1);
  arrive(2);
  pass(10s);
  EXPECT_EQ(happened(), "");
  arrive(1, 2);
  EXPECT_EQ(happened(), " +1") << "and keeps nobody waiting";
}

TEST_F(FullMachine, counts_what_an_instance_held_when_it_was_started) {
  add(1, 256);
  add(2, 128);
  settings_.memory_max_bytes = 256 * kMegabyte;
  open();
  arrive(1);
  starts_end();
  settings_.functions[0].variants[0].memory_bytes = 128 * kMegabyte;
  open();
  happened();
  arrive(2);
  pass(1s);
  EXPECT_EQ(happened(), "");
  runs_end(1);
  stops_end();
  EXPECT_EQ(happened(), " -1 +2");
}

/// Needs of two functions at the same times, of which one takes longer to start; the third gets a message.
class DearStart : public FullMachine {
 protected:
  std::string given_up(std::uint32_t dear, std::uint32_t cheap) {
    make_scaler_ = [](const MappingSettings& mapping) { return make_predictive_scaler(mapping.scaling); };
    start_times_[FunctionId(dear)] = 20s;
    settings_.instances_max = 2;
    for (const std::uint32_t id : {1U, 2U, 3U}) add(id, 128);
    open();
    for (int i = 0; i < 100; ++i) {
      arrive(dear);
      arrive(cheap);
      starts_end();
      pass(100ms);
      runs_end(dear);
      runs_end(cheap);
      pass(3s * (1 + i % 3));
      stops_end();
    }
    EXPECT_EQ(idle(dear), 1U);
    EXPECT_EQ(idle(cheap), 1U);
    happened();
    arrive(3);
    return happened();
  }
};

TEST_F(DearStart, keeps_an_instance_against_a_cheap_one) {
  EXPECT_EQ(given_up(1, 2), " -2");
}

TEST_F(DearStart, keeps_an_instance_whichever_is_asked_first) {
  EXPECT_EQ(given_up(2, 1), " -1");
}

}  // namespace
}  // namespace forewarm
