#include "edge/net/byte_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <vector>

namespace forewarm {
namespace {

using namespace std::chrono_literals;

class EchoPeer;
using Peers = std::set<EchoPeer*>;

/// Says back what it hears; "bye" ends it, "now" at once.
class EchoPeer : public BytePeer {
 public:
  explicit EchoPeer(Peers& peers) : peers_(peers) { peers_.insert(this); }
  ~EchoPeer() override { peers_.erase(this); }
  EchoPeer(const EchoPeer&) = delete;
  EchoPeer& operator=(const EchoPeer&) = delete;

  bool received(std::string_view bytes) override {
    heard += bytes;
    said += bytes;
    return !heard.ends_with("bye");
  }
  std::string_view next() override {
    saying_ = std::move(said);
    said.clear();
    return saying_;
  }
  bool passed(Loop::Clock::time_point) override { return !heard.ends_with("now"); }

  std::string heard;
  std::string said;

 private:
  Peers& peers_;
  std::string saying_;
};

class ByteServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = ByteServer::listen(loop_, {.connections_max = 3, .tells_time = 10ms},
                                     [this] { return std::make_unique<EchoPeer>(peers_); });
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  void TearDown() override {
    for (const int fd : open_) ::close(fd);
  }

  int connect() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    open_.insert(fd);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->endpoint().port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  static void send(int fd, std::string_view bytes) {
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
  }
  void close(int fd) {
    open_.erase(fd);
    ::close(fd);
  }
  /// What comes until `size` bytes are there or the server has closed ("|" at the end).
  std::string receive(int fd, std::size_t size) {
    std::string got;
    std::vector<char> piece(1U << 20);
    for (const auto until = Loop::Clock::now() + 20s; got.size() < size && Loop::Clock::now() < until;) {
      loop_.run_until(Loop::Clock::now() + 1ms);
      const ssize_t bytes = ::recv(fd, piece.data(), piece.size(), MSG_DONTWAIT);
      if (bytes > 0) got.append(piece.data(), static_cast<std::size_t>(bytes));
      if (bytes == 0 || (bytes < 0 && errno != EAGAIN)) return got + "|";
    }
    return got;
  }
  void run_until(const std::function<bool()>& ready) {
    for (const auto until = Loop::Clock::now() + 20s; !ready() && Loop::Clock::now() < until;)
      loop_.run_until(Loop::Clock::now() + 1ms);
    EXPECT_TRUE(ready());
  }

  Loop loop_;
  Peers peers_;
  std::unique_ptr<ByteServer> server_;
  std::set<int> open_;
};

TEST_F(ByteServerTest, EachConnectionHasAPeerAndEndsWithIt) {
  const int a = connect(), b = connect();
  send(a, "one");
  send(b, "other");
  EXPECT_EQ(receive(a, 3), "one");
  EXPECT_EQ(receive(b, 5), "other");
  EXPECT_EQ(peers_.size(), 2U);
  send(a, "good bye");
  EXPECT_EQ(receive(a, 100), "good bye|") << "what was to be said comes first";
  run_until([this] { return peers_.size() == 1; });
  close(b);
  run_until([this] { return peers_.empty(); });
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(ByteServerTest, APeerThatIsVisitedIsHeard) {
  const int fd = connect();
  run_until([this] { return server_->connections() == 1; });
  server_->visit([](BytePeer& peer) { static_cast<EchoPeer&>(peer).said = "news"; });
  EXPECT_EQ(receive(fd, 4), "news");
}

TEST_F(ByteServerTest, TimeEndsAConnection) {
  const int fd = connect();
  send(fd, "end it now");
  EXPECT_EQ(receive(fd, 100), "end it now|");
  EXPECT_TRUE(peers_.empty());
}

TEST_F(ByteServerTest, WhoDoesNotReadIsAskedForNothingMore) {
  const int fd = connect();
  run_until([this] { return server_->connections() == 1; });
  const std::string much(32U << 20, 'x');
  server_->visit([&much](BytePeer& peer) { static_cast<EchoPeer&>(peer).said = much; });
  server_->visit([](BytePeer& peer) { static_cast<EchoPeer&>(peer).said = "the last"; });
  loop_.run_until(Loop::Clock::now() + 1ms);
  EXPECT_EQ((*peers_.begin())->said, "the last") << "it waits for its turn";
  const std::string got = receive(fd, much.size() + 8);
  EXPECT_EQ(got.size(), much.size() + 8);
  EXPECT_TRUE(got.ends_with("xthe last"));
}

TEST_F(ByteServerTest, MoreThanThereIsRoomForAreClosed) {
  for (int i = 0; i < 3; ++i) connect();
  const int fourth = connect();
  EXPECT_EQ(receive(fourth, 1), "|");
  EXPECT_EQ(peers_.size(), 3U);
}

TEST_F(ByteServerTest, TheServersEndIsThatOfAll) {
  const int fd = connect();
  run_until([this] { return server_->connections() == 1; });
  server_->visit([](BytePeer& peer) { static_cast<EchoPeer&>(peer).said = "last words"; });
  server_.reset();
  EXPECT_EQ(receive(fd, 100), "last words|");
  EXPECT_TRUE(peers_.empty());
}

}  // namespace
}  // namespace forewarm
