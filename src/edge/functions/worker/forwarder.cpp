#include "edge/functions/worker/forwarder.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "edge/functions/worker_protocol.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kFirstPause{100};
/// An error's text, in a header of goodbye.
constexpr std::size_t kReasonMaxBytes = 500;
constexpr std::uint32_t kFailuresPerLookUp = 4;

std::chrono::milliseconds timeout_of(const HttpResponse& invocation) {
  const std::string_view text = find_header(invocation.headers, kTimeoutHeader);
  std::int64_t ms = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), ms);
  return std::chrono::milliseconds(failed == std::errc() && ms > 0 ? ms : 900'000);
}

/// As the runtime gets it: its deadline by this machine's clock.
HttpResponse for_runtime(HttpResponse invocation) {
  const auto deadline = std::chrono::system_clock::now() + timeout_of(invocation);
  HttpResponse made{.headers = {{"Content-Type", "application/json"}}, .body = std::move(invocation.body)};
  for (auto& [name, value] : invocation.headers) {
    if (!name.starts_with("Lambda-Runtime-")) continue;
    if (name == kDeadlineHeader)
      value = std::to_string(
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline.time_since_epoch()).count());
    made.headers.emplace_back(name, value);
  }
  return made;
}

}  // namespace

Result<std::unique_ptr<Forwarder>> Forwarder::open(Loop& loop, Options options,
                                                   std::function<void(int)> end) {
  std::unique_ptr<Forwarder> made(new Forwarder(loop, std::move(options), std::move(end)));
  const HttpServer::Options api{.body_max_bytes = kRuntimeBodyMaxBytes,
                                .connections_max = 64,
                                .idle_timeout = 0s,
                                .receive_timeout = 60s};
  auto server = HttpServer::listen(loop, api, std::bind_front(&Forwarder::handle, made.get()));
  if (!server) return std::unexpected(server.error());
  made->api_ = std::move(*server);
  return made;
}

void Forwarder::handle(HttpRequest request, std::shared_ptr<HttpReply> reply) {
  const RuntimeRoute route = route_runtime_call(request.method, request.path);
  if (route.call == RuntimeCall::Unknown || route.call == RuntimeCall::WrongMethod)
    return reply->send(
        runtime_refusal(route.call == RuntimeCall::Unknown ? 404 : 405, "Runtime.UnknownPath",
                        "the Lambda Runtime API 2018-06-01 has no " + request.method + " " + request.path));
  if (route.call == RuntimeCall::Next) return runtime_waits(std::move(reply));
  if (route.call == RuntimeCall::InitError) {
    HttpRequest told{.method = "POST", .path = request.path, .headers = {}, .body = std::move(request.body)};
    if (const std::string_view type = find_header(request.headers, "Lambda-Runtime-Function-Error-Type");
        !type.empty())
      told.headers.emplace_back("Lambda-Runtime-Function-Error-Type", type);
    call(std::move(told), [](const Result<HttpResponse>&) {});
    return reply->send(runtime_accepted());
  }
  if (!run_ || run_->answered || run_->id != route.request_id) {
    const bool done = route.request_id == last_run_ || (run_ && run_->id == route.request_id);
    return reply->send(
        done ? runtime_refusal(403, "InvalidStateTransition",
                               "this invocation has its response or error already")
             : runtime_refusal(400, "InvalidRequestID", "this worker has no invocation of that id"));
  }
  RuntimeAnswer answer = route.call == RuntimeCall::Response ? read_runtime_response(std::move(request))
                                                             : read_runtime_failure(request);
  reply->send(to_runtime(answer));
  result(std::move(answer));
}

void Forwarder::runtime_waits(std::shared_ptr<HttpReply> reply) {
  if ((run_ && !run_->answered && !undelivered_) || waiting_)
    return reply->send(runtime_refusal(
        403, "InvalidStateTransition",
        waiting_ ? "another call of next is waiting" : "the invocation before has no response or error yet"));
  waiting_ = std::move(reply);
  waiting_->on_closed([this] { waiting_.reset(); });
  if (undelivered_) return hand_over();
  if (!run_) poll();
}

void Forwarder::poll() {
  if (polling_ || ended_ || said_goodbye_ || leaving_) return;
  polling_ = true;
  HttpRequest request{.method = "GET", .path = std::string(kNextPath)};
  if (!lost_run_.empty()) request.headers.emplace_back(kRunHeader, lost_run_);
  if (!options_.pod.empty()) request.headers.emplace_back(kPodHeader, options_.pod);
  call(std::move(request), [this](Result<HttpResponse> answer) { polled(std::move(answer)); });
}

