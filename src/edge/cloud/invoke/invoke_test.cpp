#include <gtest/gtest.h>

#include "edge/cloud/invoke/http_invoke.h"
#include "edge/cloud/invoke/lambda_invoke.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

constexpr const char* kArn = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live";

HttpResponse lambda_answer(unsigned status, std::string body, HttpHeaders headers = {}) {
  return {.status = status, .headers = std::move(headers), .body = std::move(body)};
}

TEST(LambdaInvoke, NamesAreReadAsTheApiTakesThem) {
  const auto arn = parse_lambda_name(kArn);
  ASSERT_TRUE(arn) << arn.error().message;
  EXPECT_EQ(arn->name, "arn:aws:lambda:eu-west-1:123456789012:function:orders");
  EXPECT_EQ(arn->qualifier, "live");
  EXPECT_EQ(arn->region, "eu-west-1");
  EXPECT_EQ(parse_lambda_name("orders")->name, "orders");
  EXPECT_EQ(parse_lambda_name("orders:7")->qualifier, "7");
  EXPECT_EQ(parse_lambda_name("orders:$LATEST")->qualifier, "$LATEST");
  const auto part = parse_lambda_name("123456789012:function:orders:live");
  EXPECT_EQ(part->name, "123456789012:function:orders");
  EXPECT_EQ(part->qualifier, "live");
  for (const char* wrong : {"", ":", "a:b:c", "orders:", "my orders", "arn:aws:sqs:eu-west-1:1:orders:x:y",
                            "arn:aws:lambda:eu-west-1:1:layer:orders", "a/b",
                            "arn:aws:lambda:eu-west-1:123456789012:function:orders:live:more"})
    EXPECT_FALSE(parse_lambda_name(wrong)) << wrong;
}

TEST(LambdaInvoke, EachRegionIsAskedInItsOwnPartition) {
  EXPECT_EQ(lambda_endpoint("eu-west-1"), "https://lambda.eu-west-1.amazonaws.com");
  EXPECT_EQ(lambda_endpoint("cn-north-1"), "https://lambda.cn-north-1.amazonaws.com.cn");
}

TEST(LambdaInvoke, TheRequestIsTheApisByteForByte) {
  LambdaFunction function = *parse_lambda_name(kArn);
  function.endpoint = lambda_endpoint(function.region);
  const FetchRequest request =
      lambda_request(function, {.payload = R"({"Records":[]})", .trace_header = "Root=1-a-b;Sampled=1"});
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url,
            "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/"
            "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Aorders/invocations?Qualifier=live");
  EXPECT_EQ(request.body, R"({"Records":[]})");
  EXPECT_EQ(request.headers, (HttpHeaders{{"Content-Type", "application/octet-stream"},
                                          {"X-Amz-Invocation-Type", "RequestResponse"},
                                          {"X-Amzn-Trace-Id", "Root=1-a-b;Sampled=1"}}));
  function.wait = false;
  function.qualifier.clear();
  const FetchRequest event = lambda_request(function, {.payload = "{}"});
  EXPECT_TRUE(event.url.ends_with("orders/invocations"));
  EXPECT_EQ(find_header(event.headers, "X-Amz-Invocation-Type"), "Event");
}

TEST(LambdaInvoke, NothingThatAMessageBringsEndsAHeader) {
  const FetchRequest request =
      lambda_request({.endpoint = "http://h", .region = "r", .name = "f"}, {.trace_header = "x\r\nEvil: 1"});
  EXPECT_EQ(find_header(request.headers, "X-Amzn-Trace-Id"), "");
}

TEST(LambdaInvoke, AnAnswerIsTheFunctionsAndMayBeAnything) {
  EXPECT_EQ(read_lambda_answer(lambda_answer(200, "null")).response, "null");
  EXPECT_EQ(read_lambda_answer(lambda_answer(200, "\xff\x00not json")).end, RemoteEnd::Succeeded);
  EXPECT_EQ(read_lambda_answer(lambda_answer(202, "")).end, RemoteEnd::Succeeded);
}

