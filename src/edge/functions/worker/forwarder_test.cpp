#include "edge/functions/worker/forwarder.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "edge/functions/worker_protocol.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

/// A server that answers as the test says, and a runtime that is the test, on loopback.
class ForwarderTest : public testing::Test {
 protected:
  struct Call {
    HttpRequest request;
    std::shared_ptr<HttpReply> reply;
  };

  ForwarderTest() { make({}); }

  void make(Forwarder::Options options) {
    auto server =
        HttpServer::listen(loop_, {}, [this](HttpRequest request, std::shared_ptr<HttpReply> reply) {
          calls_.push_back({std::move(request), std::move(reply)});
        });
    server_ = std::move(*server);
    options.server = server_->endpoint();
    options.worker = "w1";
    options.token = []() -> Result<std::string> { return "secret"; };
    options.say = [this](const std::string& text) { said_.push_back(text); };
    auto forwarder = Forwarder::open(loop_, std::move(options), [this](int status) { ended_ = status; });
    forwarder_ = std::move(*forwarder);
    runtime_ = HttpClient::make(loop_, {.server = forwarder_->runtime_api()});
  }

  void ask(std::string method, std::string path, std::string body = "") {
    runtime_->request({.method = std::move(method), .path = std::move(path), .body = std::move(body)},
                      [this](Result<HttpResponse> answer) { answers_.push_back(std::move(answer)); });
  }
  void ask_next() { ask("GET", std::string(kNextPath)); }
  void respond(const std::string& body) { ask("POST", "/2018-06-01/runtime/invocation/r1/response", body); }
  HttpResponse answered() {
    run_until([&] { return !answers_.empty(); });
    HttpResponse answer = answers_.front().value_or(HttpResponse{.status = 0});
    answers_.pop_front();
    return answer;
  }
  /// The next call to this path that the server got.
  Call took(std::string_view path) {
    Call found;
    run_until([&] {
      for (auto each = calls_.begin(); each != calls_.end(); ++each) {
        if (each->request.path != path) continue;
        found = std::move(*each);
        calls_.erase(each);
        return true;
      }
      return false;
    });
    return found;
  }
  void invoke(const Call& polled, std::string timeout_ms = "30000") {
    polled.reply->send({.headers = {{std::string(kRequestIdHeader), "r1"},
                                    {std::string(kDeadlineHeader), "1"},
                                    {std::string(kTimeoutHeader), std::move(timeout_ms)},
                                    {"Lambda-Runtime-Trace-Id", "Root=1"}},
                        .body = "event"});
  }
  /// The runtime has the invocation r1.
  void begin_run(std::string timeout_ms = "30000") {
    ask_next();
    invoke(took(kNextPath), std::move(timeout_ms));
    EXPECT_EQ(answered().body, "event");
  }
  template <class Condition>
  void run_until(Condition condition) {
    const auto deadline = Loop::Clock::now() + 20s;
    bool met = condition();
    while (!met && Loop::Clock::now() < deadline) {
      loop_.run_until(Loop::Clock::now() + 2ms);
      met = condition();
    }
    EXPECT_TRUE(met);
  }

  Loop loop_;
  std::unique_ptr<HttpServer> server_;
  std::deque<Call> calls_;
  std::vector<std::string> said_;
  std::optional<int> ended_;
  std::unique_ptr<Forwarder> forwarder_;
  std::unique_ptr<HttpClient> runtime_;
  std::deque<Result<HttpResponse>> answers_;
};

TEST_F(ForwarderTest, AnInvocationGoesToTheRuntimeAndItsResultBack) {
  ask_next();
  const Call polled = took(kNextPath);
  EXPECT_EQ(find_header(polled.request.headers, "Authorization"), "Bearer secret");
  EXPECT_EQ(find_header(polled.request.headers, kWorkerHeader), "w1");
  invoke(polled);
  const HttpResponse event = answered();
  EXPECT_EQ(event.status, 200U);
  EXPECT_EQ(find_header(event.headers, kRequestIdHeader), "r1");
  EXPECT_EQ(find_header(event.headers, "Lambda-Runtime-Trace-Id"), "Root=1");
  EXPECT_GT(find_header(event.headers, kDeadlineHeader).size(), 12U) << "by this machine's clock";
  EXPECT_TRUE(find_header(event.headers, kTimeoutHeader).empty());
  took(kHeartbeatPath);
  respond("done");
  EXPECT_EQ(answered().status, 202U);
  const Call result = took("/2018-06-01/runtime/invocation/r1/response");
  EXPECT_EQ(result.request.body, "done");
  result.reply->send({.status = 202});
  ask_next();
  took(kNextPath);
}

