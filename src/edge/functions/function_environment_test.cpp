#include "edge/functions/function_environment.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace forewarm {
namespace {

TEST(FunctionEnvironment, HasWhatLambdaSets) {
  const FunctionCommand function{.name = "resize",
                                 .version = 3,
                                 .command = {},
                                 .working_directory = "/srv/resize",
                                 .environment = {{"COLOUR", "red"}, {"TZ", "Europe/Vienna"}},
                                 .handler = "index.handler",
                                 .memory_bytes = 256ULL << 20};
  const Environment environment =
      instance_environment(function, InstanceId(7), 4711, "owner", {{"PATH", "/bin"}});
  EXPECT_EQ(environment.at("AWS_LAMBDA_RUNTIME_API"), "127.0.0.1:4711");
  EXPECT_EQ(environment.at("AWS_LAMBDA_FUNCTION_NAME"), "resize");
  EXPECT_EQ(environment.at("AWS_LAMBDA_FUNCTION_VERSION"), "3");
  EXPECT_EQ(environment.at("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), "256");
  EXPECT_EQ(environment.at("AWS_LAMBDA_LOG_GROUP_NAME"), "/aws/lambda/resize");
  EXPECT_EQ(environment.at("_HANDLER"), "index.handler");
  EXPECT_EQ(environment.at("LAMBDA_TASK_ROOT"), "/srv/resize");
  EXPECT_EQ(environment.at("PATH"), "/bin");
  EXPECT_EQ(environment.at("COLOUR"), "red");
  EXPECT_EQ(environment.at("TZ"), "Europe/Vienna");
  EXPECT_EQ("FOREWARM_OWNER=" + environment.at("FOREWARM_OWNER"), owner_entry("owner"));
  EXPECT_EQ("FOREWARM_INSTANCE=" + environment.at("FOREWARM_INSTANCE"), instance_mark(InstanceId(7)));
}

TEST(FunctionEnvironment, AFunctionCannotChangeWhoItIs) {
  const FunctionCommand function{.name = "f",
                                 .command = {},
                                 .working_directory = {},
                                 .environment = {{"FOREWARM_INSTANCE", "x"}, {"AWS_LAMBDA_RUNTIME_API", "x"}},
                                 .handler = {}};
  const Environment environment = instance_environment(function, InstanceId(1), 1, "", {});
  EXPECT_NE(environment.at("FOREWARM_INSTANCE"), "x");
  EXPECT_NE(environment.at("AWS_LAMBDA_RUNTIME_API"), "x");
}

TEST(FunctionEnvironment, HttpServersAreToldTheirPortAsTheirPlatformTellsIt) {
  FunctionCommand function;
  function.name = "f";
  function.runtime = RuntimeKind::AzureCustomHandler;
  function.app_root = "/srv/app";
  function.environment = {{"FUNCTIONS_CUSTOMHANDLER_PORT", "1"}, {"PORT", "1"}, {"FUNCTION_TARGET", "own"}};
  Environment environment = instance_environment(function, InstanceId(1), 4711, "", {{"PATH", "/bin"}});
  EXPECT_EQ(environment.at("FUNCTIONS_CUSTOMHANDLER_PORT"), "4711");
  EXPECT_EQ(environment.at("FUNCTIONS_HTTPWORKER_PORT"), "4711");
  EXPECT_EQ(environment.at("FUNCTIONS_APP_ROOT_PATH"), "/srv/app");
  EXPECT_EQ(environment.at("PATH"), "/bin");
  EXPECT_FALSE(environment.contains("AWS_LAMBDA_RUNTIME_API"));
  function.runtime = RuntimeKind::FunctionsFramework;
  function.handler = "target";
  environment = instance_environment(function, InstanceId(1), 4711, "", {});
  EXPECT_EQ(environment.at("PORT"), "4711");
  EXPECT_EQ(environment.at("K_SERVICE"), "f");
  EXPECT_EQ(environment.at("FUNCTION_TARGET"), "own");
  function.environment.clear();
  EXPECT_EQ(instance_environment(function, InstanceId(1), 4711, "", {}).at("FUNCTION_TARGET"), "target");
}

TEST(FunctionEnvironment, TheServersSecretsAreNotInherited) {
  ASSERT_EQ(setenv("FOREWARM_TEST_SECRET", "hush", 1), 0);
  EXPECT_FALSE(inherited_environment().contains("FOREWARM_TEST_SECRET"));
  EXPECT_TRUE(inherited_environment().contains("PATH"));
  unsetenv("FOREWARM_TEST_SECRET");
}

}  // namespace
}  // namespace forewarm
