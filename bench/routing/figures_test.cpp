#include "routing/figures.h"

#include <gtest/gtest.h>

#include "routing/peers.h"

namespace forewarm::bench {
namespace {

TEST(RoutingFigures, JainIsOneForEqualSharesAndOneOverNForOneThatHasAll) {
  EXPECT_DOUBLE_EQ(jain({3, 3, 3, 3}), 1);
  EXPECT_DOUBLE_EQ(jain({5, 0, 0, 0}), 0.25);
}

TEST(RoutingFigures, WhatOneDoesNotAskForIsSharedByTheOthers) {
  EXPECT_EQ(max_min_shares({1, 10, 4}, 9), (std::vector<double>{1, 4, 4}));
  EXPECT_EQ(max_min_shares({1, 2}, 9), (std::vector<double>{1, 2}));
}

TEST(RoutingFigures, AQuantileIsOneOfTheValues) {
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0.5), 3);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0.99), 4);
  EXPECT_EQ(quantile({}, 0.5), 0);
}

Arrival arrival(Duration at, Duration service) {
  return {.at = at, .service_time = service};
}

PeerOptions two(PeerPolicy policy) {
  return {.policy = policy, .variants = {0, 0}, .work_time = [](const SimulatedWork& work) {
            return work.service_time;
          }};
}

TEST(RoutingPeers, RoundRobinQueuesBehindALongRunWhereLeastLoadedDoesNot) {
  const std::vector<Arrival> arrivals = {arrival(0s, 10s), arrival(1s, 1s), arrival(3s, 1s)};
  EXPECT_EQ(run_peer(arrivals, two(PeerPolicy::RoundRobin))[2].start, Duration(10s));
  EXPECT_EQ(run_peer(arrivals, two(PeerPolicy::LeastLoaded))[2].start, Duration(3s));
}

TEST(RoutingPeers, ACentralQueueLosesNoTimeWhileSomebodyIsFree) {
  const std::vector<Arrival> arrivals = {arrival(0s, 10s), arrival(0s, 10s), arrival(1s, 1s)};
  EXPECT_EQ(run_peer(arrivals, two(PeerPolicy::Fifo))[2].start, Duration(10s));
}

}  // namespace
}  // namespace forewarm::bench
