#include "core/route/memory_model.h"

#include <gtest/gtest.h>

#include "base/math.h"
#include "base/random.h"
#include "core/route/dispatcher.h"

namespace forewarm {
namespace {

const MessageClass kLight{.size = 5, .type = MessageTypeId(1)};
const MessageClass kHeavy{.size = 5, .type = MessageTypeId(2)};

constexpr std::uint64_t megabytes(double count) {
  return static_cast<std::uint64_t>(count * (1 << 20));
}

std::vector<FunctionVariant> sizes(std::uint64_t small, std::uint64_t large) {
  return {{.memory_bytes = megabytes(static_cast<double>(small))},
          {.memory_bytes = megabytes(static_cast<double>(large))}};
}

MemoryModel model_of(std::uint64_t small, std::uint64_t large) {
  MemoryModel model;
  model.configure(sizes(small, large));
  return model;
}

void measure(MemoryModel& model, std::uint16_t variant, MessageClass message, double megabytes_each, int runs,
             bool whole = true) {
  for (int i = 0; i < runs; ++i) model.observe_peak(variant, message, megabytes(megabytes_each), whole);
}

TEST(MemoryModel, NothingIsOutgrownBeforeAnythingWasMeasured) {
  const MemoryModel model = model_of(128, 512);
  EXPECT_FALSE(model.outgrows(0, kHeavy, 0));
  EXPECT_EQ(model.need(kHeavy).evidence, 0U);
  EXPECT_EQ(model.most_needed().high_bytes, 0);
}

TEST(MemoryModel, TypesOfOneSizeAreToldApartAfterOneMeasuredRun) {
  MemoryModel model = model_of(128, 512);
  measure(model, 0, kLight, 50, 20);
  measure(model, 1, kHeavy, 300, 1);
  EXPECT_TRUE(model.outgrows(0, kHeavy, 0));
  EXPECT_FALSE(model.outgrows(1, kHeavy, 0));
  EXPECT_FALSE(model.outgrows(0, kLight, 0));
}

TEST(MemoryModel, WhatRanOnTheLargeVariantAloneIsKnownToFitInTheSmallOne) {
  MemoryModel model = model_of(128, 512);
  measure(model, 1, kLight, 60, 20);
  EXPECT_FALSE(model.outgrows(0, kLight, 0));
  EXPECT_NEAR(model.need(kLight).typical_bytes, 60 << 20, 3 << 20);
}

TEST(MemoryModel, ItsHighQuantileIsThatOfTheMessages) {
  MemoryModel model = model_of(128, 512);
  Random random(3);
  const auto draw = [&] { return random.log_normal(log(100.0), 0.3); };
  for (int i = 0; i < 300; ++i) measure(model, 1, kHeavy, draw(), 1);
  const MemoryModel::Need need = model.need(kHeavy);
  int above = 0;
  for (int i = 0; i < 20'000; ++i) above += megabytes(draw()) > static_cast<std::uint64_t>(need.high_bytes);
  EXPECT_GT(above, 40);   // 0.2 %
  EXPECT_LT(above, 500);  // 2.5 %
}

TEST(MemoryModel, ALowerBoundLiftsWhatIsPredictedAndNeverLowersIt) {
  MemoryModel model = model_of(128, 512);
  measure(model, 1, kHeavy, 300, 20);
  const double before = model.need(kHeavy).high_bytes;
  measure(model, 0, kHeavy, 126, 50);        // squeezed into what there was
  measure(model, 1, kHeavy, 40, 50, false);  // failed early
  EXPECT_EQ(model.need(kHeavy).high_bytes, before);
  measure(model, 1, kHeavy, 450, 50, false);  // failed late
  EXPECT_GT(model.need(kHeavy).typical_bytes, static_cast<double>(megabytes(330)));
}

TEST(MemoryModel, AClassThatFillsItsVariantOutgrowsIt) {
  MemoryModel model = model_of(128, 512);
  measure(model, 0, kHeavy, 122, 10);
  EXPECT_TRUE(model.outgrows(0, kHeavy, 10));
}

TEST(MemoryModel, APeakAboveWhatIsOnlyDeclaredIsTakenWhole) {
  MemoryModel model = model_of(128, 512);
  measure(model, 0, kHeavy, 200, 20);
  EXPECT_NEAR(model.need(kHeavy).typical_bytes, 200 << 20, 10 << 20);
  EXPECT_TRUE(model.outgrows(0, kHeavy, 20));
}

TEST(MemoryModel, AHundredRunsWithoutACrashRefuteAPrediction) {
  MemoryModel model = model_of(512, 2048);
  measure(model, 1, kHeavy, 600, 20);  // takes more where there is more
  EXPECT_TRUE(model.outgrows(0, kHeavy, 99));
  EXPECT_FALSE(model.outgrows(0, kHeavy, 100));
  model.observe_end(0, kHeavy, true);
  EXPECT_TRUE(model.outgrows(0, kHeavy, 100));
}

TEST(MemoryModel, CrashesAloneOutgrowAVariantToo) {
  MemoryModel model = model_of(128, 512);
  measure(model, 1, kLight, 30, 20);
  for (int i = 0; i < 4; ++i) model.observe_end(0, kLight, true);
  EXPECT_TRUE(model.outgrows(0, kLight, 0));
  EXPECT_FALSE(model.outgrows(1, kLight, 0));
}

TEST(MemoryModel, WhatIsNeededIsKeptWhenVariantsChange) {
  MemoryModel model = model_of(128, 512);
  measure(model, 1, kHeavy, 300, 10);
  model.configure(sizes(256, 1024));
  EXPECT_TRUE(model.outgrows(0, kHeavy, 0));
  model.configure(sizes(768, 1024));
  EXPECT_FALSE(model.outgrows(0, kHeavy, 0));
}

TEST(MemoryModel, MoreTypesThanItKeepsAreBounded) {
  MemoryModel model = model_of(128, 512);
  for (std::uint32_t type = 1; type <= 5'000; ++type)
    measure(model, 1, {.size = 5, .type = MessageTypeId(type)}, 60, 1);
  EXPECT_EQ(model.measured(), 5'000U);
  EXPECT_LT(model.most_needed().high_bytes, static_cast<double>(megabytes(128)));
}

TEST(Outlooks, TheCheapestVariantThatMeetsTheNeedIsTheBest) {
  FunctionSettings settings;
  settings.variants = sizes(128, 512);
  settings.timeout = 10s;
  ServiceModel model;
  model.configure(settings.variants);
  for (int i = 0; i < 20; ++i) {
    for (const MessageClass message : {kLight, kHeavy}) {
      model.observe(0, message, 200ms);
      model.observe(1, message, 100ms);  // twice as fast and four times as large: dearer
    }
  }
  const auto best = [&](MessageClass message) {
    return best_variant(outlooks(model, settings, message, 0), settings);
  };
  EXPECT_EQ(best(kHeavy), 0);
  measure(model.memory(), 1, kHeavy, 300, 3);
  measure(model.memory(), 1, kLight, 50, 3);
  EXPECT_EQ(best(kHeavy), 1);
  EXPECT_EQ(best(kLight), 0);
}

}  // namespace
}  // namespace forewarm
