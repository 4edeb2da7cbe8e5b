#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "edge/functions/runtime_answer.h"
#include "edge/net/http.h"

namespace forewarm {

// What a worker adds to the Lambda Runtime API (docs/workers.md).
inline constexpr std::string_view kWorkerHeader = "Forewarm-Worker";  ///< its id, of all its requests
/// Of next: the pod of Kubernetes that it is in, NAMESPACE/NAME, or NAME where it does not know the former.
inline constexpr std::string_view kPodHeader = "Forewarm-Pod";
inline constexpr std::string_view kTimeoutHeader =
    "Forewarm-Timeout-Ms";  ///< of an invocation: clocks differ
/// Of a goodbye: the run that it had. Of next: one that it had, whose result did not get here.
inline constexpr std::string_view kRunHeader = "Forewarm-Run";
inline constexpr std::string_view kReasonHeader = "Forewarm-Reason";  ///< of a goodbye
inline constexpr std::string_view kHeartbeatPath = "/v1/worker/heartbeat";
inline constexpr std::string_view kGoodbyePath = "/v1/worker/goodbye";
inline constexpr std::string_view kNextPath = "/2018-06-01/runtime/invocation/next";
inline constexpr std::string_view kRequestIdHeader = "Lambda-Runtime-Aws-Request-Id";
inline constexpr std::string_view kDeadlineHeader = "Lambda-Runtime-Deadline-Ms";
inline constexpr std::string_view kUnknownWorker = "Worker.Unknown";

/// One request of a worker.
struct WorkerCall {
  enum class Kind : std::uint8_t { Next, Response, Error, InitError, Heartbeat, Goodbye };
  Kind kind = Kind::Next;
  std::string worker{};
  std::string pod{};                      ///< as kPodHeader has it; empty: none is named
  std::string request_id{};               ///< of Response and Error
  std::optional<HttpResponse> refusal{};  ///< there: it is none, and this is the answer
};
/// Pure.
WorkerCall read_worker_call(const HttpRequest& request);

/// What kPodHeader may have: names as Kubernetes has them, a DNS label for the namespace, a DNS subdomain for
/// the pod (RFC 1123). Pure.
bool names_pod(std::string_view text);

/// 410: nothing more comes; end.
HttpResponse worker_dismissed();

}  // namespace forewarm
