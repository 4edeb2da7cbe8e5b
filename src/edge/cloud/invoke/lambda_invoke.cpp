#include "edge/cloud/invoke/lambda_invoke.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>
#include <vector>

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kErrorTypeMax = 256;
constexpr std::size_t kErrorBodyMax = 1U << 20;  ///< of a document that is looked into for its error

/// What credentials are refused with (AWS General Reference, "Common errors"): newer ones may help.
constexpr std::array<std::string_view, 5> kStaleCredentials{
    "ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId",
    "InvalidSignatureException"};
/// Refusals of 4xx that pass by themselves (API Reference, Invoke).
constexpr std::array<std::string_view, 5> kPassing{"ResourceConflictException", "SnapStartNotReadyException",
                                                   "SnapStartTimeoutException", "EFSMountTimeoutException",
                                                   "EFSMountFailureException"};
/// The message's own fault.
constexpr std::array<std::string_view, 4> kOfThePayload{
    "InvalidRequestContentException", "RequestTooLargeException", "RecursiveInvocationException",
    "UnsupportedMediaTypeException"};

bool is_one_of(std::string_view name, const auto& names) {
  return std::ranges::find(names, name) != names.end();
}

/// Of a JSON object; empty where there is none.
struct ErrorDocument {
  std::string type{};     ///< errorType, or __type and the like
  std::string message{};  ///< errorMessage, or message
  std::string reason{};   ///< of a throttle
};

std::string member(const json::object& object, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const json::value* found = object.if_contains(name);
    if (found != nullptr && found->is_string()) return std::string(found->get_string());
  }
  return "";
}

ErrorDocument read_error(std::string_view body) {
  boost::system::error_code failed;
  if (body.size() > kErrorBodyMax) return {};
  const json::value document = json::parse(json::string_view(body.data(), body.size()), failed);
  if (failed || !document.is_object()) return {};
  const json::object& object = document.get_object();
  return {.type = member(object, {"errorType", "__type", "code"}),
          .message = member(object, {"errorMessage", "message", "Message"}),
          .reason = member(object, {"Reason"})};
}

/// "TooManyRequestsException:http://internal.amazon.com/..." and "com.amazonaws.lambda#..." have a name in
/// them (AWS Smithy, restJson1, "Operation error serialization").
std::string plain_type(std::string_view type) {
  type = type.substr(0, type.find(':'));
  if (const std::size_t hash = type.rfind('#'); hash != std::string_view::npos) type.remove_prefix(hash + 1);
  return remote_words(type.substr(0, kErrorTypeMax));
}

/// The function's own error, or what became of it. Lambda says of time-outs and ends that it is
/// Sandbox.Timedout and Runtime.ExitError; older answers have the text alone.
RemoteOutcome function_error(std::string_view kind, std::string_view body) {
  const ErrorDocument said = read_error(body);
  RemoteOutcome outcome{.end = RemoteEnd::Failed};
  outcome.error_type = remote_words(said.type.substr(0, kErrorTypeMax));
  outcome.error_message = remote_words(said.message.empty() && said.type.empty() ? body : said.message);
  if (outcome.error_type.empty()) outcome.error_type = remote_words(kind.substr(0, kErrorTypeMax));
  if (said.type == "Sandbox.Timedout" || said.type == "Function.TimedOut" ||
      (said.type.empty() && said.message.find("Task timed out after") != std::string::npos))
    outcome.end = RemoteEnd::TimedOut;
  else if (said.type == "Runtime.ExitError" || said.type == "Runtime.OutOfMemory" ||
           said.type == "Extension.Crash")
    outcome.end = RemoteEnd::Crashed;
  return outcome;
}

RemoteOutcome refused_by_lambda(const HttpResponse& answer) {
  const ErrorDocument said = read_error(answer.body);
  const std::string_view header = find_header(answer.headers, "x-amzn-ErrorType");
  const std::string type = plain_type(header.empty() ? std::string_view(said.type) : header);
  RemoteOutcome outcome{.end = RemoteEnd::Refused,
                        .error_type = type.empty() ? "Lambda.Status" + std::to_string(answer.status) : type,
                        .error_message = remote_words(said.message.empty() ? answer.body : said.message)};
  if (!said.reason.empty()) outcome.error_message += " (" + remote_words(said.reason) + ")";
  outcome.wait = retry_after(answer.headers);
  if (answer.status == 429 || type == "TooManyRequestsException" || type == "ThrottlingException" ||
      type == "EC2ThrottledException") {
    outcome.end = RemoteEnd::Throttled;
  } else if (answer.status >= 500 || answer.status == 408 || is_one_of(type, kPassing)) {
    outcome.end = RemoteEnd::Unavailable;
  } else if (answer.status == 413 || is_one_of(type, kOfThePayload)) {
    outcome.end = RemoteEnd::Failed;
    if (answer.status == 413) outcome.error_message += " (a smaller batch_size makes payloads smaller)";
  } else if (is_one_of(type, kStaleCredentials)) {
    outcome.credentials_refused = true;
    outcome.error_message += " (look at the credentials, the region and this machine's clock)";
  } else if (answer.status == 403) {
    outcome.error_message += " (allow lambda:InvokeFunction as docs/policies/lambda-invoke.json does)";
  } else if (answer.status == 404) {
    outcome.error_message += " (look at remote.function, its alias and the region)";
  }
  return outcome;
}

