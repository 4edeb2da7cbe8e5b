#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "base/result.h"
#include "edge/functions/runtime_answer.h"
#include "edge/net/http.h"
#include "edge/net/loop.h"

namespace forewarm {

/// The half of a worker that is beside its runtime: the Lambda Runtime API on loopback, for a runtime that
/// knows nothing of networks, and calls of a server elsewhere on its behalf (docs/workers.md).
///
/// A runtime's result is accepted here, at once, and delivered until the server has it: Amazon's own runtime
/// client gives a POST 100 ms and ends its process when they are over
/// (github.com/awslabs/aws-lambda-cpp, src/runtime.cpp), so results could not cross a network otherwise.
/// Meanwhile, and while a run goes on, a heartbeat is held open at the server, as `next` is while the runtime
/// waits, so the server knows soon that this process has gone, by whatever end it came to.
///
/// Lives on its loop's thread.
class Forwarder {
 public:
  struct Options {
    Endpoint server{};
    std::shared_ptr<ssl_ctx_st> tls{};  ///< null: plain HTTP
    std::string worker{};               ///< its id, like no other's
    std::string pod{};                  ///< as kPodHeader has it; empty: in none
    std::function<Result<std::string>()> token{};
    std::function<void(const std::string&)> say{};
    std::chrono::milliseconds call_timeout{30'000};    ///< longer than the server holds a request
    std::chrono::milliseconds pause_most{5'000};       ///< between tries to reach the server
    std::chrono::milliseconds deliver_most{60'000};    ///< a result that cannot be delivered is let go then
    std::chrono::milliseconds overdue_most{5'000};     ///< a run may be late, if the server does not end it
    std::chrono::milliseconds goodbye_timeout{5'000};  ///< a server that does not answer is left without one
  };
  /// `end` is called once, with the exit status: the runtime has to go, and the process with it.
  static Result<std::unique_ptr<Forwarder>> open(Loop& loop, Options options, std::function<void(int)> end);

  /// Where the runtime finds its API.
  Endpoint runtime_api() const { return api_->endpoint(); }
  /// No more runs: the one under way ends, then `end`.
  void leave();
  /// The runtime's process has ended, as `how` says.
  void runtime_ended(const std::string& how, int status);

 private:
  using Done = std::function<void(Result<HttpResponse>)>;
  using TimerPtr = std::unique_ptr<Loop::Timer>;
  struct Run {
    std::string id;
    TimerPtr overdue{};
    bool answered = false;  ///< its runtime has given its result, which is being delivered
  };
  struct Backoff {
    std::chrono::milliseconds pause{0};
    TimerPtr timer{};
  };

  Forwarder(Loop& loop, Options options, std::function<void(int)> end)
      : loop_(loop), options_(std::move(options)), end_(std::move(end)) {}
  void handle(HttpRequest request, std::shared_ptr<HttpReply> reply);
  void runtime_waits(std::shared_ptr<HttpReply> reply);
  void poll();
  void poll_again();
  void polled(Result<HttpResponse> answer);
  void begin_run(HttpResponse invocation);
  void hand_over();
  void beat();
  void beaten(const Result<HttpResponse>& answer);
  void result(RuntimeAnswer answer);
  void deliver(HttpRequest request, Loop::Clock::time_point begun, bool again);
  void let_go(const std::string& why);
  void delivered();
  void say_goodbye(int status, const std::string& reason);
  void finish(int status, const std::string& why);
  void call(HttpRequest request, Done done);
  void again_after_pause(Backoff& backoff, std::function<void()> task);
  std::string refusal(const HttpResponse& answer) const;
  void trouble(const std::string& what);
  void reached();

  Loop& loop_;
  Options options_;
  std::function<void(int)> end_;
  std::unique_ptr<HttpServer> api_;
  std::shared_ptr<HttpClient> client_;
  std::uint32_t client_failures_ = 0;
  std::shared_ptr<HttpReply> waiting_;       ///< the runtime's next
  std::optional<HttpResponse> undelivered_;  ///< an invocation that the runtime has not come for
  std::optional<Run> run_;
  std::string last_run_;
  std::string lost_run_;  ///< whose result did not get there, until the server knows
  Backoff polls_;
  Backoff beats_;
  Backoff deliveries_;
  TimerPtr goodbye_timer_;
  bool polling_ = false;
  bool beating_ = false;
  bool accepted_ = false;  ///< the server has taken it once
  bool unknown_ = false;   ///< the server does not know it, until it asks for the next invocation
  bool in_trouble_ = false;
  bool leaving_ = false;
  int leave_status_ = 0;
  bool said_goodbye_ = false;
  bool ended_ = false;
  std::minstd_rand random_{std::random_device{}()};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace forewarm