TEST(LambdaInvoke, TheFunctionsOwnErrorsAreToldApart) {
  const auto of = [](std::string body, std::string kind = "Unhandled") {
    return read_lambda_answer(
        lambda_answer(200, std::move(body), {{"X-Amz-Function-Error", std::move(kind)}}));
  };
  const RemoteOutcome failed =
      of(R"({"errorMessage":"no such user","errorType":"KeyError","stackTrace":[]})");
  EXPECT_EQ(failed.end, RemoteEnd::Failed);
  EXPECT_EQ(failed.error_type, "KeyError");
  EXPECT_EQ(failed.error_message, "no such user");
  EXPECT_EQ(of(R"({"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 3.00 seconds"})").end,
            RemoteEnd::TimedOut);
  EXPECT_EQ(of(R"({"errorMessage":"2026-01-01T00:00:00Z x Task timed out after 3.00 seconds"})").end,
            RemoteEnd::TimedOut);
  EXPECT_EQ(of(R"({"errorType":"Runtime.ExitError","errorMessage":"exit status 1"})").end,
            RemoteEnd::Crashed);
  EXPECT_EQ(of(R"({"errorType":"MyError","errorMessage":"Task timed out after lunch"})").end,
            RemoteEnd::Failed);
  const RemoteOutcome garbled = of("<html>\x01\xff", "Handled");
  EXPECT_EQ(garbled.end, RemoteEnd::Failed);
  EXPECT_EQ(garbled.error_type, "Handled");
  EXPECT_EQ(garbled.error_message, "<html>");
}

TEST(LambdaInvoke, AThrottleIsNoErrorOfTheFunction) {
  const RemoteOutcome throttled = read_lambda_answer(lambda_answer(
      429,
      R"({"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."})",
      {{"x-amzn-ErrorType", "TooManyRequestsException"}, {"Retry-After", "2"}}));
  EXPECT_EQ(throttled.end, RemoteEnd::Throttled);
  EXPECT_EQ(throttled.error_type, "TooManyRequestsException");
  EXPECT_EQ(throttled.error_message, "Rate Exceeded. (ReservedFunctionConcurrentInvocationLimitExceeded)");
  EXPECT_EQ(throttled.wait, 2s);
  EXPECT_EQ(read_lambda_answer(lambda_answer(429, "<html>")).end, RemoteEnd::Throttled);
  EXPECT_EQ(
      read_lambda_answer(lambda_answer(400, "", {{"x-amzn-errortype", "ThrottlingException:http://x/"}})).end,
      RemoteEnd::Throttled);
  EXPECT_EQ(read_lambda_answer(
                lambda_answer(502, R"({"message":"m"})", {{"x-amzn-ErrorType", "EC2ThrottledException"}}))
                .end,
            RemoteEnd::Throttled);
}

TEST(LambdaInvoke, ThePlatformsTroubleOursAndTheMessagesAreThreeThings) {
  const auto of = [](unsigned status, std::string type) {
    return read_lambda_answer(
        lambda_answer(status, R"({"Message":"m"})", {{"x-amzn-ErrorType", std::move(type)}}));
  };
  EXPECT_EQ(of(500, "ServiceException").end, RemoteEnd::Unavailable);
  EXPECT_EQ(of(502, "EC2UnexpectedException").end, RemoteEnd::Unavailable);
  EXPECT_EQ(of(409, "ResourceConflictException").end, RemoteEnd::Unavailable);
  EXPECT_EQ(of(409, "SnapStartNotReadyException").end, RemoteEnd::Unavailable);
  const RemoteOutcome missing = of(404, "ResourceNotFoundException");
  EXPECT_EQ(missing.end, RemoteEnd::Refused);
  EXPECT_FALSE(missing.credentials_refused);
  EXPECT_EQ(missing.error_message, "m (look at remote.function, its alias and the region)");
  EXPECT_NE(of(403, "AccessDeniedException").error_message.find("lambda:InvokeFunction"), std::string::npos);
  for (const char* stale :
       {"ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"})
    EXPECT_TRUE(of(403, stale).credentials_refused) << stale;
  EXPECT_EQ(of(413, "RequestTooLargeException").end, RemoteEnd::Failed);
  EXPECT_EQ(of(400, "InvalidRequestContentException").end, RemoteEnd::Failed);
  EXPECT_EQ(of(400, "RecursiveInvocationException").end, RemoteEnd::Failed);
}

