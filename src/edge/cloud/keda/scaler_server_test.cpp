#include "edge/cloud/keda/scaler_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>

namespace forewarm {
namespace {

using namespace std::string_literals;

constexpr char kData = 0, kHeaders = 1, kSettings = 4;
constexpr char kEndStream = 1, kEndHeaders = 4;

std::string bytes_of(std::uint32_t number, int count) {
  std::string out;
  while (count-- > 0) out += static_cast<char>(number >> (8 * count) & 0xFF);
  return out;
}
/// RFC 9113, 4.1.
std::string frame_of(char type, char flags, std::uint32_t stream, const std::string& payload) {
  return bytes_of(static_cast<std::uint32_t>(payload.size()), 3) + type + flags + bytes_of(stream, 4) +
         payload;
}
/// A field without indexing, with a new name (RFC 7541, 6.2.2); both are shorter than 127 bytes.
std::string field_of(const std::string& name, const std::string& value) {
  return "\0"s + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) + value;
}
std::string message_of(const std::string& bytes) {
  return "\0"s + bytes_of(static_cast<std::uint32_t>(bytes.size()), 4) + bytes;
}

/// KEDA's side of a connection, as bytes: it opens StreamIsActive and hears what is pushed.
class PushedTo {
 public:
  PushedTo(Loop& loop, std::uint16_t port, const std::string& queue) : loop_(loop) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string entry = "\x0a\x05queue\x12"s + static_cast<char>(queue.size()) + queue;
    const std::string reference = "\x1a"s + static_cast<char>(entry.size()) + entry;
    send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame_of(kSettings, 0, 0, "") +
         frame_of(kHeaders, kEndHeaders, 1,
                  field_of(":method", "POST") + field_of(":scheme", "http") + field_of(":authority", "test") +
                      field_of(":path", "/externalscaler.ExternalScaler/StreamIsActive") +
                      field_of("content-type", "application/grpc") + field_of("te", "trailers")) +
         frame_of(kData, kEndStream, 1, message_of(reference)));
  }
  ~PushedTo() { ::close(socket_); }
  PushedTo(const PushedTo&) = delete;
  PushedTo& operator=(const PushedTo&) = delete;

  /// The messages so far, once there are so many `bytes`, or the stream has ended.
  std::string heard(std::size_t bytes) {
    const auto deadline = Loop::Clock::now() + std::chrono::seconds(20);
    while (heard_.size() < bytes && !ended_ && Loop::Clock::now() < deadline) look();
    return heard_;
  }
  /// The stream has ended, in order.
  bool ends() {
    const auto deadline = Loop::Clock::now() + std::chrono::seconds(20);
    while (!ended_ && Loop::Clock::now() < deadline) look();
    return ended_;
  }
  /// Lets the loop go on for a while.
  void look() {
    loop_.run_until(Loop::Clock::now() + std::chrono::milliseconds(2));
    char buffer[4096];
    for (ssize_t size = 0; (size = ::recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT)) > 0;)
      received_.append(buffer, static_cast<std::size_t>(size));
    while (received_.size() >= 9) {
      const auto at = [this](std::size_t i) { return static_cast<unsigned char>(received_[i]); };
      const std::size_t size = at(0) << 16U | at(1) << 8U | at(2);
      if (received_.size() < 9 + size) return;
      const char type = received_[3], flags = received_[4];
      if (type == kData) heard_ += received_.substr(9, size);
      ended_ = ended_ || ((type == kData || type == kHeaders) && (flags & kEndStream) != 0);
      received_.erase(0, 9 + size);
    }
  }

 private:
  void send(const std::string& bytes) const {
    EXPECT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
  }

  Loop& loop_;
  int socket_ = -1;
  std::string received_;
  std::string heard_;
  bool ended_ = false;
};

class ScalerServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = ScalerServer::listen(loop_, {.listen = {"127.0.0.1", 0}}, [this](std::string_view queue) {
      ++asked_;
      const std::optional<std::uint32_t> number = targets_.at(std::string(queue)).number();
      if (!number) return KedaNumber{.state = KedaNumber::State::Waiting, .why = "none yet"};
      return KedaNumber{.instances = *number};
    });
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  /// As a directive that is sent.
  void set(const std::string& queue, std::uint32_t instances) {
    ASSERT_TRUE(targets_.at(queue).set(instances, {}));
    server_->changed();
  }
  void wait_for_streams(std::size_t count, PushedTo& one) const {
    const auto deadline = Loop::Clock::now() + std::chrono::seconds(20);
    while (server_->streams() < count && Loop::Clock::now() < deadline) one.look();
    ASSERT_EQ(server_->streams(), count);
  }
  std::uint16_t port() const { return server_->endpoint().port; }

  Loop loop_;
  std::map<std::string, KedaTarget> targets_ = [] {
    std::map<std::string, KedaTarget> all;
    all["orders"];
    all["mails"];
    return all;
  }();
  std::uint64_t asked_ = 0;
  std::unique_ptr<ScalerServer> server_;

  const std::string active_ = message_of("\x08\x01");
  const std::string idle_ = message_of("");
};

TEST_F(ScalerServerTest, WhetherAnyIsWantedIsPushedWhenItChangesAndNotBefore) {
  PushedTo keda(loop_, port(), "orders");
  wait_for_streams(1, keda);
  EXPECT_EQ(keda.heard(0), "") << "there is no number yet";
  set("orders", 3);
  EXPECT_EQ(keda.heard(active_.size()), active_);
  set("orders", 40);
  set("orders", 1);
  set("orders", 0);
  EXPECT_EQ(keda.heard(active_.size() + idle_.size()), active_ + idle_)
      << "how many is asked for; that any are is pushed";
  set("orders", 2);
  EXPECT_EQ(keda.heard(2 * active_.size() + idle_.size()), active_ + idle_ + active_);
}

TEST_F(ScalerServerTest, EachStreamHearsOfItsQueueAlone) {
  PushedTo orders(loop_, port(), "orders"), again(loop_, port(), "orders"), mails(loop_, port(), "mails");
  wait_for_streams(3, orders);
  set("orders", 1);
  EXPECT_EQ(orders.heard(active_.size()), active_);
  EXPECT_EQ(again.heard(active_.size()), active_);
  set("mails", 0);
  EXPECT_EQ(mails.heard(idle_.size()), idle_);
}

TEST_F(ScalerServerTest, NobodyIsAskedWhileNothingChanges) {
  set("orders", 1);
  PushedTo keda(loop_, port(), "orders");
  EXPECT_EQ(keda.heard(active_.size()), active_);
  const std::uint64_t before = asked_;
  for (int i = 0; i < 20; ++i) keda.look();
  EXPECT_EQ(asked_, before);
}

TEST_F(ScalerServerTest, AServerThatGoesEndsItsStreams) {
  set("orders", 1);
  PushedTo keda(loop_, port(), "orders");
  EXPECT_EQ(keda.heard(active_.size()), active_);
  server_.reset();
  EXPECT_TRUE(keda.ends());
  EXPECT_EQ(keda.heard(0), active_);
}

}  // namespace
}  // namespace forewarm
