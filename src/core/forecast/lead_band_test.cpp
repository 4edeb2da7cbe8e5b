#include "core/forecast/lead_band.h"

#include <gtest/gtest.h>

#include <cmath>

namespace forewarm {
namespace {

TEST(BetweenBands, GoesFromOneBandToTheNextWithoutAJump) {
  const double of_band[kLeadBands] = {0, 1, 2};
  double before = 0;
  for (std::size_t lead = 1; lead <= 200; ++lead) {
    const BetweenBands at(lead);
    const double here = at.of(of_band[at.near], of_band[at.far]);
    EXPECT_GE(here, before) << lead;
    EXPECT_LE(here, before + 0.3) << lead;
    before = here;
  }
  EXPECT_EQ(before, 2);
  EXPECT_EQ(BetweenBands(1).near, BetweenBands(1).far);
}

TEST(BetweenBands, IsTheBandItselfInItsMiddle) {
  for (const std::size_t lead : {2, 9, 30}) {
    const BetweenBands at(lead);
    EXPECT_EQ(at.near, lead_band(lead));
    EXPECT_EQ(at.far, lead_band(lead));
  }
}

}  // namespace
}  // namespace forewarm
