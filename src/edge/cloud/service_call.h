#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "edge/cloud/authorisation.h"

namespace forewarm {

/// How a cloud is reached.
struct ServiceAccess {
  std::string url{};  ///< without a slash at the end
  std::chrono::milliseconds timeout{5'000};
  std::string ca_file{};  ///< PEM file of who is trusted; empty: the system's
  Authorisation authorise{};
  std::function<void()> renew{};  ///< what lets requests in is not taken any more
};

/// The body of an answer with status 200. Credentials that have run out are renewed, and the question is
/// asked once more. Exhausted for what may pass (too many questions, a server that stumbles), Io where there
/// is no answer.
Result<std::string> ask_service(const ServiceAccess& access, const FetchRequest& request, int tries,
                                const std::stop_token& stop);

}  // namespace forewarm
