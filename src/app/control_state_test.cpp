#include "app/control_state.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

class ControlStateTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  const std::string data = folder_.path();
};

TEST_F(ControlStateTest, WhatWasFoundIsThereAfterARestart) {
  const KeptTarget kept{.target = "keda|worker",
                        .found = std::nullopt,
                        .told = 7,
                        .changed = true,
                        .since = TimePoint(1'700'000'000s),
                        .beside = 3};
  const auto kept_well = [](const Result<void>& done) { EXPECT_TRUE(done) << done.error().message; };
  {
    const auto state = open_state_file(data);
    ASSERT_TRUE(state);
    (*state)->keep_found("orders", kept, kept_well);
    KeptTarget later = kept;
    later.found = 9;
    (*state)->keep_found("orders", later, kept_well);
    (*state)->keep_told("orders", "keda|worker", 7, kept_well);
    (*state)->keep_told("orders", "keda|another", 8, kept_well);
  }
  const auto again = open_state_file(data);
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_NE((*again)->find("orders", "keda|worker"), nullptr);
  EXPECT_EQ(*(*again)->find("orders", "keda|worker"), kept);
  EXPECT_EQ((*again)->find("orders", "keda|another"), nullptr);
  (*again)->forget("orders", kept_well);
  EXPECT_TRUE(open_state_file(data).value()->all().empty());
}

TEST_F(ControlStateTest, AnotherFileIsNamedAndLeftAsItIs) {
  std::ofstream(data + "/control-state.json") << "{\"queues\":7}";
  const auto state = open_state_file(data);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::Corrupt);
  EXPECT_NE(state.error().message.find("control-state.json"), std::string::npos);
}

TEST_F(ControlStateTest, OneThatCannotBeReadIsNotCalledDamaged) {
  std::filesystem::create_directory(folder_.path_of("control-state.json"));
  const auto state = open_state_file(data);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::Io);
  EXPECT_NE(state.error().message.find("cannot be read (Is a directory)"), std::string::npos)
      << state.error().message;
  EXPECT_EQ(state.error().message.find("Move it away"), std::string::npos);
}

TEST_F(ControlStateTest, WhatCannotBeWrittenSaysWhyAndHasNotChanged) {
  auto state = open_state_file(data);
  ASSERT_TRUE(state);
  std::filesystem::create_directory(folder_.path_of("control-state.json.new"));  // where it is written first
  KeptTarget found;
  found.target = "keda|worker";
  Result<void> kept;
  (*state)->keep_found("orders", found, [&](Result<void> done) { kept = std::move(done); });
  ASSERT_FALSE(kept);
  EXPECT_NE(kept.error().message.find("(Is a directory); no target is told anything"), std::string::npos)
      << kept.error().message;
  EXPECT_EQ((*state)->find("orders", "keda|worker"), nullptr);
}

}  // namespace
}  // namespace forewarm