/// Nothing that could end a header.
bool is_plain_header(std::string_view text) {
  return !text.empty() && text.size() <= 1024 &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

class LambdaProtocol final : public RemoteProtocol {
 public:
  explicit LambdaProtocol(LambdaProtocolOptions options) : options_(std::move(options)) {}

  Result<FetchRequest> request(const RemoteCall& call) override {
    const auto credentials = options_.credentials->get();
    if (!credentials) return std::unexpected(credentials.error());
    FetchRequest request = lambda_request(options_.function, call);
    sign(request, *credentials,
         {.region = options_.function.region, .service = "lambda", .time = options_.now()});
    return request;
  }
  RemoteOutcome outcome(HttpResponse answer) const override { return read_lambda_answer(std::move(answer)); }
  RemoteEnd when_broken() const override { return RemoteEnd::Unavailable; }
  void renew() override { options_.credentials->renew(); }

 private:
  const LambdaProtocolOptions options_;
};

std::vector<std::string_view> split_name(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t colon = text.find(':');
    parts.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

bool is_lambda_word(std::string_view word) {
  return !word.empty() && word.size() <= 140 && std::ranges::all_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '$' || c == '.';
  });
}

}  // namespace

Result<LambdaFunction> parse_lambda_name(std::string_view text) {
  const std::vector<std::string_view> parts = split_name(text);
  // arn:aws:lambda:REGION:ACCOUNT:function:NAME, ACCOUNT:function:NAME, NAME; each with or without :QUALIFIER
  const std::size_t whole = parts.size() >= 7 && parts[0] == "arn" && parts[2] == "lambda" ? 7
                            : parts.size() >= 3 && parts[1] == "function"                  ? 3
                                                                                           : 1;
  const bool marked = whole == 1 || parts[whole - 2] == "function";
  const bool fits = parts.size() == whole || parts.size() == whole + 1;
  if (!marked || !fits || !std::ranges::all_of(parts, is_lambda_word))
    return error(ErrorCode::Invalid, "'" + std::string(text) +
                                         "' names no Lambda function; write NAME, NAME:ALIAS, or its ARN: "
                                         "arn:aws:lambda:REGION:ACCOUNT:function:NAME:ALIAS");
  LambdaFunction function;
  if (whole == 7) function.region = parts[3];
  if (parts.size() > whole) function.qualifier = parts.back();
  std::size_t length = text.size();
  if (!function.qualifier.empty()) length -= function.qualifier.size() + 1;
  function.name = text.substr(0, length);
  return function;
}

std::string lambda_endpoint(std::string_view region) {
  return "https://lambda." + std::string(region) + ".amazonaws.com" +
         (region.starts_with("cn-") ? ".cn" : "");
}

FetchRequest lambda_request(const LambdaFunction& function, const RemoteCall& call) {
  FetchRequest request{.method = "POST", .url = function.endpoint, .body = call.payload};
  request.url += "/2015-03-31/functions/" + percent_encode(function.name) + "/invocations";
  if (!function.qualifier.empty()) request.url += "?Qualifier=" + percent_encode(function.qualifier);
  request.headers = {{"Content-Type", "application/octet-stream"},
                     {"X-Amz-Invocation-Type", function.wait ? "RequestResponse" : "Event"}};
  if (is_plain_header(call.trace_header)) request.headers.emplace_back("X-Amzn-Trace-Id", call.trace_header);
  return request;
}

RemoteOutcome read_lambda_answer(HttpResponse answer) {
  if (answer.status < 200 || answer.status > 299) return refused_by_lambda(answer);
  const std::string_view kind = find_header(answer.headers, "X-Amz-Function-Error");
  if (!kind.empty()) return function_error(kind, answer.body);
  return {.end = RemoteEnd::Succeeded, .response = std::move(answer.body)};
}

std::unique_ptr<RemoteProtocol> make_lambda_protocol(LambdaProtocolOptions options) {
  return std::make_unique<LambdaProtocol>(std::move(options));
}

}  // namespace forewarm
