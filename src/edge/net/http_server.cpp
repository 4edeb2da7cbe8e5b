#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"
#include "edge/net/http.h"
#include "edge/net/http_connection.h"
#include "edge/net/socket_address.h"

namespace forewarm {
namespace {

namespace asio = boost::asio;

constexpr int kBacklog = 1024;
constexpr int kAcceptsPerEvent = 64;
/// Out of descriptors: the connection stays in the backlog, so trying at once would spin.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::string_view kRefusal =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 21\r\n\r\ntoo many "
    "connections\n";

bool is_shortage(int number) {
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

class Server final : public HttpServer {
 public:
  Server(Loop& loop, int listener, Endpoint endpoint, const Options& options, HttpHandler handler)
      : state_(std::make_shared<HttpServerState>(loop, options, std::move(handler))),
        alive_(std::make_shared<bool>(true)),
        listener_(loop.impl().context, listener),
        endpoint_(std::move(endpoint)) {
    state_->arm = [this] {
      if (!ticker_) ticker_ = state_->loop.call_after(kHttpTick, [this] { tick(); });
    };
    state_->forget = [this](HttpConnection& connection) { forget(connection); };
    accept_when_ready();
  }

  ~Server() override {
    *alive_ = false;
    stop_accepting();
    while (!connections_.empty()) connections_.back()->close(false);
    state_->arm = [] {};
    state_->forget = [](HttpConnection&) {};
  }

  Endpoint endpoint() const override { return endpoint_; }
  std::size_t connections() const override { return connections_.size(); }
  void stop_accepting() override {
    boost::system::error_code ignored;
    listener_.close(ignored);
    pause_.reset();
  }

 private:
  using Descriptor = asio::posix::basic_stream_descriptor<LoopExecutor>;

  void accept_when_ready() {
    listener_.async_wait(Descriptor::wait_read,
                         [this, alive = alive_](const boost::system::error_code& failed) {
                           if (failed || !*alive) return;
                           if (accept_some())
                             accept_when_ready();
                           else
                             pause_ = state_->loop.call_after(kAcceptPause, [this] { accept_when_ready(); });
                         });
  }

  /// False when the system is short of what a connection needs.
  bool accept_some() {
    for (int i = 0; i < kAcceptsPerEvent; ++i) {
      const int fd = ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) return !is_shortage(errno);
      adopt(fd);
    }
    return true;
  }

  void adopt(int fd) {
    if (connections_.size() >= state_->options.connections_max) {
      (void)!::send(fd, kRefusal.data(), kRefusal.size(), MSG_NOSIGNAL);
      ::shutdown(fd, SHUT_WR);
      ::close(fd);
      return;
    }
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    Channel::Socket socket(state_->loop.impl().context.get_executor());
    boost::system::error_code failed;
    socket.assign(is_v6(fd) ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), fd, failed);
    if (failed) {
      ::close(fd);
      return;
    }
    socket.non_blocking(true, failed);
    auto connection = std::make_shared<HttpConnection>(state_, std::move(socket));
    connection->index = connections_.size();
    connections_.push_back(connection);
    connection->start();
  }

  static bool is_v6(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
           address.ss_family == AF_INET6;
  }

  void forget(HttpConnection& connection) {
    const std::size_t index = connection.index;
    check(index < connections_.size() && connections_[index].get() == &connection,
          "a connection is closed once");
    std::swap(connections_[index], connections_.back());
    connections_[index]->index = index;
    connections_.pop_back();
  }

  /// Runs only while some connection has a deadline, so that hundreds of quiet servers cost nothing.
  void tick() {
    ++state_->tick;
    // From the back, since closing moves the last into the gap.
    const std::shared_ptr<bool> alive = alive_;
    bool needed = false;
    for (std::size_t i = connections_.size(); i > 0; --i) {
      if (i > connections_.size()) continue;
      const std::shared_ptr<HttpConnection> connection = connections_[i - 1];
      connection->expire_if_due();
      if (!*alive) return;
      needed = needed || connection->has_deadline();
    }
    ticker_.reset();
    if (needed) state_->arm();
  }

  std::shared_ptr<HttpServerState> state_;
  std::shared_ptr<bool> alive_;
  Descriptor listener_;
  Endpoint endpoint_;
  std::vector<std::shared_ptr<HttpConnection>> connections_;
  std::unique_ptr<Loop::Timer> ticker_;
  std::unique_ptr<Loop::Timer> pause_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(Loop& loop, const Options& options,
                                                       HttpHandler handler) {
  const auto address = SocketAddress::resolve(options.listen);
  if (!address) return std::unexpected(address.error());
  const auto refuse = [&](int fd, std::string_view what) {
    const int number = errno;
    if (fd >= 0) ::close(fd);
    const std::string_view remedy =
        number == EADDRINUSE ? "; another program listens there: stop it or choose another port" : "";
    return error(ErrorCode::Io, "cannot " + std::string(what) + " " + to_string(options.listen) + ": " +
                                    std::strerror(number) + std::string(remedy));
  };
  const int fd = ::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return refuse(fd, "open a socket for");
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(fd, address->data(), address->size()) != 0) return refuse(fd, "listen on");
  if (::listen(fd, kBacklog) != 0) return refuse(fd, "listen on");
  Endpoint endpoint{.host = options.listen.host, .port = SocketAddress::of_socket(fd).port()};
  return std::make_unique<Server>(loop, fd, std::move(endpoint), options, std::move(handler));
}

}  // namespace forewarm
