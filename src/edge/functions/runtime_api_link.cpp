// The Runtime API as one instance sees it: a listener of its own, which its runtime calls.
#include <utility>

#include "edge/functions/function_environment.h"
#include "edge/functions/instance.h"
#include "edge/functions/instance_link.h"
#include "edge/functions/runtime_answer.h"
#include "edge/functions/runtime_route.h"
#include "edge/net/http.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRuntimeConnectionsMax = 64;

void refuse(HttpReply& reply, unsigned status, std::string_view type, std::string_view message) {
  reply.send(runtime_refusal(status, type, message));
}

class RuntimeApiLink final : public InstanceLink {
 public:
  explicit RuntimeApiLink(Instance& instance) : instance_(instance) {}

  Result<std::uint16_t> open() override;
  /// A quick runtime may have called before this thread knew its process.
  void process_started() override {
    if (waiting_) instance_.become_ready();
  }
  void offer() override {
    if (waiting_) deliver();
  }
  bool at_rest() const override { return waiting_ != nullptr; }
  void dismiss() override;
  void close() override { waiting_.reset(); }
  std::string_view sign_of_ready() const override { return "no call of the Runtime API's next"; }

 private:
  void handle(HttpRequest request, std::shared_ptr<HttpReply> reply);
  void next(std::shared_ptr<HttpReply> reply);
  void deliver();
  void finish(RuntimeAnswer answer, HttpReply& reply);
  void init_error(const HttpRequest& request, HttpReply& reply);
  bool accepts(std::string_view request_id, HttpReply& reply) const;

  Instance& instance_;
  std::unique_ptr<HttpServer> api_;
  std::shared_ptr<HttpReply> waiting_;  ///< the runtime's /next that is not answered yet
};

Result<std::uint16_t> RuntimeApiLink::open() {
  const HttpServer::Options options{
      .body_max_bytes = kRuntimeBodyMaxBytes,
      .connections_max = kRuntimeConnectionsMax,
      .idle_timeout = 0s,  // a run may take longer than any idle connection's time
      .receive_timeout = 60s};
  auto server = HttpServer::listen(instance_.loop(), options,
                                   [this](HttpRequest request, std::shared_ptr<HttpReply> reply) {
                                     handle(std::move(request), std::move(reply));
                                   });
  if (!server) return std::unexpected(server.error());
  api_ = std::move(*server);
  return api_->endpoint().port;
}

void RuntimeApiLink::handle(HttpRequest request, std::shared_ptr<HttpReply> reply) {
  const RuntimeRoute route = route_runtime_call(request.method, request.path);
  if (route.call == RuntimeCall::Unknown) {
    refuse(*reply, 404, "Runtime.UnknownPath", "the Lambda Runtime API 2018-06-01 has no " + request.path);
    return;
  }
  if (route.call == RuntimeCall::WrongMethod) {
    refuse(*reply, 405, "Runtime.WrongMethod", request.method + " is not what " + request.path + " takes");
    return;
  }
  if (instance_.ending()) {
    refuse(*reply, 500, "Container.Stopping", "the instance is being ended; exit");
    return;
  }
  const std::string request_id(route.request_id);
  switch (route.call) {
    case RuntimeCall::Next:
      next(std::move(reply));
      break;
    case RuntimeCall::Response:
      if (accepts(request_id, *reply)) finish(read_runtime_response(std::move(request)), *reply);
      break;
    case RuntimeCall::Error:
      if (accepts(request_id, *reply)) finish(read_runtime_failure(request), *reply);
      break;
    default:
      init_error(request, *reply);
  }
}

void RuntimeApiLink::next(std::shared_ptr<HttpReply> reply) {
  if (instance_.stopping()) {
    refuse(*reply, 500, "Container.Stopping", "the instance is being stopped; exit");
    return;
  }
  if (instance_.is_running() || waiting_) {
    refuse(*reply, 403, "InvalidStateTransition",
           waiting_ ? "another call of next is waiting; an instance has one invocation at a time"
                    : "the invocation before has no response or error yet");
    return;
  }
  waiting_ = std::move(reply);
  waiting_->on_closed([this, instance = instance_.weak_from_this()] {
    if (const auto self = instance.lock()) waiting_.reset();
  });
  if (!instance_.ready()) {
    if (instance_.has_process()) instance_.become_ready();
  } else if (instance_.waits_for_runtime()) {
    deliver();
  } else {
    instance_.stand_still();
  }
}

void RuntimeApiLink::deliver() {
  Invocation invocation = instance_.begin_run();
  const FunctionCommand& function = instance_.function();
  const auto deadline = std::chrono::system_clock::now() + function.timeout;
  const auto deadline_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline.time_since_epoch()).count();
  HttpResponse answer{.headers = {{"Content-Type", "application/json"},
                                  {"Lambda-Runtime-Aws-Request-Id", invocation.request_id},
                                  {"Lambda-Runtime-Deadline-Ms", std::to_string(deadline_ms)},
                                  {"Lambda-Runtime-Invoked-Function-Arn", function_arn(function)}},
                      .body = std::move(invocation.payload)};
  if (!invocation.trace_header.empty())
    answer.headers.emplace_back("Lambda-Runtime-Trace-Id", invocation.trace_header);
  std::exchange(waiting_, nullptr)->send(std::move(answer));
}

/// Whether the run that a runtime speaks of is the one it has; answers it if not.
bool RuntimeApiLink::accepts(std::string_view request_id, HttpReply& reply) const {
  if (instance_.is_running() && instance_.running_id() == request_id) return true;
  if (request_id == instance_.last_request_id())
    refuse(reply, 403, "InvalidStateTransition", "this invocation has its response or error already");
  else
    refuse(reply, 400, "InvalidRequestID", "this instance has no invocation of that id");
  return false;
}

void RuntimeApiLink::finish(RuntimeAnswer answer, HttpReply& reply) {
  reply.send(to_runtime(answer));
  PoolFinished finished;
  if (answer.failed) finished.error = ErrorClass::Handler;
  finished.error_type = std::move(answer.error.type);
  finished.error_message = std::move(answer.error.message);
  finished.response = std::move(answer.response);
  instance_.finish_run(std::move(finished));
}

void RuntimeApiLink::init_error(const HttpRequest& request, HttpReply& reply) {
  if (instance_.ready()) {
    refuse(reply, 403, "InvalidStateTransition", "the init of this instance is over");
    return;
  }
  const RuntimeError error =
      read_runtime_error(find_header(request.headers, "Lambda-Runtime-Function-Error-Type"), request.body);
  reply.send(runtime_accepted());
  instance_.fail_start("init error " + escape_control_characters(error.type + ": " + error.message));
}

/// The Runtime API's word for "exit": a 500 to next means that the environment is beyond recovery.
void RuntimeApiLink::dismiss() {
  if (waiting_)
    refuse(*std::exchange(waiting_, nullptr), 500, "Container.Stopping",
           "the instance is being stopped; exit");
}

}  // namespace

std::unique_ptr<InstanceLink> make_runtime_api_link(Instance& instance) {
  return std::make_unique<RuntimeApiLink>(instance);
}

}  // namespace forewarm
