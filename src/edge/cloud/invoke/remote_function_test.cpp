#include "edge/cloud/invoke/remote_function.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

namespace forewarm {
namespace {

using namespace std::chrono_literals;

/// A socket on loopback that does one thing with each connection, on a thread of its own.
class RawServer {
 public:
  explicit RawServer(std::function<void(int)> serve) : serve_(std::move(serve)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_, 16), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    thread_ = std::jthread([this] {
      for (int client = ::accept(socket_, nullptr, nullptr); client >= 0;
           client = ::accept(socket_, nullptr, nullptr)) {
        serve_(client);
        open_.push_back(client);
      }
    });
  }
  ~RawServer() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    for (const int client : open_) ::close(client);
    ::close(socket_);
  }
  const std::string& url() const { return url_; }

 private:
  std::function<void(int)> serve_;
  int socket_ = -1;
  std::vector<int> open_;
  std::string url_;
  std::jthread thread_;
};

std::string read_some(int client) {
  char bytes[4096];
  const auto count = ::recv(client, bytes, sizeof bytes, 0);
  return {bytes, count > 0 ? static_cast<std::size_t>(count) : 0};
}

void say(int client, std::string_view text) {
  (void)::send(client, text.data(), text.size(), MSG_NOSIGNAL);
}

/// 200 with "stale" where the credentials are those of the beginning.
class PlainProtocol final : public RemoteProtocol {
 public:
  explicit PlainProtocol(std::string url, bool has_credentials = true)
      : url_(std::move(url)), has_credentials_(has_credentials) {}
  Result<FetchRequest> request(const RemoteCall& call) override {
    if (!has_credentials_) return error(ErrorCode::NotFound, "there are no credentials");
    return FetchRequest{.method = "POST",
                        .url = url_,
                        .headers = {{"Content-Type", "text/plain"}, {"Key", std::to_string(renewals_)}},
                        .body = call.payload};
  }
  RemoteOutcome outcome(HttpResponse answer) const override {
    if (answer.status == 401) return {.end = RemoteEnd::Refused, .credentials_refused = true};
    return {.response = answer.body};
  }
  RemoteEnd when_broken() const override { return RemoteEnd::Crashed; }
  void renew() override { ++renewals_; }

 private:
  std::string url_;
  bool has_credentials_;
  int renewals_ = 0;
};

RemoteOutcome invoke_once(RemoteFunction& function, std::chrono::milliseconds timeout = 10s) {
  std::promise<RemoteOutcome> promise;
  function.invoke({.payload = "hello", .timeout = timeout},
                  [&](RemoteOutcome outcome) { promise.set_value(std::move(outcome)); });
  return promise.get_future().get();
}

RemoteOutcome outcome_at(const std::string& url, std::chrono::milliseconds timeout = 10s,
                         bool has_credentials = true) {
  const auto function = make_remote_function(std::make_unique<PlainProtocol>(url, has_credentials), {});
  return invoke_once(*function, timeout);
}

constexpr std::string_view kDone = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone";

TEST(RemoteFunction, GivesThePayloadAndGetsTheAnswer) {
  std::string got;
  RawServer server([&](int client) {
    got = read_some(client);
    say(client, kDone);
  });
  EXPECT_EQ(outcome_at(server.url()).response, "done");
  EXPECT_TRUE(got.ends_with("\r\n\r\nhello")) << got;
}

TEST(RemoteFunction, KeepsItsConnection) {
  int connections = 0;
  RawServer server([&](int client) {
    ++connections;
    for (int i = 0; i < 5; ++i) {
      (void)read_some(client);
      say(client, kDone);
    }
  });
  const auto function = make_remote_function(std::make_unique<PlainProtocol>(server.url()), {});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(invoke_once(*function).response, "done");
  EXPECT_EQ(connections, 1);
}

TEST(RemoteFunction, NobodyThereIsNoAttempt) {
  std::string url;
  {
    url = RawServer([](int) {}).url();
  }
  const RemoteOutcome outcome = outcome_at(url);
  EXPECT_EQ(outcome.end, RemoteEnd::Unavailable);
  EXPECT_EQ(outcome.error_type, "Remote.Unreachable");
}

