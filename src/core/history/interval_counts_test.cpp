#include "core/history/interval_counts.h"

#include <gtest/gtest.h>

#include <cmath>

namespace forewarm {
namespace {

TimePoint at(double seconds_since_epoch) {
  return TimePoint(from_seconds(seconds_since_epoch));
}

TEST(IntervalCounts, ASilentQueueHoldsNothingAndClosesNothing) {
  IntervalCounts counts(10s, 8640);
  EXPECT_EQ(counts.advance(at(1e9)), 0U);
  counts.mark_gap(at(2e9));
  EXPECT_TRUE(counts.empty());
  EXPECT_EQ(counts.closed(), 0U);
  EXPECT_TRUE(counts.arrivals(10).empty());
}

TEST(IntervalCounts, StepsAreAlignedToTheEpochNotToTheFirstArrival) {
  IntervalCounts counts(10s, 8);
  counts.observe_arrival(at(1007.5), 100, 4);
  EXPECT_EQ(counts.open_start(), at(1000));
  EXPECT_EQ(counts.advance(at(1009.999999)), 0U);
  EXPECT_EQ(counts.advance(at(1010)), 1U);
  EXPECT_EQ(counts.open_start(), at(1010));
  EXPECT_EQ(counts.closed_at(0).arrivals, 1);
  IntervalCounts before_epoch(10s, 8);
  before_epoch.observe_arrival(at(-3), 0, 4);
  EXPECT_EQ(before_epoch.open_start(), at(-10));
}

TEST(IntervalCounts, AStepThatAnArrivalClosedIsReportedToWhoAsksNext) {
  IntervalCounts counts(10s, 8);
  counts.observe_arrival(at(1001), 10, Priority(0));
  counts.observe_arrival(at(1012), 10, Priority(0));
  counts.observe_work(at(1021), 1s);
  EXPECT_EQ(counts.advance(at(1021.5)), 2U);
  EXPECT_EQ(counts.advance(at(1029)), 0U);
}

TEST(IntervalCounts, CountsArrivalsBytesWorkAndPrioritiesOfAStep) {
  IntervalCounts counts(10s, 8);
  counts.observe_arrival(at(1), 100, 9);
  counts.observe_arrival(at(2), 50, 0);
  counts.observe_arrival(at(3), 50, 200);
  counts.observe_work(at(4), 2500ms);
  EXPECT_EQ(counts.open().arrivals, 3);
  EXPECT_EQ(counts.open_by_priority()[9], 2);
  EXPECT_EQ(counts.open_by_priority()[0], 1);
  counts.observe_arrival(at(10), 7, 4);
  EXPECT_EQ(counts.closed_at(0).arrivals, 3);
  EXPECT_EQ(counts.closed_at(0).bytes, 200);
  EXPECT_EQ(counts.closed_at(0).work_seconds, 2.5F);
  EXPECT_EQ(counts.open().arrivals, 1);
  EXPECT_EQ(counts.open_by_priority()[9], 0);
}

TEST(IntervalCounts, QuietStepsAreZerosAndStepsWithoutTheServerAreGaps) {
  IntervalCounts counts(10s, 20);
  counts.observe_arrival(at(0), 1, 4);
  counts.observe_arrival(at(31), 1, 4);  // two quiet steps between
  counts.mark_gap(at(55));               // down from 31 to 55: steps 30 and 40 and a part of 50
  counts.observe_arrival(at(56), 1, 4);
  counts.observe_arrival(at(60), 1, 4);
  counts.advance(at(70));
  const std::vector<float> arrivals = counts.arrivals(20);
  ASSERT_EQ(arrivals.size(), 7U);
  EXPECT_EQ(arrivals[0], 1);
  EXPECT_EQ(arrivals[1], 0);
  EXPECT_EQ(arrivals[2], 0);
  EXPECT_TRUE(std::isnan(arrivals[3]));
  EXPECT_TRUE(std::isnan(arrivals[4]));
  EXPECT_TRUE(std::isnan(arrivals[5]));
  EXPECT_EQ(arrivals[6], 1);
  EXPECT_TRUE(std::isnan(counts.closed_at(1).work_seconds));
}

TEST(IntervalCounts, AGapThatEndsOnAStepsStartLeavesThatStepMeasured) {
  IntervalCounts counts(10s, 20);
  counts.observe_arrival(at(0), 1, 4);
  counts.mark_gap(at(20));
  counts.observe_arrival(at(21), 1, 4);
  counts.advance(at(30));
  EXPECT_EQ(counts.closed_at(0).arrivals, 1);
  EXPECT_TRUE(std::isnan(counts.closed_at(1).arrivals));
}

TEST(IntervalCounts, TheRingKeepsTheNewestStepsInOrder) {
  IntervalCounts counts(1s, 5);
  for (int step = 0; step < 12; ++step) {
    for (int i = 0; i < step; ++i) counts.observe_arrival(at(step), 1, 4);
  }
  counts.observe_arrival(at(12), 1, 4);
  EXPECT_EQ(counts.closed(), 5U);
  EXPECT_EQ(counts.arrivals(100), (std::vector<float>{7, 8, 9, 10, 11}));
  EXPECT_EQ(counts.arrivals(2), (std::vector<float>{10, 11}));
  EXPECT_EQ(counts.closed_at(4).arrivals, 7);
}

TEST(IntervalCounts, ALeapOverCenturiesIsOneBoundedMove) {
  IntervalCounts counts(1s, 5);
  counts.observe_arrival(at(0), 1, 4);
  EXPECT_EQ(counts.advance(at(8e9)), 8'000'000'000U);
  EXPECT_EQ(counts.arrivals(9), (std::vector<float>{0, 0, 0, 0, 0}));
  EXPECT_EQ(counts.open_start(), at(8e9));
}

TEST(IntervalCounts, AnObservationFromBeforeTheOpenStepIsNotLost) {
  IntervalCounts counts(10s, 5);
  counts.observe_arrival(at(25), 1, 4);
  counts.observe_arrival(at(3), 1, 4);
  EXPECT_EQ(counts.open().arrivals, 2);
  EXPECT_EQ(counts.open_start(), at(20));
}

TEST(IntervalCounts, ShortRunsAddUpBesideMuchWork) {
  IntervalCounts counts(10s, 5);
  counts.observe_work(at(0), 1'000'000s);
  for (int i = 0; i < 10'000; ++i) counts.observe_work(at(1), 1ms);
  EXPECT_EQ(counts.open().work_seconds, 1'000'010.0F);
}

std::vector<IntervalCount> before(std::initializer_list<float> arrivals) {
  std::vector<IntervalCount> steps;
  for (const float each : arrivals)
    steps.push_back({.arrivals = each, .bytes = 10 * each, .work_seconds = 0});
  return steps;
}

TEST(IntervalCounts, APastIsPutInFrontAndTheTimeBetweenIsAGap) {
  IntervalCounts counts(1s, 10);
  counts.restore(at(2), before({1, 2}), at(5.5));
  EXPECT_EQ(counts.open_start(), at(5));
  ASSERT_EQ(counts.closed(), 3U);
  EXPECT_EQ(counts.closed_at(2).arrivals, 1);
  EXPECT_EQ(counts.closed_at(1).bytes, 20);
  EXPECT_TRUE(std::isnan(counts.closed_at(0).arrivals));
  counts.observe_arrival(at(5.7), 1, 4);
  counts.observe_arrival(at(6), 1, 4);
  EXPECT_TRUE(std::isnan(counts.closed_at(0).arrivals));  // it was not watched from its beginning
  counts.advance(at(7));
  EXPECT_EQ(counts.closed_at(0).arrivals, 1);
}

TEST(IntervalCounts, APastDoesNotTouchWhatWasObservedHere) {
  IntervalCounts counts(1s, 10);
  counts.observe_arrival(at(4), 1, 4);
  counts.observe_arrival(at(5), 1, 4);
  counts.observe_arrival(at(6), 1, 4);
  counts.restore(at(1), before({7, 8, 9, 9, 9, 9, 9, 9}), at(6));
  counts.observe_arrival(at(6), 1, 4);
  counts.advance(at(7));
  EXPECT_EQ(counts.arrivals(20), (std::vector<float>{7, 8, 9, 1, 1, 2}));
}

TEST(IntervalCounts, OfALongPastTheNewestIsKept) {
  IntervalCounts counts(1s, 4);
  counts.observe_arrival(at(8), 1, 4);
  counts.advance(at(9));
  counts.restore(at(1), before({1, 2, 3, 4, 5, 6}), at(9));
  ASSERT_EQ(counts.closed(), 4U);
  const std::vector<float> arrivals = counts.arrivals(9);
  EXPECT_EQ(arrivals[0], 5);
  EXPECT_EQ(arrivals[1], 6);
  EXPECT_TRUE(std::isnan(arrivals[2]));
  EXPECT_EQ(arrivals[3], 1);
  for (int step = 9; step < 20; ++step) counts.observe_arrival(at(step), 1, 4);
  EXPECT_EQ(counts.arrivals(9), (std::vector<float>{1, 1, 1, 1}));
}

TEST(IntervalCounts, APastThatIsNoneChangesNothing) {
  IntervalCounts counts(1s, 4);
  counts.restore(at(1), {}, at(9));
  EXPECT_TRUE(counts.empty());
  counts.restore(at(20), before({1}), at(9));
  EXPECT_TRUE(counts.empty());
  counts.observe_arrival(at(10), 1, 4);
  EXPECT_EQ(counts.open_start(), at(10));
}

}  // namespace
}  // namespace forewarm
