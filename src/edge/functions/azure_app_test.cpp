#include "edge/functions/azure_app.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

class AzureAppTest : public ::testing::Test {
 protected:
  void write(const std::string& path, std::string_view text) const {
    fs::create_directories(fs::path(folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
  }

  TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(AzureAppTest, ItsHandlerIsAProgramOfTheAppOrOfPath) {
  write("host.json",
        "\xef\xbb\xbf"
        R"({"version": "2.0", // comments are allowed
    "customHandler": {"description": {"defaultExecutablePath": "node", "arguments": ["server.js", "--fast"]},
                      "enableForwardingHttpRequest": true},})");
  Result<AzureApp> app = read_azure_app(folder_);
  ASSERT_TRUE(app) << app.error().message;
  EXPECT_EQ(app->command, (std::vector<std::string>{"node", "server.js", "--fast"}));
  write("bin/node", "");
  write("host.json",
        R"({"customHandler":{"description":{"defaultExecutablePath":"node","workingDirectory":"bin"}}})");
  app = read_azure_app(folder_);
  ASSERT_TRUE(app) << app.error().message;
  EXPECT_EQ(app->command, std::vector<std::string>{(folder_ / "bin/node").lexically_normal().string()});
  EXPECT_EQ(fs::path(app->working_directory), folder_ / "bin");
}

TEST_F(AzureAppTest, WhatIsMissingIsNamedWithItsFile) {
  const Result<AzureApp> none = read_azure_app(folder_);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->command.empty());
  write("host.json", R"({"version": "2.0"})");
  Result<AzureApp> app = read_azure_app(folder_);
  ASSERT_FALSE(app);
  EXPECT_NE(app.error().message.find("host.json: has no customHandler.description.defaultExecutablePath"),
            std::string::npos)
      << app.error().message;
  write("host.json", "{");
  app = read_azure_app(folder_);
  ASSERT_FALSE(app);
  EXPECT_NE(app.error().message.find("is no JSON object"), std::string::npos);
}

TEST_F(AzureAppTest, ItsTriggerIsThatOfFunctionJson) {
  EXPECT_EQ(read_azure_trigger(folder_, "f"), "myQueueItem");
  write("f/function.json", R"({"bindings":[{"type":"queue","direction":"out","name":"$return"},
                               {"type":"queueTrigger","direction":"in","name":"item"}]})");
  EXPECT_EQ(read_azure_trigger(folder_, "f"), "item");
  write("f/function.json", R"({"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"it"}]})");
  EXPECT_EQ(read_azure_trigger(folder_, "f"), "it");
  write("f/function.json", R"({"bindings":[{"type":"httpTrigger","direction":"in","name":"req"}]})");
  const Result<std::string> of_http = read_azure_trigger(folder_, "f");
  ASSERT_FALSE(of_http);
  EXPECT_NE(of_http.error().message.find("has a httpTrigger"), std::string::npos) << of_http.error().message;
  write("f/function.json", R"({"bindings":[{"type":"queue","direction":"out","name":"o"}]})");
  const Result<std::string> without = read_azure_trigger(folder_, "f");
  ASSERT_FALSE(without);
  EXPECT_NE(without.error().message.find("f/function.json: none of its bindings is a trigger"),
            std::string::npos);
}

}  // namespace
}  // namespace forewarm