void Forwarder::poll_again() {
  polling_ = false;
  poll();
}

void Forwarder::polled(Result<HttpResponse> answer) {
  if (ended_ || said_goodbye_) return;
  if (!answer) {
    trouble(answer.error().message);
    return again_after_pause(polls_, [this] { poll_again(); });
  }
  switch (answer->status) {
    case 200:
    case 204:
      reached();
      polls_.pause = 0ms;
      polling_ = false;
      accepted_ = true;
      unknown_ = false;
      lost_run_.clear();
      if (answer->status == 200) return begin_run(std::move(*answer));
      return poll();
    case 410:
      return finish(0, "the server wants this worker no more");
    default:
      // What another try will not mend, unless it was right before.
      if (answer->status >= 400 && answer->status < 429 && !accepted_) return finish(1, refusal(*answer));
      trouble(refusal(*answer));
      again_after_pause(polls_, [this] { poll_again(); });
  }
}

std::string Forwarder::refusal(const HttpResponse& answer) const {
  return "the server answers " + std::to_string(answer.status) + ": " +
         read_runtime_error("", answer.body).message +
         (answer.status == 404 ? ". Is " + to_string(options_.server) + " the address of [workers] listen?"
                               : "");
}

void Forwarder::begin_run(HttpResponse invocation) {
  run_.emplace(Run{.id = std::string(find_header(invocation.headers, kRequestIdHeader))});
  const auto limit = timeout_of(invocation);
  run_->overdue = loop_.call_after(limit + options_.overdue_most,
                                   [this] { say_goodbye(1, "the run is far over its time"); });
  undelivered_ = for_runtime(std::move(invocation));
  beat();
  if (waiting_) hand_over();
}

void Forwarder::hand_over() {
  HttpResponse invocation = std::move(*undelivered_);
  undelivered_.reset();
  std::exchange(waiting_, nullptr)->send(std::move(invocation));
}

/// One request is open at the server at any time, so that it knows whether this process lives.
void Forwarder::beat() {
  if (beating_ || polling_ || !accepted_ || unknown_ || ended_ || said_goodbye_) return;
  beating_ = true;
  call({.method = "POST", .path = std::string(kHeartbeatPath)},
       [this](const Result<HttpResponse>& answer) { beaten(answer); });
}

void Forwarder::beaten(const Result<HttpResponse>& answer) {
  if (ended_ || said_goodbye_) return;
  if (answer && answer->status == 410)
    return finish(run_ ? 1 : 0,
                  run_ ? "the server has ended the run" : "the server wants this worker no more");
  if (answer && answer->status == 404) {
    beating_ = false;
    unknown_ = true;
    if (run_) options_.say("the server has given up the run under way; what comes of it is let go");
    return;
  }
  if (answer && answer->status == 204) {
    reached();
    beats_.pause = 0ms;
    beating_ = false;
    return beat();
  }
  trouble(answer ? refusal(*answer) : answer.error().message);
  // Still beating, so that nothing else begins to.
  again_after_pause(beats_, [this] {
    beating_ = false;
    beat();
  });
}

void Forwarder::result(RuntimeAnswer answer) {
  run_->answered = true;
  run_->overdue.reset();
  HttpRequest request{
      .method = "POST",
      .path = "/2018-06-01/runtime/invocation/" + run_->id + (answer.failed ? "/error" : "/response"),
      .headers = {{"Content-Type", "application/json"}},
      .body = std::move(answer.response)};
  if (answer.failed) request.body = runtime_refusal(answer.error.type, answer.error.message);
  if (unknown_) return delivered();
  deliver(std::move(request), Loop::Clock::now(), false);
}

void Forwarder::deliver(HttpRequest request, Loop::Clock::time_point begun, bool again) {
  HttpRequest copy = request;
  call(std::move(copy), [this, request = std::move(request), begun,
                         again](const Result<HttpResponse>& answer) {
    if (ended_ || said_goodbye_) return;
    if (answer && answer->status < 300) {
      reached();
      return delivered();
    }
    if (answer && answer->status == 410) return finish(1, "the server has ended the run");
    // After a try whose answer was lost it may have been taken all the same.
    if (answer && answer->status == 403 && again) return delivered();
    if (answer && (answer->status == 404 || answer->status == 400 || answer->status == 413))
      return let_go("the server does not take the result: " + read_runtime_error("", answer->body).message);
    trouble(answer ? refusal(*answer) : answer.error().message);
    if (Loop::Clock::now() - begun > options_.deliver_most)
      return let_go("the result could not be delivered and is let go; the message will be tried again");
    again_after_pause(deliveries_, [this, request, begun] { deliver(request, begun, true); });
  });
}

