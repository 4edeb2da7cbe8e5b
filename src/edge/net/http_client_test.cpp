#include <gtest/gtest.h>

#include "edge/net/http.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

TEST(HttpClientLimit, AnAnswerThatIsTooLargeIsToldFromNone) {
  Loop loop;
  const auto server = HttpServer::listen(loop, {}, [](HttpRequest request, std::shared_ptr<HttpReply> reply) {
    const std::size_t size = request.path == "/fits" ? 1000 : 1001;
    if (request.method == "GET") return reply->send({.body = std::string(size, 'x')});
    reply->start_stream({});  // its size is not said before
    reply->write(std::string(size, 'x'));
    reply->finish();
  });
  ASSERT_TRUE(server) << server.error().message;
  HttpClient::Options options{.server = (*server)->endpoint()};
  options.body_max_bytes = 1000;
  const auto client = HttpClient::make(loop, options);
  for (const char* method : {"GET", "POST"}) {
    for (const char* path : {"/fits", "/large"}) {
      std::optional<Result<HttpResponse>> answer;
      client->request({.method = method, .path = path}, [&](Result<HttpResponse> response) {
        answer = std::move(response);
        loop.wake();
      });
      const auto deadline = Loop::Clock::now() + 20s;
      while (!answer && Loop::Clock::now() < deadline) loop.run_until(Loop::Clock::now() + 20ms);
      ASSERT_TRUE(answer);
      if (path == std::string_view("/fits")) {
        ASSERT_TRUE(*answer) << answer->error().message;
        EXPECT_EQ((*answer)->body.size(), 1000U);
      } else {
        ASSERT_FALSE(*answer);
        EXPECT_EQ(answer->error().code, ErrorCode::Exhausted) << method << answer->error().message;
      }
    }
  }
}

}  // namespace
}  // namespace forewarm
