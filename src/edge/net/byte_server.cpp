#include "edge/net/byte_server.h"

#include <unistd.h>

#include <array>
#include <boost/asio/error.hpp>
#include <utility>
#include <vector>

#include "edge/net/acceptor.h"
#include "edge/net/tls.h"

namespace forewarm {
namespace {

constexpr std::size_t kReadBytes = 8U << 10;

/// One connection. `gone` is called once, when it has closed.
class ByteConnection : public std::enable_shared_from_this<ByteConnection> {
 public:
  ByteConnection(Channel::Socket socket, std::shared_ptr<ssl_ctx_st> tls, std::unique_ptr<BytePeer> peer,
                 std::function<void(ByteConnection&)> gone)
      : channel_(std::move(socket), std::move(tls)), peer_(std::move(peer)), gone_(std::move(gone)) {}

  void start() {
    flush();
    read();
  }
  void visit(const std::function<void(BytePeer&)>& each) {
    if (closed_) return;
    each(*peer_);
    flush();
  }

  void pass(Loop::Clock::time_point now) {
    if (closed_) return;
    if (peer_->passed(now))
      flush();
    else
      close();
  }

  /// Writes until the peer has nothing to say or the other side takes nothing more.
  void flush() {
    if (closed_ || waiting_) return;
    for (;;) {
      const bool rest = sent_ < unsent_.size();
      const std::string_view bytes = rest ? std::string_view(unsent_).substr(sent_) : peer_->next();
      if (bytes.empty()) break;
      Channel::Failure failed;
      const std::size_t written = channel_.write_some(bytes, {}, failed);
      if (failed && failed != boost::asio::error::would_block) return close();
      if (rest) {
        sent_ += written;
      } else if (written < bytes.size()) {
        unsent_.assign(bytes.substr(written));
        sent_ = 0;
      }
      if (written == bytes.size()) continue;
      waiting_ = true;
      channel_.wait_writable([this, self = shared_from_this()](const Channel::Failure& broken) {
        waiting_ = false;
        if (broken) return close();
        flush();
      });
      return;
    }
    if (ending_) close();
  }

  void close() {
    if (std::exchange(closed_, true)) return;
    const auto self = shared_from_this();
    channel_.end_writing();
    channel_.close();
    peer_.reset();  // what waits for the loop keeps this, and the peer's own may be gone by then
    gone_(*this);
  }

 private:
  void read() {
    channel_.read(buffer_.data(), buffer_.size(), shared_from_this(),
                  [this](const Channel::Failure& failed, std::size_t bytes) { received(failed, bytes); });
  }

  void received(const Channel::Failure& failed, std::size_t bytes) {
    if (closed_) return;
    if (failed) return close();
    ending_ = !peer_->received({buffer_.data(), bytes});
    flush();
    if (!closed_ && !ending_) read();
  }

  Channel channel_;
  std::unique_ptr<BytePeer> peer_;  ///< null when it is closed
  std::function<void(ByteConnection&)> gone_;
  std::array<char, kReadBytes> buffer_;
  std::string unsent_;  ///< bytes from sent_ on wait; bounded by what the peer says at a time
  std::size_t sent_ = 0;
  bool waiting_ = false;
  bool ending_ = false;
  bool closed_ = false;
};

class PeerServer final : public ByteServer {
 public:
  PeerServer(Loop& loop, const Options& options, std::function<std::unique_ptr<BytePeer>()> make)
      : loop_(loop), options_(options), make_(std::move(make)) {}
  ~PeerServer() override {
    acceptor_.reset();
    while (!connections_.empty()) std::shared_ptr(connections_.back())->close();
  }

  Result<void> start() {
    auto acceptor = Acceptor::listen(loop_, options_.listen, [this](int fd) { adopt(fd); });
    if (!acceptor) return std::unexpected(acceptor.error());
    acceptor_ = std::move(*acceptor);
    return {};
  }

  Endpoint endpoint() const override { return acceptor_->endpoint(); }
  std::size_t connections() const override { return connections_.size(); }
  void visit(const std::function<void(BytePeer&)>& each) override {
    for (const auto& connection : std::vector(connections_)) connection->visit(each);
  }

 private:
  void adopt(int fd) {
    if (connections_.size() >= options_.connections_max) {
      ::close(fd);
      return;
    }
    std::optional<Channel::Socket> socket = Acceptor::socket_of(loop_, fd);
    if (!socket) return;
    auto connection = std::make_shared<ByteConnection>(
        std::move(*socket), options_.tls ? options_.tls->context() : nullptr, make_(),
        [this](ByteConnection& gone) {
          std::erase_if(connections_, [&gone](const auto& each) { return each.get() == &gone; });
        });
    connections_.push_back(connection);
    connection->start();
    if (!ticker_) tell_time();
  }

  /// While there is anybody.
  void tell_time() {
    ticker_ = loop_.call_after(options_.tells_time, [this] {
      for (const auto& connection : std::vector(connections_)) connection->pass(Loop::Clock::now());
      ticker_.reset();
      if (!connections_.empty()) tell_time();
    });
  }

  Loop& loop_;
  Options options_;
  std::function<std::unique_ptr<BytePeer>()> make_;
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<std::shared_ptr<ByteConnection>> connections_;
  std::unique_ptr<Loop::Timer> ticker_;
};

}  // namespace

Result<std::unique_ptr<ByteServer>> ByteServer::listen(Loop& loop, const Options& options,
                                                       std::function<std::unique_ptr<BytePeer>()> make) {
  auto server = std::make_unique<PeerServer>(loop, options, std::move(make));
  if (Result<void> started = server->start(); !started) return std::unexpected(started.error());
  return server;
}

}  // namespace forewarm