TEST(HttpInvoke, TheRequestIsWhatThePayloadSaysByteForByte) {
  const FetchRequest request = http_function_request(
      "https://host/api/orders?code=x", {.request_id = "id-1",
                                         .payload = "hello",
                                         .headers = {{"content-type", "text/plain"}, {"ce-id", "7"}}});
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://host/api/orders?code=x");
  EXPECT_EQ(request.body, "hello");
  EXPECT_EQ(request.headers,
            (HttpHeaders{{"content-type", "text/plain"}, {"ce-id", "7"}, {"Function-Execution-Id", "id-1"}}));
  EXPECT_EQ(find_header(http_function_request("http://h", {.payload = "{}"}).headers, "Content-Type"),
            "application/json");
}

TEST(HttpInvoke, StatusesOfTheFunctionCountAndThoseOfThePlatformDoNot) {
  const auto of = [](unsigned status, bool keyed = false) {
    return read_http_answer({.status = status, .body = "said\nso"}, keyed).end;
  };
  EXPECT_EQ(of(200), RemoteEnd::Succeeded);
  EXPECT_EQ(of(204), RemoteEnd::Succeeded);
  EXPECT_EQ(of(400), RemoteEnd::Failed);
  EXPECT_EQ(of(500), RemoteEnd::Failed);
  EXPECT_EQ(of(429), RemoteEnd::Throttled);
  EXPECT_EQ(of(502), RemoteEnd::Unavailable);
  EXPECT_EQ(of(503), RemoteEnd::Unavailable);
  EXPECT_EQ(of(504), RemoteEnd::TimedOut);
  EXPECT_EQ(of(401), RemoteEnd::Failed) << "it is the function's own answer";
  EXPECT_EQ(of(401, true), RemoteEnd::Refused);
  EXPECT_EQ(of(403, true), RemoteEnd::Refused);
  EXPECT_EQ(of(404, true), RemoteEnd::Failed);
  const RemoteOutcome failed =
      read_http_answer({.status = 500, .headers = {{"x-google-status", "crash"}}, .body = "a\nb"}, false);
  EXPECT_EQ(failed.error_type, "Handler.Status500");
  EXPECT_EQ(failed.error_message, "X-Google-Status crash: a b");
}

TEST(HttpInvoke, ARedirectIsSaidAndNotFollowed) {
  const RemoteOutcome moved =
      read_http_answer({.status = 302, .headers = {{"Location", "https://login/x"}}}, false);
  EXPECT_EQ(moved.end, RemoteEnd::Refused);
  EXPECT_NE(moved.error_message.find("moved to https://login/x"), std::string::npos);
}

TEST(RemoteWords, AreSafeToShow) {
  EXPECT_EQ(remote_words("caf\xc3\xa9 \x1b[31m\r\n"), "caf\xc3\xa9  [31m");
  EXPECT_EQ(remote_words("a\xff\xc3"), "a");
  EXPECT_EQ(remote_words("a\xc2\x9b"
                         "b"),
            "a  b");
  EXPECT_EQ(remote_words(std::string(10'000, 'x')).size(), 4096U);
}

TEST(RetryAfter, IsWholeSecondsUpToAMinute) {
  EXPECT_EQ(retry_after({{"retry-after", "7"}}), 7s);
  EXPECT_EQ(retry_after({{"Retry-After", "86400"}}), 60s);
  EXPECT_EQ(retry_after({{"Retry-After", "99999999999999999999"}}), 60s);
  for (const char* none : {"", "-1", "1.5", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"})
    EXPECT_EQ(retry_after({{"Retry-After", none}}), 0ms) << none;
}

}  // namespace
}  // namespace forewarm