TEST_F(ForwarderTest, TheServerIsToldOfThePodWithNext) {
  make({.pod = "shop/orders-1"});
  begin_run();
  EXPECT_EQ(find_header(took(kHeartbeatPath).request.headers, kPodHeader), "");
  respond("done");
  answered();
  took("/2018-06-01/runtime/invocation/r1/response").reply->send({.status = 202});
  ask_next();
  EXPECT_EQ(find_header(took(kNextPath).request.headers, kPodHeader), "shop/orders-1");
}

TEST_F(ForwarderTest, TheRuntimeIsNotHeldUpByItsServer) {
  begin_run();
  respond("done");
  EXPECT_EQ(answered().status, 202U) << "before the server has answered";
  ask_next();
  const Call result = took("/2018-06-01/runtime/invocation/r1/response");
  EXPECT_TRUE(calls_.empty() || calls_.front().request.path != kNextPath) << "nothing is asked for before";
  result.reply->send({.status = 202});
  took(kNextPath);
}

TEST_F(ForwarderTest, AResultIsDeliveredAgainUntilItIsTaken) {
  begin_run();
  respond("done");
  answered();
  took("/2018-06-01/runtime/invocation/r1/response").reply->send({.status = 503});
  // Its answer was lost: it had been taken.
  took("/2018-06-01/runtime/invocation/r1/response").reply->send({.status = 403});
  ask_next();
  took(kNextPath);
  EXPECT_FALSE(said_.empty());
}

TEST_F(ForwarderTest, AResultThatNobodyTakesIsLetGo) {
  make({.deliver_most = 0ms});
  begin_run();
  respond("done");
  answered();
  took("/2018-06-01/runtime/invocation/r1/response").reply->send({.status = 503});
  ask_next();
  const Call polled = took(kNextPath);
  EXPECT_EQ(find_header(polled.request.headers, kRunHeader), "r1") << "the run has been, for all that";
  EXPECT_NE(said_.back().find("could not be delivered"), std::string::npos);
  polled.reply->send({.status = 204});
  EXPECT_TRUE(find_header(took(kNextPath).request.headers, kRunHeader).empty());
}

TEST_F(ForwarderTest, AResultThatAProxyRefusesIsSaidToHaveBeen) {
  begin_run();
  forewarm::Forwarder& forwarder = *forwarder_;
  forwarder.leave();
  respond("done");
  answered();
  took("/2018-06-01/runtime/invocation/r1/response").reply->send({.status = 413});
  EXPECT_EQ(find_header(took(kGoodbyePath).request.headers, kRunHeader), "r1");
}

TEST_F(ForwarderTest, WhatARuntimeDoesWronglyIsRefusedHere) {
  ask("POST", "/2018-06-01/runtime/invocation/r1/response", "x");
  EXPECT_EQ(answered().status, 400U);
  begin_run();
  ask("POST", "/2018-06-01/runtime/invocation/r2/response", "x");
  EXPECT_EQ(answered().status, 400U);
  ask_next();
  EXPECT_EQ(answered().status, 403U);
  respond("done");
  EXPECT_EQ(answered().status, 202U);
  respond("done");
  EXPECT_EQ(answered().status, 403U);
  ask("GET", "/v1/functions");
  EXPECT_EQ(answered().status, 404U);
}

TEST_F(ForwarderTest, AResponseThatIsTooLargeFailsTheRun) {
  begin_run();
  EXPECT_EQ(kResponseMaxBytes, 6'291'556U);
  respond(std::string(kResponseMaxBytes + 1, 'x'));
  const HttpResponse refused = answered();
  EXPECT_EQ(refused.status, 413U);
  EXPECT_NE(refused.body.find(R"("errorType":"RequestEntityTooLarge")"), std::string::npos) << refused.body;
  const Call error = took("/2018-06-01/runtime/invocation/r1/error");
  EXPECT_NE(error.request.body.find("Function.ResponseSizeTooLarge"), std::string::npos);
}

