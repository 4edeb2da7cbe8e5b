#include "edge/functions/http_runtime.h"

#include <algorithm>
#include <boost/json.hpp>

#include "edge/functions/output_lines.h"

namespace forewarm {
namespace {

constexpr std::size_t kHandlerMessageMaxBytes = 4096;
constexpr std::size_t kHandlerLogLineMaxBytes = 8U << 10;

bool is_success(unsigned status) {
  return status >= 200 && status < 300;
}

HttpRequest azure_request(const FunctionCommand& function, Invocation invocation) {
  const std::string& name = function.handler.empty() ? function.name : function.handler;
  return {.method = "POST",
          .path = "/" + percent_encode(name),
          .query = {},
          .headers = {{"Content-Type", "application/json; charset=utf-8"},
                      {"X-Azure-Functions-InvocationId", invocation.request_id},
                      {"User-Agent", "forewarm"}},
          .body = std::move(invocation.payload)};
}

/// The host reads its names whatever their case.
const boost::json::value* field(const boost::json::object& object, std::string_view lower_case) {
  const auto found = std::ranges::find_if(object, [&](const auto& member) {
    const std::string_view key = member.key();
    return std::ranges::equal(key, lower_case, {}, [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  });
  return found == object.end() ? nullptr : &found->value();
}

HandlerAnswer read_azure_answer(HttpResponse response) {
  if (!is_success(response.status)) return failed_with(response);
  HandlerAnswer answer;
  if (response.body.empty()) return answer;
  boost::system::error_code failed;
  const boost::json::value body = boost::json::parse(response.body, failed);
  if (failed || !body.is_object()) {
    answer.error = ErrorClass::Handler;
    answer.error_type = "Handler.InvalidResponse";
    answer.error_message = "status " + std::to_string(response.status) +
                           " with a body that is no JSON object of Outputs, Logs and ReturnValue";
    return answer;
  }
  if (const auto* logs = field(body.get_object(), "logs"); logs != nullptr && logs->is_array()) {
    for (const boost::json::value& line : logs->get_array()) {
      const std::string text =
          line.is_string() ? std::string(line.get_string()) : boost::json::serialize(line);
      answer.logs.push_back(escape_control_characters(text.substr(0, kHandlerLogLineMaxBytes)));
    }
  }
  answer.response = std::move(response.body);
  return answer;
}

HttpRequest framework_request(const FunctionCommand&, Invocation invocation) {
  HttpRequest request{
      .method = "POST", .path = "/", .query = {}, .headers = {}, .body = std::move(invocation.payload)};
  request.headers = std::move(invocation.headers);
  request.headers.emplace_back("Function-Execution-Id", invocation.request_id);
  request.headers.emplace_back("User-Agent", "forewarm");
  return request;
}

HandlerAnswer read_framework_answer(HttpResponse response) {
  if (!is_success(response.status)) return failed_with(response);
  HandlerAnswer answer;
  answer.response = std::move(response.body);
  return answer;
}

}  // namespace

const HttpRuntime kAzureCustomHandler{.request = azure_request, .read = read_azure_answer};
const HttpRuntime kFunctionsFramework{.request = framework_request, .read = read_framework_answer};

HandlerAnswer failed_with(const HttpResponse& response) {
  HandlerAnswer answer;
  answer.error = ErrorClass::Handler;
  answer.error_type = "Handler.Status" + std::to_string(response.status);
  const std::string_view google = find_header(response.headers, "X-Google-Status");
  if (!google.empty()) answer.error_message = "X-Google-Status " + std::string(google) + ": ";
  answer.error_message =
      escape_control_characters(answer.error_message + response.body.substr(0, kHandlerMessageMaxBytes));
  return answer;
}

}  // namespace forewarm
