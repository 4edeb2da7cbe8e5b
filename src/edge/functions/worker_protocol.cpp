#include "edge/functions/worker_protocol.h"

#include <algorithm>

namespace forewarm {
namespace {

constexpr std::size_t kNameMaxBytes = 64;

bool is_worker_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameMaxBytes && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  });
}

WorkerCall refused_call(unsigned status, std::string_view type, std::string_view message) {
  return {.refusal = runtime_refusal(status, type, message)};
}

}  // namespace

WorkerCall read_worker_call(const HttpRequest& request) {
  const std::string_view name = find_header(request.headers, kWorkerHeader);
  if (!is_worker_name(name))
    return refused_call(
        400, "Worker.NoId",
        "the header Forewarm-Worker has to name the worker: 1 to 64 letters, digits, '-', '_' "
        "and '.'. Runtimes do not send it: start them by forewarm-worker");
  WorkerCall call{.worker = std::string(name)};
  if (request.path == kHeartbeatPath || request.path == kGoodbyePath) {
    if (request.method != "POST")
      return refused_call(405, "Runtime.WrongMethod", request.path + " takes POST only");
    call.kind = request.path == kHeartbeatPath ? WorkerCall::Kind::Heartbeat : WorkerCall::Kind::Goodbye;
    return call;
  }
  const RuntimeRoute route = route_runtime_call(request.method, request.path);
  call.request_id = route.request_id;
  switch (route.call) {
    case RuntimeCall::Next:
      call.kind = WorkerCall::Kind::Next;
      return call;
    case RuntimeCall::Response:
      call.kind = WorkerCall::Kind::Response;
      return call;
    case RuntimeCall::Error:
      call.kind = WorkerCall::Kind::Error;
      return call;
    case RuntimeCall::InitError:
      call.kind = WorkerCall::Kind::InitError;
      return call;
    case RuntimeCall::WrongMethod:
      return refused_call(405, "Runtime.WrongMethod", request.method + " is not what this path takes");
    case RuntimeCall::Unknown:
      break;
  }
  return refused_call(404, "Runtime.UnknownPath",
                      "workers call the Lambda Runtime API 2018-06-01, " + std::string(kHeartbeatPath) +
                          " and " + std::string(kGoodbyePath) + "; nothing else is here");
}

HttpResponse worker_dismissed() {
  return runtime_refusal(410, "Container.Stopping", "this worker is not wanted any more; exit");
}

}  // namespace forewarm
