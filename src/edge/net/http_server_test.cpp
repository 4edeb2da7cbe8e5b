#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>

#include "edge/net/http.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

/// A client that sends exactly the bytes it is told to. The server runs in between, on the same thread.
class RawPeer {
 public:
  RawPeer(Loop& loop, std::uint16_t port) : loop_(loop), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawPeer() { close(); }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  void send(std::string_view bytes) {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  /// What came, once `enough` says so or the peer closed; the bound is only for a broken server.
  std::string receive_until(const std::function<bool(const std::string&)>& enough) {
    std::string got;
    const auto deadline = Loop::Clock::now() + 20s;
    while (!enough(got) && Loop::Clock::now() < deadline) {
      loop_.run_until(Loop::Clock::now() + 1ms);
      char piece[65536];
      const ssize_t size = ::recv(fd_, piece, sizeof piece, MSG_DONTWAIT);
      if (size > 0) got.append(piece, static_cast<std::size_t>(size));
      if (size == 0) break;
      if (size < 0 && errno != EAGAIN) break;
    }
    return got;
  }
  std::string receive_ending_with(std::string_view end) {
    return receive_until([=](const std::string& got) { return got.ends_with(end); });
  }
  std::string receive_all() {
    return receive_until([](const std::string&) { return false; });
  }

 private:
  Loop& loop_;
  int fd_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void serve(HttpHandler handler, HttpServer::Options options = {}) {
    auto server = HttpServer::listen(loop, options, std::move(handler));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  void serve_echo(HttpServer::Options options = {}) {
    serve([](HttpRequest request, std::shared_ptr<HttpReply> reply) { reply->send({.body = request.body}); },
          options);
  }
  void run_until(const std::function<bool()>& holds) {
    const auto deadline = Loop::Clock::now() + 20s;
    while (!holds() && Loop::Clock::now() < deadline) loop.run_until(Loop::Clock::now() + 1ms);
    EXPECT_TRUE(holds());
  }

  Loop loop;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersOneRequestAfterAnotherOnAConnection) {
  serve_echo();
  RawPeer client(loop, server_->endpoint().port);
  for (int i = 0; i < 3; ++i) {
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    const std::string answer = client.receive_ending_with("\r\n\r\nhi");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Length: 2\r\n"), std::string::npos);
    EXPECT_EQ(answer.find("Connection"), std::string::npos);
  }
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrderThoughTheyAreAnsweredInAnother) {
  std::vector<std::shared_ptr<HttpReply>> replies;
  serve([&](HttpRequest request, std::shared_ptr<HttpReply> reply) {
    if (request.path == "/slow")
      replies.push_back(std::move(reply));
    else
      reply->send({.body = request.path});
  });
  RawPeer client(loop, server_->endpoint().port);
  client.send("GET /slow HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
  run_until([&] { return replies.size() == 1; });
  replies[0]->send({.body = "/a"});
  const std::string answer = client.receive_ending_with("/c");
  EXPECT_LT(answer.find("\r\n\r\n/a"), answer.find("\r\n\r\n/b"));
  EXPECT_LT(answer.find("\r\n\r\n/b"), answer.find("\r\n\r\n/c"));
}

TEST_F(HttpServerTest, APeerThatHalfClosesStillGetsAllItsAnswers) {
  std::vector<std::shared_ptr<HttpReply>> replies;
  bool told = false;
  serve([&](HttpRequest, std::shared_ptr<HttpReply> reply) {
    reply->on_closed([&] { told = true; });
    replies.push_back(std::move(reply));
  });
  RawPeer client(loop, server_->endpoint().port);
  client.send("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
  client.half_close();
  run_until([&] { return told; });
  replies[0]->send({.body = "first"});
  run_until([&] { return replies.size() == 2; });
  replies[1]->send({.body = "second"});
  const std::string answer = client.receive_all();
  EXPECT_NE(answer.find("first"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("second"));
  run_until([&] { return server_->connections() == 0; });
}

TEST_F(HttpServerTest, TellsOnceWhenThePeerGoesAwayAndTakesALateAnswer) {
  std::shared_ptr<HttpReply> held;
  int closed = 0;
  serve([&](HttpRequest, std::shared_ptr<HttpReply> reply) {
    reply->on_closed([&] { ++closed; });
    held = std::move(reply);
  });
  {
    RawPeer client(loop, server_->endpoint().port);
    client.send("GET / HTTP/1.1\r\n\r\n");
    run_until([&] { return held != nullptr; });
  }
  run_until([&] { return closed == 1; });
  held->send({.body = "late"});
  held.reset();
  run_until([&] { return server_->connections() == 0; });
  EXPECT_EQ(closed, 1);
}

TEST_F(HttpServerTest, ADroppedReplyIsAnsweredWith500) {
  serve([](HttpRequest, std::shared_ptr<HttpReply>) {});
  RawPeer client(loop, server_->endpoint().port);
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(client.receive_ending_with("not answered\n").starts_with("HTTP/1.1 500 "));
}

TEST_F(HttpServerTest, AHandlerThatThrowsIsAnsweredWith500AndTheConnectionGoesOn) {
  int calls = 0;
  serve([&](HttpRequest, std::shared_ptr<HttpReply> reply) {
    if (++calls == 1) throw std::runtime_error("broken");
    reply->send({.body = "fine"});
  });
  RawPeer client(loop, server_->endpoint().port);
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(client.receive_ending_with("not answered\n").starts_with("HTTP/1.1 500 "));
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(client.receive_ending_with("fine").starts_with("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttpAndCloses) {
  serve_echo();
  for (const std::string_view bytes : {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n"}) {
    RawPeer client(loop, server_->endpoint().port);
    client.send(bytes);
    const std::string answer = client.receive_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  }
  run_until([&] { return server_->connections() == 0; });
}

TEST_F(HttpServerTest, RefusesABodyOverTheLimitSoThatTheClientCanReadWhy) {
  serve_echo({.body_max_bytes = 1000});
  RawPeer client(loop, server_->endpoint().port);
  client.send("POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x'));
  EXPECT_TRUE(client.receive_ending_with("Content Too Large\n").starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, InvitesABodyThatIsAnnouncedWithExpect) {
  serve_echo({.body_max_bytes = 1000});
  RawPeer client(loop, server_->endpoint().port);
  client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.receive_ending_with("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_TRUE(client.receive_ending_with("ok").starts_with("HTTP/1.1 200 "));
  client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n");
  EXPECT_TRUE(client.receive_all().starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, ReadsChunkedRequestsAndLargeBodiesInManyPieces) {
  serve_echo();
  RawPeer client(loop, server_->endpoint().port);
  client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
  loop.run_until(Loop::Clock::now() + 1ms);
  client.send("1\r\nc\r\n0\r\n\r\n");
  EXPECT_NE(client.receive_ending_with("abc").find("Content-Length: 3"), std::string::npos);
  const std::string body(1'500'000, 'y');
  std::string request = "POST / HTTP/1.1\r\nContent-Length: 1500000\r\n\r\n" + body;
  std::string answer;
  for (std::size_t i = 0; i < request.size(); i += 50'000) {
    client.send(std::string_view(request).substr(i, 50'000));
    answer += client.receive_until([](const std::string&) { return true; });
    loop.run_until(Loop::Clock::now());
  }
  answer +=
      client.receive_until([&](const std::string& got) { return answer.size() + got.size() > body.size(); });
  EXPECT_TRUE(answer.ends_with(body));
}

TEST_F(HttpServerTest, HeadGetsTheLengthWithoutTheBody) {
  serve([](HttpRequest, std::shared_ptr<HttpReply> reply) { reply->send({.body = "12345"}); });
  RawPeer client(loop, server_->endpoint().port);
  client.send("HEAD / HTTP/1.1\r\n\r\n");
  const std::string answer = client.receive_ending_with("\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, Http10ClosesUnlessAskedToKeepAlive) {
  serve_echo();
  RawPeer once(loop, server_->endpoint().port);
  once.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_NE(once.receive_all().find("Connection: close\r\n"), std::string::npos);
  RawPeer kept(loop, server_->endpoint().port);
  for (int i = 0; i < 2; ++i) {
    kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(kept.receive_ending_with("\r\n\r\n").find("Connection: keep-alive\r\n"), std::string::npos);
  }
}

TEST_F(HttpServerTest, AnswersWithoutABodyHaveNoLength) {
  serve(
      [](HttpRequest, std::shared_ptr<HttpReply> reply) { reply->send({.status = 204, .body = "ignored"}); });
  RawPeer client(loop, server_->endpoint().port);
  client.send("GET / HTTP/1.1\r\n\r\n");
  const std::string answer = client.receive_ending_with("\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 204 No Content\r\n"));
  EXPECT_EQ(answer.find("Content-Length"), std::string::npos);
}

TEST_F(HttpServerTest, StreamsInChunksAndCountsWhatThePeerHasNotTaken) {
  std::shared_ptr<HttpReply> stream;
  serve([&](HttpRequest, std::shared_ptr<HttpReply> reply) {
    reply->start_stream({.headers = {{"Content-Type", "text/event-stream"}}, .body = {}});
    reply->write("data: 1\n\n");
    stream = std::move(reply);
  });
  RawPeer client(loop, server_->endpoint().port);
  client.send("GET /events HTTP/1.1\r\n\r\n");
  const std::string head = client.receive_ending_with("9\r\ndata: 1\n\n\r\n");
  EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(stream->unsent(), 0U);
  const std::string block(1 << 20, 'z');
  for (int i = 0; i < 8; ++i) stream->write(block);
  EXPECT_GT(stream->unsent(), 0U);
  stream->finish();
  const std::string rest = client.receive_ending_with("\r\n0\r\n\r\n");
  EXPECT_GT(rest.size(), 8U << 20);
  client.send("GET /events HTTP/1.1\r\n\r\n");
  EXPECT_NE(client.receive_ending_with("data: 1\n\n\r\n").find("200 OK"), std::string::npos);
}

TEST_F(HttpServerTest, AStreamWhosePeerLeavesIsClosedAndSaysSo) {
  std::shared_ptr<HttpReply> stream;
  bool closed = false;
  serve([&](HttpRequest, std::shared_ptr<HttpReply> reply) {
    reply->start_stream({});
    reply->on_closed([&] { closed = true; });
    stream = std::move(reply);
  });
  {
    RawPeer client(loop, server_->endpoint().port);
    client.send("GET /events HTTP/1.1\r\n\r\n");
    client.receive_ending_with("\r\n\r\n");
  }
  run_until([&] { return closed && server_->connections() == 0; });
  stream->write("into the void");
  EXPECT_EQ(stream->unsent(), 0U);
}

TEST_F(HttpServerTest, ConnectionsOverTheCapAreRefused) {
  serve_echo({.connections_max = 1});
  RawPeer first(loop, server_->endpoint().port);
  first.send("GET / HTTP/1.1\r\n\r\n");
  first.receive_ending_with("\r\n\r\n");
  RawPeer second(loop, server_->endpoint().port);
  EXPECT_TRUE(second.receive_all().starts_with("HTTP/1.1 503 "));
  first.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(first.receive_ending_with("\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, SilentAndStalledConnectionsEnd) {
  serve_echo({.idle_timeout = 1s, .receive_timeout = 1s});
  RawPeer silent(loop, server_->endpoint().port);
  RawPeer stalled(loop, server_->endpoint().port);
  RawPeer idle(loop, server_->endpoint().port);
  stalled.send("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf");
  idle.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(silent.receive_all(), "");
  EXPECT_TRUE(stalled.receive_all().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(idle.receive_all().starts_with("HTTP/1.1 200 "));
  run_until([&] { return server_->connections() == 0; });
}

TEST_F(HttpServerTest, StopsAcceptingWhileOpenConnectionsGoOn) {
  serve_echo();
  RawPeer client(loop, server_->endpoint().port);
  client.send("GET / HTTP/1.1\r\n\r\n");
  client.receive_ending_with("\r\n\r\n");
  server_->stop_accepting();
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(client.receive_ending_with("\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, MayBeDestroyedByItsOwnHandlerAndBeforeAReplyIsGiven) {
  std::shared_ptr<HttpReply> held;
  serve([&](HttpRequest, std::shared_ptr<HttpReply> reply) {
    held = std::move(reply);
    server_.reset();
  });
  RawPeer client(loop, server_->endpoint().port);
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.receive_all(), "");
  ASSERT_TRUE(held);
  held->send({});
}

TEST_F(HttpServerTest, RunningOutOfDescriptorsDelaysConnectionsInsteadOfLosingThem) {
  serve_echo();
  RawPeer client(loop, server_->endpoint().port);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next_free = dup(0);
  close(next_free);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next_free);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  client.send("GET / HTTP/1.1\r\n\r\n");
  loop.run_until(Loop::Clock::now() + 5ms);
  EXPECT_EQ(server_->connections(), 0U);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(client.receive_ending_with("\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, APortInUseIsAnErrorWithARemedy) {
  serve_echo();
  const auto second = HttpServer::listen(loop, {.listen = server_->endpoint()},
                                         [](HttpRequest, std::shared_ptr<HttpReply>) {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("choose another port"), std::string::npos) << second.error().message;
  EXPECT_FALSE(HttpServer::listen(loop, {.listen = {.host = "no.such.host.invalid", .port = 0}}, nullptr));
}

class HttpClientTest : public HttpServerTest {
 protected:
  std::unique_ptr<HttpClient> client(std::size_t connections_max = 4,
                                     std::chrono::milliseconds timeout = 20s) {
    return HttpClient::make(
        loop, {.server = server_->endpoint(), .connections_max = connections_max, .timeout = timeout});
  }
};

TEST_F(HttpClientTest, SendsManyRequestsOverFewConnections) {
  serve([](HttpRequest request, std::shared_ptr<HttpReply> reply) {
    reply->send(
        {.headers = {{"X-Query", request.query}}, .body = request.method + request.path + request.body});
  });
  const auto sender = client(3);
  int answered = 0;
  for (int i = 0; i < 50; ++i) {
    sender->request({.method = "POST", .path = "/p", .query = "n=" + std::to_string(i), .body = "b"},
                    [&, i](Result<HttpResponse> response) {
                      ASSERT_TRUE(response);
                      EXPECT_EQ(response->body, "POST/pb");
                      EXPECT_EQ(find_header(response->headers, "x-query"), "n=" + std::to_string(i));
                      ++answered;
                    });
  }
  EXPECT_EQ(sender->pending(), 50U);
  run_until([&] { return answered == 50; });
  EXPECT_LE(server_->connections(), 3U);
  EXPECT_EQ(sender->pending(), 0U);
}

TEST_F(HttpClientTest, SaysWhyThereWasNoAnswer) {
  serve([](HttpRequest, std::shared_ptr<HttpReply> reply) { reply->send({}); });
  auto sender = client();
  server_.reset();
  std::string why;
  sender->request({.method = "GET", .path = "/"}, [&](Result<HttpResponse> response) {
    why = response ? "answered" : response.error().message;
  });
  run_until([&] { return !why.empty(); });
  EXPECT_NE(why.find("cannot connect to 127.0.0.1:"), std::string::npos) << why;
}

TEST_F(HttpClientTest, AServerThatDoesNotAnswerInTimeIsAnError) {
  std::vector<std::shared_ptr<HttpReply>> held;
  serve([&](HttpRequest, std::shared_ptr<HttpReply> reply) { held.push_back(std::move(reply)); });
  const auto sender = client(1, 50ms);
  int failed = 0;
  for (int i = 0; i < 2; ++i) {
    sender->request({.method = "GET", .path = "/"},
                    [&](Result<HttpResponse> response) { failed += response ? 0 : 1; });
  }
  run_until([&] { return failed == 2; });
}

TEST_F(HttpClientTest, ReadsStreamsAndHeadAnswers) {
  serve([](HttpRequest request, std::shared_ptr<HttpReply> reply) {
    if (request.method == "HEAD") return reply->send({.body = "unseen"});
    reply->start_stream({});
    reply->write("one ");
    reply->write("two");
    reply->finish();
  });
  const auto sender = client(1);
  std::vector<std::string> bodies;
  for (const char* method : {"GET", "HEAD", "GET"}) {
    sender->request({.method = method, .path = "/"}, [&](Result<HttpResponse> response) {
      bodies.push_back(response ? response->body : "failed");
    });
  }
  run_until([&] { return bodies.size() == 3; });
  EXPECT_EQ(bodies, (std::vector<std::string>{"one two", "", "one two"}));
  EXPECT_EQ(server_->connections(), 1U);
}

/// Connections that are open, each with a request on its way.
class HttpServerTurnTest : public HttpServerTest {
 protected:
  void serve_in_turns(std::size_t requests_per_turn, std::size_t turns_above = 0) {
    serve(
        [this](HttpRequest, std::shared_ptr<HttpReply> reply) {
          if (asked_.empty()) loop.post([this] { asked_ += 'o'; });  // another's work
          asked_ += 'r';
          reply->send({.body = "done"});
        },
        {.requests_per_turn = requests_per_turn, .turns_above = turns_above});
    for (int i = 0; i < kClients; ++i)
      clients_.push_back(std::make_unique<RawPeer>(loop, server_->endpoint().port));
    run_until([&] { return server_->connections() == kClients; });
    for (const auto& client : clients_) client->send(kRequest);
  }
  static constexpr int kClients = 10;
  static constexpr std::string_view kRequest = "GET / HTTP/1.1\r\n\r\n";
  std::vector<std::unique_ptr<RawPeer>> clients_;
  std::string asked_;
};

TEST_F(HttpServerTurnTest, OthersHaveTheirTurnAfterSoManyRequests) {
  serve_in_turns(2);
  for (const auto& client : clients_) client->receive_ending_with("done");
  EXPECT_TRUE(asked_.starts_with("rro")) << asked_;
  EXPECT_EQ(asked_.size(), kClients + 1U);
  // And again on the same connections, the other way round.
  for (const auto& client : clients_) client->send(kRequest);
  for (auto client = clients_.rbegin(); client != clients_.rend(); ++client)
    EXPECT_TRUE((*client)->receive_ending_with("done").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTurnTest, AnyNumberMeansThatNobodyWaits) {
  serve_in_turns(0);
  for (const auto& client : clients_) client->receive_ending_with("done");
  EXPECT_FALSE(asked_.starts_with("rro")) << asked_;
}

TEST_F(HttpServerTurnTest, FewConnectionsDoNotWaitEither) {
  serve_in_turns(2, kClients);
  for (const auto& client : clients_) client->receive_ending_with("done");
  EXPECT_FALSE(asked_.starts_with("rro")) << asked_;
}

TEST_F(HttpServerTurnTest, WhoHalfClosesWhileWaitingIsAnsweredAndWhoGoesIsForgotten) {
  serve_in_turns(1);
  for (std::size_t i = 0; i < clients_.size(); i += 2) clients_[i]->half_close();
  for (std::size_t i = 1; i < clients_.size(); i += 2) clients_[i]->close();
  for (std::size_t i = 0; i < clients_.size(); i += 2)
    EXPECT_TRUE(clients_[i]->receive_all().ends_with("done")) << i;
  run_until([&] { return server_->connections() == 0; });
}

TEST_F(HttpServerTurnTest, PipelinedRequestsKeepTheirOrder) {
  std::string paths;
  serve(
      [&](const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
        paths += request.path;
        reply->send({.body = request.path});
      },
      {.requests_per_turn = 1});
  RawPeer client(loop, server_->endpoint().port);
  client.send("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
  client.receive_ending_with("/c");
  EXPECT_EQ(paths, "/a/b/c");
}

TEST_F(HttpServerTurnTest, AServerEndsWhileRequestsWait) {
  serve_in_turns(1);
  run_until([&] { return asked_.contains('r'); });
  server_.reset();
  loop.run_until(Loop::Clock::now() + 1ms);
}

}  // namespace
}  // namespace forewarm
