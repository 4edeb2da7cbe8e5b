#include "edge/observe/otlp/otlp_sender.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "edge/net/http.h"

namespace forewarm {
namespace {

using std::chrono::milliseconds;

/// Answers each request with the next of `answers`, the last one for ever.
class Collector {
 public:
  explicit Collector(std::vector<HttpResponse> answers) : answers_(std::move(answers)) {
    server_ = HttpServer::listen(loop_, {},
                                 [this](const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
                                   const std::size_t number =
                                       std::min<std::size_t>(requests_, answers_.size() - 1);
                                   {
                                     const std::lock_guard lock(mutex_);
                                     last_ = request;
                                   }
                                   ++requests_;
                                   reply->send(answers_[number]);
                                 })
                  .value();
    url_ = "http://" + to_string(server_->endpoint()) + "/v1/traces";
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) loop_.run_until(Loop::Clock::now() + milliseconds(10));
    });
  }
  OtlpSender::Options options() const {
    OtlpSender::Options options;
    options.url = url_;
    options.first_pause = milliseconds(5);
    options.tries = 3;
    return options;
  }
  std::size_t requests() const { return requests_; }
  HttpRequest last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  Loop loop_;
  std::vector<HttpResponse> answers_;
  std::unique_ptr<HttpServer> server_;
  std::string url_;
  std::atomic<std::size_t> requests_ = 0;
  mutable std::mutex mutex_;
  HttpRequest last_;
  std::jthread thread_;
};

OtlpCounts after(OtlpSender& sender, std::size_t items) {
  sender.give(items, [] { return std::string("{}"); });
  sender.finish(milliseconds(60'000));
  return sender.counts();
}

TEST(OtlpSender, SendsJsonWithItsHeaders) {
  Collector collector(std::vector<HttpResponse>{{.status = 200, .body = "{}"}});
  OtlpSender::Options options = collector.options();
  options.headers = [] { return HttpHeaders{{"X-Token", "t"}}; };
  OtlpSender sender(options);
  EXPECT_EQ(after(sender, 7).sent, 7U);
  EXPECT_EQ(collector.last().path, "/v1/traces");
  EXPECT_EQ(find_header(collector.last().headers, "content-type"), "application/json");
  EXPECT_EQ(find_header(collector.last().headers, "x-token"), "t");
  EXPECT_EQ(collector.last().body, "{}");
}

TEST(OtlpSender, WhatIsBusyIsAskedAgainAndWhatRefusesIsNot) {
  Collector busy(std::vector<HttpResponse>{{.status = 503}, {.status = 429}, {.status = 200}});
  OtlpSender patient(busy.options());
  EXPECT_EQ(after(patient, 2).sent, 2U);
  EXPECT_EQ(busy.requests(), 3U);
  Collector wrong(std::vector<HttpResponse>{{.status = 400}});
  OtlpSender refused(wrong.options());
  EXPECT_EQ(after(refused, 2).rejected, 2U);
  EXPECT_EQ(wrong.requests(), 1U);
  Collector broken(std::vector<HttpResponse>{{.status = 504}});
  OtlpSender given_up(broken.options());
  EXPECT_EQ(after(given_up, 2).dropped, 2U);
  EXPECT_EQ(broken.requests(), 3U);
}

TEST(OtlpSender, APartialSuccessIsCountedAndNotSentAgain) {
  Collector collector(
      {{.status = 200, .body = R"({"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}})"}});
  OtlpSender::Options options = collector.options();
  std::string said;
  options.problem = [&said](const std::string& problem) { said = problem; };
  OtlpSender sender(options);
  const OtlpCounts counts = after(sender, 5);
  EXPECT_EQ(counts.sent, 3U);
  EXPECT_EQ(counts.rejected, 2U);
  EXPECT_EQ(collector.requests(), 1U);
  EXPECT_NE(said.find("too old"), std::string::npos);
}

TEST(OtlpSender, ALongQueueDropsAndCountsAndTheEndWaitsForNobody) {
  OtlpSender::Options options;
  options.url = "http://127.0.0.1:1/v1/traces";
  options.items_max = 10;
  options.first_pause = std::chrono::hours(1);
  OtlpSender sender(options);
  for (int i = 0; i < 10; ++i) sender.give(5, [] { return std::string("{}"); });
  EXPECT_GE(sender.counts().dropped, 30U);
  sender.finish(milliseconds(1));
}

TEST(OtlpSender, OfMetricsOnlyTheNewestWait) {
  OtlpSender::Options options;
  options.url = "http://127.0.0.1:1/v1/metrics";
  options.newest_only = true;
  options.first_pause = std::chrono::hours(1);
  OtlpSender sender(options);
  for (int i = 0; i < 10; ++i) sender.give(5, [] { return std::string("{}"); });
  EXPECT_GE(sender.counts().dropped, 40U);
}

TEST(OtlpSender, OnlyWhatTheProtocolNamesIsTriedAgain) {
  for (const unsigned status : {429U, 502U, 503U, 504U}) EXPECT_TRUE(otlp_retryable(status));
  for (const unsigned status : {400U, 401U, 404U, 413U, 500U, 501U}) EXPECT_FALSE(otlp_retryable(status));
}

}  // namespace
}  // namespace forewarm
