#include <gtest/gtest.h>

#include "e2e/pool_fixture.h"

namespace forewarm {
namespace {

class ShellRuntimeTest : public PoolFixture {};

TEST_F(ShellRuntimeTest, AShellScriptWithCurlIsARuntime) {
  const InstanceId instance = start(command({FOREWARM_HANDLERS "/shell_bootstrap.sh"}));
  ASSERT_TRUE(wait_ready(instance)) << lost_[instance].detail;
  EXPECT_EQ(wait_finished(run(instance, R"({"a":1})")).response, R"(shell got {"a":1})");
  const PoolFinished failed = wait_finished(run(instance, "\"fail\""));
  EXPECT_EQ(failed.error, ErrorClass::Handler);
  EXPECT_EQ(failed.error_type, "Shell.Failed");
  wait_until([&] { return logged("event of 7 bytes"); });
  freeze(instance);  // the shell and its curl
  EXPECT_EQ(wait_finished(run(instance, "2")).response, "shell got 2");
  stop(instance);
  EXPECT_EQ(wait_lost(instance).reason, LossReason::Stopped);
}

}  // namespace
}  // namespace forewarm
