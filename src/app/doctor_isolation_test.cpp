#include <gtest/gtest.h>

#include "app/doctor.h"

namespace forewarm {
namespace {

const std::vector<LayerState> kLayers{
    {.layer = IsolationLayer::SystemCalls, .active = true},
    {.layer = IsolationLayer::MemoryLimit, .active = false, .why = "no cgroup", .remedy = "mount one"}};

TEST(DoctorIsolation, ALayerThatIsMissingSaysWhyWhatIsAtRiskAndTheRemedy) {
  const std::vector<DoctorCheck> checks = check_isolation(ServerConfig{}, kLayers);
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_EQ(
      to_text(checks),
      "ok      isolation: system calls: active\n"
      "weak    isolation: memory limit: not available (no cgroup): a function that leaks can use up the "
      "machine's memory. memory_mb is not enforced over the whole instance, only a wide limit for each of "
      "its processes.\n"
      "        remedy: mount one\n");
  EXPECT_EQ(isolation_line(ServerConfig{}, kLayers),
            "system calls; not available (forewarm doctor says why): memory limit");
}

TEST(DoctorIsolation, WhatIsRequiredAndMissingHasFailed) {
  ServerConfig config;
  config.isolation = "required";
  EXPECT_EQ(check_isolation(config, kLayers)[1].health, Health::Failed);
}

TEST(DoctorIsolation, OffIsSaid) {
  ServerConfig config;
  config.isolation = "off";
  const std::vector<DoctorCheck> checks = check_isolation(config, {});
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].health, Health::Weak);
  EXPECT_NE(checks[0].detail.find("limits for memory and fork bombs are not enforced"), std::string::npos);
  EXPECT_NE(to_json(checks).find(R"("status":"weak")"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