/// The server is told with the next call that the run has been: or it would give the message back for ever.
void Forwarder::let_go(const std::string& why) {
  options_.say(why);
  lost_run_ = run_->id;
  delivered();
}

void Forwarder::delivered() {
  deliveries_.pause = 0ms;
  last_run_ = run_->id;
  run_.reset();
  if (leaving_) return say_goodbye(leave_status_, "it was told to end");
  if (waiting_) poll();
}

void Forwarder::leave() {
  if (std::exchange(leaving_, true)) return;
  if (run_ && !undelivered_) return options_.say("told to end: the run under way may end first");
  say_goodbye(0, "it was told to end");
}

void Forwarder::runtime_ended(const std::string& how, int status) {
  if (said_goodbye_ || ended_) return;
  options_.say("the runtime has ended: " + how);
  // A result that it gave before is the run's all the same.
  leave_status_ = status == 0 ? 1 : status;
  leaving_ = true;
  waiting_.reset();
  if (run_ && run_->answered) return;
  say_goodbye(leave_status_, "its runtime has ended: " + how);
}

void Forwarder::say_goodbye(int status, const std::string& reason) {
  if (ended_ || std::exchange(said_goodbye_, true)) return;
  if (!accepted_ || unknown_) return finish(status, "");
  HttpRequest request{.method = "POST", .path = std::string(kGoodbyePath)};
  request.headers = {{std::string(kReasonHeader), reason.substr(0, kReasonMaxBytes)}};
  // What the runtime has not seen has not begun.
  const std::string& run = run_ && !undelivered_ ? run_->id : lost_run_;
  if (!run.empty()) request.headers.emplace_back(kRunHeader, run);
  goodbye_timer_ = loop_.call_after(options_.goodbye_timeout, [this, status] { finish(status, ""); });
  call(std::move(request), [this, status](const Result<HttpResponse>&) { finish(status, ""); });
}

void Forwarder::finish(int status, const std::string& why) {
  if (std::exchange(ended_, true)) return;
  if (!why.empty()) options_.say(why);
  loop_.post([this, status, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) end_(status);
  });
}

void Forwarder::call(HttpRequest request, Done done) {
  const Result<std::string> token = options_.token();
  if (!token) {
    loop_.post([done = std::move(done), failed = token.error(), alive = std::weak_ptr(alive_)] {
      if (alive.lock()) done(std::unexpected(failed));
    });
    return;
  }
  // A client tries the addresses of the server's name in turn; a new one looks the name up again.
  if (!client_ || (client_failures_ >= kFailuresPerLookUp && client_->pending() == 0)) {
    client_ = HttpClient::make(loop_, {.server = options_.server,
                                       .connections_max = 8,
                                       .timeout = options_.call_timeout,
                                       .body_max_bytes = kRuntimeBodyMaxBytes,
                                       .tls = options_.tls});
    client_failures_ = 0;
  }
  request.headers.emplace_back("Authorization", "Bearer " + *token);
  request.headers.emplace_back(kWorkerHeader, options_.worker);
  client_->request(std::move(request), [this, alive = std::weak_ptr(alive_), client = std::weak_ptr(client_),
                                        done = std::move(done)](Result<HttpResponse> answer) {
    if (!alive.lock()) return;
    // It is not let go of while it is answering.
    const auto held = client.lock();
    if (!answer) ++client_failures_;
    loop_.post([alive, held, done, answer = std::move(answer)] {
      if (alive.lock()) done(answer);
    });
  });
}

/// Longer each time, and never for all workers alike.
void Forwarder::again_after_pause(Backoff& backoff, std::function<void()> task) {
  backoff.pause = std::clamp(backoff.pause * 2, kFirstPause, options_.pause_most);
  const auto part = backoff.pause * (50 + random_() % 51) / 100;
  backoff.timer = loop_.call_after(part, std::move(task));
}

/// Said when it begins.
void Forwarder::trouble(const std::string& what) {
  if (!std::exchange(in_trouble_, true)) options_.say(what + "; it is tried again");
}

void Forwarder::reached() {
  if (std::exchange(in_trouble_, false)) options_.say("the server is there again");
}

}  // namespace forewarm
