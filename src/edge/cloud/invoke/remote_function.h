#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/net/fetch.h"

namespace forewarm {

/// One invocation of a function that runs elsewhere.
struct RemoteCall {
  std::string request_id{};
  std::string payload{};
  HttpHeaders headers{};       ///< of the payload, where the platform hands them on
  std::string trace_header{};  ///< that the message came with; empty: none
  std::chrono::milliseconds timeout{30'000};
};

/// How it ended. The last three are not the message's fault.
enum class RemoteEnd : std::uint8_t {
  Succeeded,
  Failed,       ///< the function says so, or what it answers is of no use
  TimedOut,     ///< no answer in time; it may go on all the same
  Crashed,      ///< its process ended
  Throttled,    ///< no room for it now: it was not run
  Unavailable,  ///< the platform stumbled or could not be reached: it may have been run
  Refused,      ///< it is not there, or we may not: somebody has to look
};

struct RemoteOutcome {
  RemoteEnd end = RemoteEnd::Succeeded;
  std::string error_type{};
  std::string error_message{};  ///< cut, safe to show
  std::string response{};
  std::chrono::milliseconds wait{0};  ///< the platform asks not to be asked sooner
  bool credentials_refused = false;   ///< newer ones may help
};

/// What one platform's requests and answers look like. Pure but for the credentials.
class RemoteProtocol {
 public:
  virtual ~RemoteProtocol() = default;
  /// May wait for credentials; fails where there are none.
  virtual Result<FetchRequest> request(const RemoteCall& call) = 0;
  virtual RemoteOutcome outcome(HttpResponse answer) const = 0;
  /// What it means that the connection broke after the request had been sent: a function that ends its
  /// server's process looks like that, but not where a platform stands between.
  virtual RemoteEnd when_broken() const = 0;
  /// The credentials are refused.
  virtual void renew() {}
};

/// A function that runs elsewhere: payload in, outcome out.
class RemoteFunction {
 public:
  using Done = std::function<void(RemoteOutcome)>;
  virtual ~RemoteFunction() = default;  ///< what is under way ends without an outcome
  /// Any thread; any number at a time. `done` is called once, on a thread of the function's own.
  virtual void invoke(RemoteCall call, Done done) = 0;
};

struct RemoteOptions {
  std::string ca_file{};  ///< PEM of who is trusted; empty: the system's
  std::chrono::milliseconds connect_timeout{10'000};
};
/// With a thread of its own, which sleeps on its connections; these are kept from one invocation to the
/// next. Credentials that are refused are renewed, and the invocation made again, once.
std::unique_ptr<RemoteFunction> make_remote_function(std::unique_ptr<RemoteProtocol> protocol,
                                                     const RemoteOptions& options);

/// Lambda's limit for a response that is not streamed, and ours for all.
inline constexpr std::size_t kRemoteAnswerMaxBytes = 6'291'556;

/// The beginning of what a server said, for messages: control characters and what is not UTF-8 become spaces.
std::string remote_words(std::string_view text);
/// Retry-After in seconds (RFC 9110 section 10.2.3), at most a minute; 0 if there is none, or a date.
std::chrono::milliseconds retry_after(const HttpHeaders& headers);

}  // namespace forewarm
