#include "edge/functions/http_runtime.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

HandlerAnswer azure(unsigned status, std::string body) {
  return kAzureCustomHandler.read({.status = status, .headers = {}, .body = std::move(body)});
}

TEST(AzureCustomHandler, IsCalledByItsFunctionsName) {
  FunctionCommand function;
  function.name = "resize";
  Invocation invocation{.run = RunId(7), .request_id = "id-7", .payload = "{}"};
  HttpRequest request = kAzureCustomHandler.request(function, invocation);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/resize");
  EXPECT_EQ(request.body, "{}");
  EXPECT_EQ(find_header(request.headers, "X-Azure-Functions-InvocationId"), "id-7");
  function.handler = "a b";
  EXPECT_EQ(kAzureCustomHandler.request(function, invocation).path, "/a%20b");
}

TEST(AzureCustomHandler, ItsLogsAreLinesAndItsAnswerIsTheResponse) {
  const HandlerAnswer answer = azure(200, R"({"Outputs":{},"logs":["one","two\nlines",3],"ReturnValue":1})");
  EXPECT_EQ(answer.error, ErrorClass::None);
  EXPECT_EQ(answer.logs, (std::vector<std::string>{"one", "two\\x0alines", "3"}));
  EXPECT_NE(answer.response.find("ReturnValue"), std::string::npos);
  EXPECT_EQ(azure(200, "").error, ErrorClass::None);
  EXPECT_EQ(azure(204, "").error, ErrorClass::None);
}

TEST(AzureCustomHandler, AnotherStatusOrNoObjectIsAFailure) {
  const HandlerAnswer failed = azure(500, "it broke\x1b[31m");
  EXPECT_EQ(failed.error, ErrorClass::Handler);
  EXPECT_EQ(failed.error_type, "Handler.Status500");
  EXPECT_EQ(failed.error_message, "it broke\\x1b[31m");
  for (const char* body : {"done", "[1]", "null", "{\"Logs\":"}) {
    EXPECT_EQ(azure(200, body).error_type, "Handler.InvalidResponse") << body;
  }
}

TEST(FunctionsFramework, GetsItsEventsHeadersAndSaysWhatWentWrong) {
  const Invocation invocation{
      .run = RunId(1), .request_id = "id-1", .payload = "{}", .headers = {{"ce-type", "t"}}};
  const HttpRequest request = kFunctionsFramework.request({}, invocation);
  EXPECT_EQ(request.path, "/");
  EXPECT_EQ(find_header(request.headers, "ce-type"), "t");
  const HandlerAnswer failed = kFunctionsFramework.read(
      {.status = 500, .headers = {{"X-Google-Status", "error"}}, .body = "RangeError"});
  EXPECT_EQ(failed.error, ErrorClass::Handler);
  EXPECT_EQ(failed.error_message, "X-Google-Status error: RangeError");
  EXPECT_EQ(kFunctionsFramework.read({.status = 204, .headers = {}, .body = ""}).error, ErrorClass::None);
  EXPECT_EQ(kFunctionsFramework.read({.status = 200, .headers = {}, .body = "any"}).response, "any");
}

}  // namespace
}  // namespace forewarm
