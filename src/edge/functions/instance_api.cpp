// The calls that a runtime makes: the Runtime API as an instance sees it.
#include <utility>

#include "edge/functions/function_environment.h"
#include "edge/functions/instance.h"

namespace forewarm {
namespace {

/// Lambda's limit for a buffered response.
constexpr std::size_t kResponseMaxBytes = 6U << 20;

void refuse(HttpReply& reply, unsigned status, std::string_view type, std::string_view message) {
  reply.send({.status = status,
              .headers = {{"Content-Type", "application/json"}},
              .body = runtime_refusal(type, message)});
}

void accept(HttpReply& reply) {
  reply.send(
      {.status = 202, .headers = {{"Content-Type", "application/json"}}, .body = R"({"status":"OK"})"});
}

}  // namespace

void Instance::handle(HttpRequest request, std::shared_ptr<HttpReply> reply) {
  const RuntimeRoute route = route_runtime_call(request.method, request.path);
  if (route.call == RuntimeCall::Unknown) {
    refuse(*reply, 404, "Runtime.UnknownPath", "the Lambda Runtime API 2018-06-01 has no " + request.path);
    return;
  }
  if (route.call == RuntimeCall::WrongMethod) {
    refuse(*reply, 405, "Runtime.WrongMethod", request.method + " is not what " + request.path + " takes");
    return;
  }
  if (ending_) {
    refuse(*reply, 500, "Container.Stopping", "the instance is being ended; exit");
    return;
  }
  const std::string request_id(route.request_id);
  switch (route.call) {
    case RuntimeCall::Next:
      next(std::move(reply));
      break;
    case RuntimeCall::Response:
      response(request_id, std::move(request), *reply);
      break;
    case RuntimeCall::Error:
      run_error(request_id, request, *reply);
      break;
    default:
      init_error(request, *reply);
  }
}

void Instance::next(std::shared_ptr<HttpReply> reply) {
  if (stopping_) {
    refuse(*reply, 500, "Container.Stopping", "the instance is being stopped; exit");
    return;
  }
  if ((run_ && run_->delivered) || waiting_) {
    refuse(*reply, 403, "InvalidStateTransition",
           waiting_ ? "another call of next is waiting; an instance has one invocation at a time"
                    : "the invocation before has no response or error yet");
    return;
  }
  waiting_ = std::move(reply);
  waiting_->on_closed([this, instance = weak_from_this()] {
    if (const auto self = instance.lock()) waiting_.reset();
  });
  if (!ready_) {
    // A quick runtime may be here before this thread knows its process: it waits for that.
    if (!spawn_pending_) become_ready();
  } else if (run_) {
    deliver();
  } else {
    stand_still();
  }
}

void Instance::become_ready() {
  ready_ = true;
  timer_.reset();
  host_.report(
      PoolReady{.instance = id_,
                .start_time = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - asked_)});
}

void Instance::deliver() {
  arm(function_->timeout, &Instance::timed_out);
  run_->delivered = Clock::now();
  const auto deadline = std::chrono::system_clock::now() + function_->timeout;
  const auto deadline_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline.time_since_epoch()).count();
  HttpResponse answer{.headers = {{"Content-Type", "application/json"},
                                  {"Lambda-Runtime-Aws-Request-Id", run_->invocation.request_id},
                                  {"Lambda-Runtime-Deadline-Ms", std::to_string(deadline_ms)},
                                  {"Lambda-Runtime-Invoked-Function-Arn", function_arn(*function_)}},
                      .body = std::move(run_->invocation.payload)};
  if (!run_->invocation.trace_header.empty())
    answer.headers.emplace_back("Lambda-Runtime-Trace-Id", run_->invocation.trace_header);
  std::exchange(waiting_, nullptr)->send(std::move(answer));
}

/// Whether the run that a runtime speaks of is the one it has; answers it if not.
bool Instance::accepts(std::string_view request_id, HttpReply& reply) const {
  if (run_ && run_->delivered && run_->invocation.request_id == request_id) return true;
  if (request_id == last_request_id_)
    refuse(reply, 403, "InvalidStateTransition", "this invocation has its response or error already");
  else
    refuse(reply, 400, "InvalidRequestID", "this instance has no invocation of that id");
  return false;
}

void Instance::response(std::string_view request_id, HttpRequest request, HttpReply& reply) {
  if (!accepts(request_id, reply)) return;
  PoolFinished finished;
  if (request.body.size() > kResponseMaxBytes) {
    finished.error = ErrorClass::Handler;
    finished.error_type = "Function.ResponseSizeTooLarge";
    finished.error_message = "the response has " + std::to_string(request.body.size()) + " bytes; at most " +
                             std::to_string(kResponseMaxBytes) + " are taken";
    refuse(reply, 413, finished.error_type, finished.error_message);
    finish_run(std::move(finished));
    return;
  }
  // A streamed response says in a trailer that it broke off.
  const std::string_view broken = find_header(request.headers, "Lambda-Runtime-Function-Error-Type");
  if (broken.empty()) {
    finished.response = std::move(request.body);
  } else {
    finished.error = ErrorClass::Handler;
    finished.error_type = escape_control_characters(broken);
    finished.error_message =
        escape_control_characters(find_header(request.headers, "Lambda-Runtime-Function-Error-Body"));
  }
  accept(reply);
  finish_run(std::move(finished));
}

void Instance::run_error(std::string_view request_id, const HttpRequest& request, HttpReply& reply) {
  if (!accepts(request_id, reply)) return;
  RuntimeError error =
      read_runtime_error(find_header(request.headers, "Lambda-Runtime-Function-Error-Type"), request.body);
  accept(reply);
  PoolFinished finished;
  finished.error = ErrorClass::Handler;
  finished.error_type = std::move(error.type);
  finished.error_message = std::move(error.message);
  finish_run(std::move(finished));
}

void Instance::init_error(const HttpRequest& request, HttpReply& reply) {
  if (ready_) {
    refuse(reply, 403, "InvalidStateTransition", "the init of this instance is over");
    return;
  }
  const RuntimeError error =
      read_runtime_error(find_header(request.headers, "Lambda-Runtime-Function-Error-Type"), request.body);
  accept(reply);
  end(LossReason::StartFailed, "init error " + escape_control_characters(error.type + ": " + error.message),
      ErrorClass::Capacity);
}

/// The Runtime API's word for "exit": a 500 to next means that the environment is beyond recovery.
void Instance::dismiss_waiting() {
  if (waiting_)
    refuse(*std::exchange(waiting_, nullptr), 500, "Container.Stopping",
           "the instance is being stopped; exit");
}

}  // namespace forewarm