TEST_F(ForwarderTest, ARefusedTokenEndsItAtTheFirstCallAndNotLater) {
  ask_next();
  took(kNextPath).reply->send({.status = 204});
  took(kNextPath).reply->send({.status = 403, .body = R"({"errorMessage":"wrong"})"});
  took(kNextPath);
  EXPECT_FALSE(ended_);
  make({});
  ask_next();
  took(kNextPath).reply->send({.status = 403, .body = R"({"errorMessage":"wrong"})"});
  run_until([&] { return ended_.has_value(); });
  EXPECT_EQ(ended_, 1);
  EXPECT_NE(said_.back().find("403: wrong"), std::string::npos);
}

TEST_F(ForwarderTest, AServerThatIsNotThereIsAskedAgain) {
  server_->stop_accepting();
  ask_next();
  run_until([&] { return !said_.empty(); });
  EXPECT_NE(said_[0].find("it is tried again"), std::string::npos);
  EXPECT_FALSE(ended_);
}

TEST_F(ForwarderTest, WhoIsNotWantedEndsWellAndWhoseRunIsEndedDoesNot) {
  ask_next();
  took(kNextPath).reply->send(worker_dismissed());
  run_until([&] { return ended_.has_value(); });
  EXPECT_EQ(ended_, 0);
  ended_.reset();
  make({});
  begin_run();
  took(kHeartbeatPath).reply->send(worker_dismissed());
  run_until([&] { return ended_.has_value(); });
  EXPECT_EQ(ended_, 1);
}

TEST_F(ForwarderTest, AServerThatHasForgottenItLetsTheRunGoOn) {
  begin_run();
  took(kHeartbeatPath).reply->send(runtime_refusal(404, kUnknownWorker, "who"));
  run_until([&] { return !said_.empty(); });
  respond("done");
  EXPECT_EQ(answered().status, 202U);
  ask_next();
  took(kNextPath);
  EXPECT_FALSE(ended_);
}

TEST_F(ForwarderTest, ToldToEndItEndsItsRunAndSaysGoodbye) {
  begin_run();
  forewarm::Forwarder& forwarder = *forwarder_;
  forwarder.leave();
  respond("done");
  answered();
  took("/2018-06-01/runtime/invocation/r1/response").reply->send({.status = 202});
  const Call goodbye = took(kGoodbyePath);
  EXPECT_TRUE(find_header(goodbye.request.headers, kRunHeader).empty());
  EXPECT_FALSE(ended_);
  goodbye.reply->send({.status = 204});
  run_until([&] { return ended_.has_value(); });
  EXPECT_EQ(ended_, 0);
}

TEST_F(ForwarderTest, ARuntimeThatEndsInItsRunIsSaidWithTheRun) {
  begin_run();
  forwarder_->runtime_ended("exit status 7", 7);
  const Call goodbye = took(kGoodbyePath);
  EXPECT_EQ(find_header(goodbye.request.headers, kRunHeader), "r1");
  EXPECT_NE(find_header(goodbye.request.headers, kReasonHeader).find("exit status 7"), std::string::npos);
  goodbye.reply->send({.status = 204});
  run_until([&] { return ended_.has_value(); });
  EXPECT_EQ(ended_, 7);
}

TEST_F(ForwarderTest, ARunFarOverItsTimeIsEndedHereToo) {
  make({.overdue_most = 10ms});
  begin_run("20");
  EXPECT_EQ(find_header(took(kGoodbyePath).request.headers, kRunHeader), "r1");
}

TEST_F(ForwarderTest, AServerThatDoesNotAnswerAGoodbyeIsLeft) {
  make({.goodbye_timeout = 10ms});
  ask_next();
  took(kNextPath).reply->send({.status = 204});
  took(kNextPath);
  forwarder_->leave();
  run_until([&] { return ended_.has_value(); });
  EXPECT_EQ(ended_, 0);
}

}  // namespace
}  // namespace forewarm
