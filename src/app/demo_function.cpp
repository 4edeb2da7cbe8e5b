#include "app/demo_function.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "edge/net/http.h"

namespace forewarm {
namespace {

constexpr const char* kApi = "/2018-06-01/runtime/invocation/";
constexpr std::int64_t kWorkUsMax = 60'000'000;

/// One call after the other: a runtime has one invocation at a time.
class RuntimeClient {
 public:
  explicit RuntimeClient(const Endpoint& server)
      : http_(HttpClient::make(
            loop_, {.server = server, .connections_max = 1, .timeout = std::chrono::hours(24)})) {}

  Result<HttpResponse> call(const std::string& method, const std::string& path, std::string body) {
    std::optional<Result<HttpResponse>> answer;
    http_->request({method, path, "", {{"Content-Type", "application/json"}}, std::move(body)},
                   [&](Result<HttpResponse> response) {
                     answer = std::move(response);
                     loop_.wake();
                   });
    while (!answer) loop_.run_until(Loop::Clock::now() + std::chrono::hours(1));
    return std::move(*answer);
  }

 private:
  Loop loop_;
  std::unique_ptr<HttpClient> http_;
};

/// What the messages of a Lambda SQS event ask for.
struct DemoWork {
  std::int64_t us = 0;                ///< together
  std::vector<std::int64_t> numbers;  ///< which messages of the trace they are
};

DemoWork work_of(const std::string& event) {
  DemoWork work;
  boost::system::error_code code;
  const boost::json::value parsed = boost::json::parse(event, code);
  const auto* records = code || !parsed.is_object() ? nullptr : parsed.as_object().if_contains("Records");
  if (records == nullptr || !records->is_array()) return work;
  for (const boost::json::value& record : records->as_array()) {
    const auto* body = record.is_object() ? record.as_object().if_contains("body") : nullptr;
    if (body == nullptr || !body->is_string()) continue;
    const boost::json::value message = boost::json::parse(body->as_string(), code);
    if (code || !message.is_object()) continue;
    if (const auto* us = message.as_object().if_contains("work_us"); us != nullptr && us->is_int64())
      work.us += std::clamp<std::int64_t>(us->as_int64(), 0, kWorkUsMax);
    if (const auto* number = message.as_object().if_contains("n"); number != nullptr && number->is_int64())
      work.numbers.push_back(number->as_int64());
  }
  work.us = std::min(work.us, kWorkUsMax);
  return work;
}

}  // namespace

int run_demo_function(std::chrono::milliseconds init) {
  const char* address = std::getenv("AWS_LAMBDA_RUNTIME_API");
  const Result<Endpoint> server = parse_endpoint(address != nullptr ? address : "");
  if (!server) {
    std::fprintf(stderr, "demo-function: AWS_LAMBDA_RUNTIME_API must name the runtime API's host and port\n");
    return 1;
  }
  std::this_thread::sleep_for(init);
  RuntimeClient runtime(*server);
  for (;;) {
    const Result<HttpResponse> next = runtime.call("GET", std::string(kApi) + "next", "");
    if (!next || next->status != 200) return 0;  // the server is gone, or wants this instance to go
    const DemoWork work = work_of(next->body);
    std::this_thread::sleep_for(std::chrono::microseconds(work.us));
    for (const std::int64_t number : work.numbers)
      std::printf("message %lld done\n", static_cast<long long>(number));
    std::fflush(stdout);
    const std::string id(find_header(next->headers, "Lambda-Runtime-Aws-Request-Id"));
    const Result<HttpResponse> taken = runtime.call("POST", kApi + id + "/response", "{}");
    if (!taken) return 0;
  }
}

}  // namespace forewarm