TEST(RemoteFunction, AConnectionThatIsHalfOpenTimesOut) {
  RawServer server([](int) {});
  const RemoteOutcome outcome = outcome_at(server.url(), 200ms);
  EXPECT_EQ(outcome.end, RemoteEnd::TimedOut);
  EXPECT_EQ(outcome.error_message, "no answer within 200 ms; it may go on all the same");
}

TEST(RemoteFunction, AConnectionThatBreaksIsWhatThePlatformSaysItIs) {
  RawServer silent([](int client) {
    (void)read_some(client);
    ::shutdown(client, SHUT_RDWR);
  });
  EXPECT_EQ(outcome_at(silent.url()).end, RemoteEnd::Crashed);
  RawServer halfway([](int client) {
    (void)read_some(client);
    say(client, "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nhalf");
    ::shutdown(client, SHUT_RDWR);
  });
  const RemoteOutcome outcome = outcome_at(halfway.url());
  EXPECT_EQ(outcome.end, RemoteEnd::Crashed);
  EXPECT_EQ(outcome.error_type, "Remote.NoResponse");
  EXPECT_EQ(outcome.response, "");
}

TEST(RemoteFunction, BytesThatAreNoHttpAreNoAnswer) {
  RawServer server([](int client) {
    (void)read_some(client);
    say(client, "\x16\x03\x01 what?\r\n\r\n");
    ::shutdown(client, SHUT_RDWR);
  });
  EXPECT_EQ(outcome_at(server.url()).end, RemoteEnd::Crashed);
}

TEST(RemoteFunction, AnAnswerWithoutEndIsNotTaken) {
  RawServer server([](int client) {
    (void)read_some(client);
    say(client, "HTTP/1.1 200 OK\r\n\r\n");
    const std::string more(1U << 20, 'x');
    for (int i = 0; i < 8; ++i) say(client, more);
    ::shutdown(client, SHUT_RDWR);
  });
  const RemoteOutcome outcome = outcome_at(server.url());
  EXPECT_EQ(outcome.end, RemoteEnd::Failed);
  EXPECT_EQ(outcome.error_type, "Function.ResponseSizeTooLarge");
}

TEST(RemoteFunction, HeadersWithoutEndAreNotTaken) {
  RawServer server([](int client) {
    (void)read_some(client);
    say(client, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 400; ++i) say(client, "X-More: " + std::string(1'000, 'y') + "\r\n");
    say(client, "\r\n");
    ::shutdown(client, SHUT_RDWR);
  });
  EXPECT_EQ(outcome_at(server.url()).error_type, "Function.ResponseSizeTooLarge");
}

TEST(RemoteFunction, RefusedCredentialsAreRenewedOnce) {
  std::vector<std::string> keys;
  RawServer server([&](int client) {
    for (int i = 0; i < 2; ++i) {
      const std::string request = read_some(client);
      const std::size_t at = request.find("Key: ");
      keys.push_back(at == std::string::npos ? "" : request.substr(at + 5, 1));
      const bool stale = keys.back() == "0";
      say(client, stale ? "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n" : kDone);
    }
  });
  EXPECT_EQ(outcome_at(server.url()).response, "done");
  EXPECT_EQ(keys, (std::vector<std::string>{"0", "1"}));
}

TEST(RemoteFunction, WithoutCredentialsNobodyIsAsked) {
  const RemoteOutcome outcome = outcome_at("http://127.0.0.1:1/", 10s, false);
  EXPECT_EQ(outcome.end, RemoteEnd::Refused);
  EXPECT_EQ(outcome.error_type, "Remote.NoCredentials");
  EXPECT_EQ(outcome.error_message, "there are no credentials");
}

TEST(RemoteFunction, EndsWhileInvocationsAreUnderWay) {
  RawServer server([](int) {});
  auto function = make_remote_function(std::make_unique<PlainProtocol>(server.url()), {});
  for (int i = 0; i < 20; ++i)
    function->invoke({.payload = "x"}, [](const RemoteOutcome&) { ADD_FAILURE() << "it was not answered"; });
  function.reset();
}

}  // namespace
}  // namespace forewarm
