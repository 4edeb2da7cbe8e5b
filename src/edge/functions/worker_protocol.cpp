#include "edge/functions/worker_protocol.h"

#include <algorithm>

namespace forewarm {
namespace {

constexpr std::size_t kNameMaxBytes = 64;
constexpr std::size_t kDnsLabelMaxBytes = 63;
constexpr std::size_t kDnsNameMaxBytes = 253;

bool is_worker_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameMaxBytes && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  });
}

bool is_dns_name(std::string_view text, std::size_t bytes_max, bool dots) {
  const auto plain = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); };
  return !text.empty() && text.size() <= bytes_max && plain(text.front()) && plain(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return plain(c) || c == '-' || (dots && c == '.'); });
}

WorkerCall refused_call(unsigned status, std::string_view type, std::string_view message) {
  return {.refusal = runtime_refusal(status, type, message)};
}

}  // namespace

bool names_pod(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_dns_name(text, kDnsNameMaxBytes, true);
  return is_dns_name(text.substr(0, slash), kDnsLabelMaxBytes, false) &&
         is_dns_name(text.substr(slash + 1), kDnsNameMaxBytes, true);
}

WorkerCall read_worker_call(const HttpRequest& request) {
  const std::string_view name = find_header(request.headers, kWorkerHeader);
  if (!is_worker_name(name))
    return refused_call(
        400, "Worker.NoId",
        "the header Forewarm-Worker has to name the worker: 1 to 64 letters, digits, '-', '_' "
        "and '.'. Runtimes do not send it: start them by forewarm-worker");
  const std::string_view pod = find_header(request.headers, kPodHeader);
  if (!pod.empty() && !names_pod(pod))
    return refused_call(400, "Worker.NoPod",
                        "the header Forewarm-Pod has to be a pod's NAMESPACE/NAME or NAME, as Kubernetes has "
                        "them");
  WorkerCall call{.worker = std::string(name), .pod = std::string(pod)};
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
