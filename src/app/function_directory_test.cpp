#include "app/function_directory.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

TEST(FunctionDirectory, RefusesWhatTheMachinesMemoryCannotHold) {
  FunctionDirectory functions;
  ServerConfig config;
  config.memory_max_mb = 512;
  config.starts_per_second = 2.5;
  config.starts_burst = 7;
  functions.configure(config);
  FunctionConfig added;
  added.name = "f";
  added.command = {"x"};
  added.memory_mb = 513;
  const Result<PutRecord> refused = functions.propose(added, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("above memory_max_mb = 512"), std::string::npos);
  added.memory_mb = 512;
  ASSERT_TRUE(functions.propose(added, {}));

  functions.accept(added, {});
  const Configuration made = functions.configuration(
      config, [](std::string_view) { return std::optional<QueueId>(); }, TimePoint{});
  EXPECT_EQ(made.memory_max_bytes, 512U << 20);
  EXPECT_EQ(made.functions.at(0).variants.at(0).memory_bytes, 512U << 20);
  EXPECT_EQ(made.starts_per_second, 2.5);
  EXPECT_EQ(made.starts_burst, 7U);
}

TEST(FunctionDirectory, SaysWhichOfTheServersOwnANewFileLeavesNoRoomFor) {
  FunctionDirectory functions;
  ServerConfig config;
  config.memory_max_mb = 512;
  FunctionConfig added;
  added.command = {"x"};
  for (const auto& [name, memory_mb] : {std::pair("large", 400), {"small", 100}}) {
    added.name = name;
    added.memory_mb = memory_mb;
    functions.accept(added, {});
  }
  EXPECT_TRUE(functions.configure(config).empty());
  config.memory_max_mb = 399;
  const std::vector<std::string> unfit = functions.configure(config);
  ASSERT_EQ(unfit.size(), 1U);
  EXPECT_NE(unfit[0].find("'large' has memory_mb = 400, above memory_max_mb = 399"), std::string::npos);
  EXPECT_NE(functions.find("large"), nullptr);
}

TEST(FunctionDirectory, AFunctionElsewhereHoldsNoMemoryHereAndIsTheConfigurationFilesAlone) {
  FunctionDirectory functions;
  ServerConfig config;
  config.memory_max_mb = 64;
  FunctionConfig elsewhere;
  elsewhere.name = "f";
  elsewhere.runtime = "aws-lambda";
  elsewhere.remote.function = "f";
  config.functions = {elsewhere};
  functions.configure(config);
  const Configuration made = functions.configuration(
      config, [](std::string_view) { return std::optional<QueueId>(); }, TimePoint{});
  EXPECT_EQ(made.functions.at(0).variants.at(0).memory_bytes, 0U);
  EXPECT_EQ(made.functions.at(0).start_time_guess, 1ms);
  elsewhere.name = "g";
  const Result<PutRecord> refused = functions.propose(elsewhere, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("only the configuration file can define it"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
