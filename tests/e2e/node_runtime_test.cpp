#include <gtest/gtest.h>

#include <filesystem>

#include "e2e/pool_fixture.h"

namespace forewarm {
namespace {

/// Amazon's runtime interface client for Node, unmodified. tests/e2e/install_node_runtime builds it once.
class NodeRuntimeTest : public PoolFixture {
 protected:
  void SetUp() override {
    PoolFixture::SetUp();
    client_ = FOREWARM_NODE_RUNTIME "/node_modules/.bin/aws-lambda-ric";
    ASSERT_TRUE(std::filesystem::exists(client_)) << "run tests/e2e/install_node_runtime first";
  }
  FunctionCommand node(std::string handler) const {
    FunctionCommand function = command({client_, handler}, handler);
    function.working_directory = FOREWARM_HANDLERS "/node";
    function.read_paths = {FOREWARM_NODE_RUNTIME};
    return function;
  }
  std::string client_;
};

TEST_F(NodeRuntimeTest, RunsAHandlerAndReportsWhatItThrows) {
  const InstanceId instance = start(node("index.handler"));
  ASSERT_TRUE(wait_ready(instance)) << lost_[instance].detail;
  for (int i = 1; i <= 3; ++i) {
    const PoolFinished finished = wait_finished(run(instance, "{\"number\":" + std::to_string(i) + "}"));
    EXPECT_EQ(finished.error, ErrorClass::None) << finished.error_message;
    EXPECT_EQ(finished.response, "{\"doubled\":" + std::to_string(2 * i) + ",\"remaining\":true}");
  }
  const PoolFinished failed = wait_finished(run(instance, R"({"fail":true})"));
  EXPECT_EQ(failed.error, ErrorClass::Handler);
  EXPECT_EQ(failed.error_type, "RangeError");
  EXPECT_EQ(failed.error_message, "as asked");
  wait_until([&] { return logged("run request-1 of test"); });
  freeze(instance);
  EXPECT_EQ(wait_finished(run(instance, R"({"number":4})")).response, R"({"doubled":8,"remaining":true})");
  stop(instance);
  EXPECT_EQ(wait_lost(instance).reason, LossReason::Stopped);
}

TEST_F(NodeRuntimeTest, AModuleThatThrowsWhileLoadingIsAnInitError) {
  const PoolLost lost = wait_lost(start(node("broken.handler")));
  EXPECT_EQ(lost.reason, LossReason::StartFailed);
  EXPECT_NE(lost.detail.find("this module never loads"), std::string::npos) << lost.detail;
}

}  // namespace
}  // namespace forewarm
