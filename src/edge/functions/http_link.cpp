// Functions that are HTTP servers: waits until one listens, then calls it.
#include <algorithm>
#include <utility>

#include "edge/functions/http_runtime.h"
#include "edge/functions/instance.h"
#include "edge/functions/instance_link.h"
#include "edge/functions/listening_ports.h"
#include "edge/functions/runtime_answer.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kAskFirst = 2ms;
constexpr std::chrono::milliseconds kLookMax = 20ms;
/// A connection that breaks is the function's error or its process's end. The end may be heard of later.
constexpr std::chrono::milliseconds kEndPatience = 250ms;
/// The instance's own timer ends a run; the client's must not come before it.
constexpr std::chrono::milliseconds kBeyondTimeout = 60s;

class HttpLink final : public InstanceLink {
 public:
  HttpLink(Instance& instance, const HttpRuntime& runtime) : instance_(instance), runtime_(runtime) {}

  Result<std::uint16_t> open() override {
    const Result<std::uint16_t> port = free_server_port();
    if (port) port_ = *port;
    return port;
  }

  void process_started() override { look(); }

  void offer() override {
    // One connection an invocation: a server may close one that is kept, just when the next request is sent.
    HttpRequest request = runtime_.request(instance_.function(), instance_.begin_run());
    request.headers.emplace_back("Connection", "close");
    HttpClient::Options options{.server = {.host = "127.0.0.1", .port = port_}};
    options.connections_max = 1;
    options.timeout = instance_.function().timeout + kBeyondTimeout;
    options.body_max_bytes = kResponseMaxBytes;
    client_ = HttpClient::make(instance_.loop(), options);
    client_->request(std::move(request),
                     [this](Result<HttpResponse> answer) { answered(std::move(answer)); });
  }

  bool at_rest() const override { return true; }
  void dismiss() override {}

  void close() override {
    timer_.reset();
    client_.reset();
  }

  std::string_view sign_of_ready() const override {
    return taken_ ? "another process listens on the port that it was told" : "nothing listens on its port";
  }

 private:
  void look() {
    if (instance_.stopping() || instance_.ending()) return;
    const PortState state = state_of_port(port_, instance_.family());
    taken_ = state == PortState::Foreign;
    if (state == PortState::Own) {
      timer_.reset();
      instance_.become_ready();
      return;
    }
    pause_ = std::min(pause_ * 3 / 2, kLookMax);
    timer_ = instance_.loop().call_after(pause_, [this] { look(); });
  }

  void answered(Result<HttpResponse> answer) {
    if (!answer && answer.error().code != ErrorCode::Exhausted) {
      timer_ = instance_.loop().call_after(kEndPatience, [this, why = answer.error().message] {
        finish({.error = ErrorClass::Handler, .error_type = "Handler.NoResponse", .error_message = why});
      });
      return;
    }
    if (!answer) {
      finish({.error = ErrorClass::Handler,
              .error_type = "Function.ResponseSizeTooLarge",
              .error_message = "at most " + std::to_string(kResponseMaxBytes) + " bytes are taken"});
      return;
    }
    finish(runtime_.read(std::move(*answer)));
  }

  void finish(HandlerAnswer answer) {
    // While it ends, its end says what became of the run.
    if (!instance_.is_running() || instance_.ending()) return;
    for (std::string& line : answer.logs) instance_.log_line(std::move(line));
    PoolFinished finished;
    finished.error = answer.error;
    finished.error_type = std::move(answer.error_type);
    finished.error_message = std::move(answer.error_message);
    finished.response = std::move(answer.response);
    instance_.finish_run(std::move(finished));
  }

  Instance& instance_;
  const HttpRuntime& runtime_;
  std::uint16_t port_ = 0;
  bool taken_ = false;
  std::chrono::milliseconds pause_ = kAskFirst;
  std::unique_ptr<Loop::Timer> timer_;  ///< of looking, later of a broken connection
  std::unique_ptr<HttpClient> client_;
};

}  // namespace

std::unique_ptr<InstanceLink> make_http_link(Instance& instance, const HttpRuntime& runtime) {
  return std::make_unique<HttpLink>(instance, runtime);
}

std::unique_ptr<InstanceLink> make_link(Instance& instance) {
  switch (instance.function().runtime) {
    case RuntimeKind::AzureCustomHandler:
      return make_http_link(instance, kAzureCustomHandler);
    case RuntimeKind::FunctionsFramework:
      return make_http_link(instance, kFunctionsFramework);
    case RuntimeKind::Lambda:
      break;
  }
  return make_runtime_api_link(instance);
}

}  // namespace forewarm
