#include "edge/functions/runtime_route.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

TEST(RuntimeRoute, KnowsTheFourCalls) {
  EXPECT_EQ(route_runtime_call("GET", "/2018-06-01/runtime/invocation/next").call, RuntimeCall::Next);
  EXPECT_EQ(route_runtime_call("POST", "/2018-06-01/runtime/init/error").call, RuntimeCall::InitError);
  const RuntimeRoute response = route_runtime_call("POST", "/2018-06-01/runtime/invocation/a-1/response");
  EXPECT_EQ(response.call, RuntimeCall::Response);
  EXPECT_EQ(response.request_id, "a-1");
  EXPECT_EQ(route_runtime_call("POST", "/2018-06-01/runtime/invocation/a-1/error").call, RuntimeCall::Error);
}

TEST(RuntimeRoute, TellsAWrongMethodFromAWrongPath) {
  EXPECT_EQ(route_runtime_call("POST", "/2018-06-01/runtime/invocation/next").call, RuntimeCall::WrongMethod);
  EXPECT_EQ(route_runtime_call("GET", "/2018-06-01/runtime/invocation/a/response").call,
            RuntimeCall::WrongMethod);
  for (const char* path : {"/", "", "/2018-06-01/runtime/", "/2018-06-01/runtime/invocation/",
                           "/2018-06-01/runtime/invocation//response", "/2018-06-01/runtime/invocation/a",
                           "/2018-06-01/runtime/invocation/a/b/response", "/2020-01-01/extension/register",
                           "/2018-06-01/runtime/init/errors"})
    EXPECT_EQ(route_runtime_call("GET", path).call, RuntimeCall::Unknown) << path;
}

TEST(RuntimeError, TakesTheBodyBeforeTheHeaderAndAnyBodyAtAll) {
  const RuntimeError both = read_runtime_error("Header", R"({"errorType":"Body","errorMessage":"why"})");
  EXPECT_EQ(both.type, "Body");
  EXPECT_EQ(both.message, "why");
  EXPECT_EQ(read_runtime_error("Header", "{}").type, "Header");
  EXPECT_EQ(read_runtime_error("", "not json").type, "Runtime.Unknown");
  EXPECT_EQ(read_runtime_error("", "not json").message, "not json");
  EXPECT_EQ(read_runtime_error("", R"({"errorType":7,"errorMessage":[]})").type, "Runtime.Unknown");
  EXPECT_EQ(read_runtime_error(std::string(9000, 'x'), std::string(9000, 'y')).message.size(), 4096U);
}

TEST(RuntimeError, OfAStreamIsBase64InATrailer) {
  const RuntimeError error =
      read_streaming_error("T", "eyJlcnJvclR5cGUiOiJSYW5nZUVycm9yIiwiZXJyb3JNZXNzYWdlIjoiY3V0In0=");
  EXPECT_EQ(error.type, "RangeError");
  EXPECT_EQ(error.message, "cut");
  EXPECT_EQ(read_streaming_error("T", "as it is").message, "as it is");
  EXPECT_EQ(read_streaming_error("T", "").type, "T");
}

TEST(RuntimeRefusal, IsJsonWhateverItSays) {
  EXPECT_EQ(runtime_refusal("T", "a \"quoted\" path"),
            R"({"errorMessage":"a \"quoted\" path","errorType":"T"})");
}

}  // namespace
}  // namespace forewarm
