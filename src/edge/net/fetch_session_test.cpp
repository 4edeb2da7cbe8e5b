#include "edge/net/fetch_session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "edge/net/http.h"

namespace forewarm {
namespace {

/// A server on a thread of its own, which answers with what it was sent; "/slow" is never answered.
class EchoServer {
 public:
  EchoServer() {
    server_ = HttpServer::listen(loop_, {}, [this](HttpRequest request, std::shared_ptr<HttpReply> reply) {
                if (request.path == "/slow") {
                  slow_.push_back(std::move(reply));
                } else {
                  reply->send({.status = 201, .body = request.method + " " + request.body});
                }
              }).value();
    url_ = "http://" + to_string(server_->endpoint());
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) loop_.run_until(Loop::Clock::now() + std::chrono::milliseconds(20));
    });
  }
  const std::string& url() const { return url_; }

 private:
  Loop loop_;
  std::unique_ptr<HttpServer> server_;
  std::vector<std::shared_ptr<HttpReply>> slow_;
  std::string url_;
  std::jthread thread_;
};

void run_until_idle(FetchSession& session) {
  while (session.under_way() > 0) session.run(std::chrono::milliseconds(1000));
}

TEST(FetchSession, KeepsItsConnectionFromOneRequestToTheNext) {
  EchoServer server;
  FetchSession session;
  for (int i = 0; i < 5; ++i) {
    std::string got;
    session.start({.method = "POST", .url = server.url() + "/", .body = "n" + std::to_string(i)}, {},
                  [&](const Result<HttpResponse>& answer) {
                    got =
                        answer ? std::to_string(answer->status) + " " + answer->body : answer.error().message;
                  });
    run_until_idle(session);
    EXPECT_EQ(got, "201 POST n" + std::to_string(i));
  }
  EXPECT_EQ(session.connections(), 1U);
}

TEST(FetchSession, HasManyRequestsAtATimeAndOneThatHangsHoldsUpNone) {
  EchoServer server;
  FetchSession session;
  int answered = 0;
  std::string slow;
  session.start({.url = server.url() + "/slow"}, {.timeout = std::chrono::milliseconds(300)},
                [&](const Result<HttpResponse>& answer) { slow = answer ? "" : answer.error().message; });
  for (int i = 0; i < 10; ++i)
    session.start({.url = server.url() + "/"}, {},
                  [&](const Result<HttpResponse>& answer) { answered += answer ? 1 : 0; });
  while (answered < 10) session.run(std::chrono::milliseconds(1000));
  EXPECT_EQ(slow, "");
  run_until_idle(session);
  EXPECT_NE(slow.find("cannot be reached"), std::string::npos) << slow;
}

TEST(FetchSession, ReturnsWhenItIsWoken) {
  FetchSession session;
  std::jthread waker([&] { session.wake(); });
  session.run(std::chrono::hours(1));  // or the test does not end
}

TEST(FetchSession, ForgetsWhatIsDropped) {
  EchoServer server;
  FetchSession session;
  bool called = false;
  session.start({.url = server.url() + "/slow"}, {}, [&](const auto&) { called = true; });
  session.run(std::chrono::milliseconds(1));
  session.drop_all();
  EXPECT_EQ(session.under_way(), 0U);
  session.run(std::chrono::milliseconds(1));
  EXPECT_FALSE(called);
}

TEST(FetchSession, WhatIsNoUrlIsInvalid) {
  FetchSession session;
  ErrorCode code = ErrorCode::Closed;
  session.start({.url = "gopher://x/"}, {},
                [&](const Result<HttpResponse>& answer) { code = answer.error().code; });
  run_until_idle(session);
  EXPECT_EQ(code, ErrorCode::Invalid);
}

}  // namespace
}  // namespace forewarm
