#include "edge/net/acceptor.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "edge/net/socket_address.h"

namespace forewarm {
namespace {

constexpr int kBacklog = 1024;
constexpr int kAcceptsPerEvent = 64;
/// Out of descriptors: the connection stays in the backlog, so trying at once would spin.
constexpr std::chrono::milliseconds kAcceptPause{100};

bool is_shortage(int number) {
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

bool is_v6(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         address.ss_family == AF_INET6;
}

class Listener final : public Acceptor {
 public:
  Listener(Loop& loop, int fd, Endpoint endpoint, std::function<void(int)> accepted)
      : loop_(loop),
        alive_(std::make_shared<bool>(true)),
        descriptor_(loop.impl().context, fd),
        endpoint_(std::move(endpoint)),
        accepted_(std::move(accepted)) {
    accept_when_ready();
  }
  ~Listener() override {
    *alive_ = false;
    stop();
  }

  Endpoint endpoint() const override { return endpoint_; }
  void stop() override {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    pause_.reset();
  }

 private:
  using Descriptor = boost::asio::posix::basic_stream_descriptor<LoopExecutor>;

  void accept_when_ready() {
    descriptor_.async_wait(Descriptor::wait_read,
                           [this, alive = alive_](const boost::system::error_code& failed) {
                             if (failed || !*alive) return;
                             if (accept_some())
                               accept_when_ready();
                             else
                               pause_ = loop_.call_after(kAcceptPause, [this] { accept_when_ready(); });
                           });
  }

  /// False when the system is short of what a connection needs.
  bool accept_some() {
    for (int i = 0; i < kAcceptsPerEvent; ++i) {
      const int fd = ::accept4(descriptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) return !is_shortage(errno);
      accepted_(fd);
    }
    return true;
  }

  Loop& loop_;
  std::shared_ptr<bool> alive_;
  Descriptor descriptor_;
  Endpoint endpoint_;
  std::function<void(int)> accepted_;
  std::unique_ptr<Loop::Timer> pause_;
};

}  // namespace

Result<std::unique_ptr<Acceptor>> Acceptor::listen(Loop& loop, const Endpoint& at,
                                                   std::function<void(int)> accepted) {
  const auto address = SocketAddress::resolve(at);
  if (!address) return std::unexpected(address.error());
  const auto refuse = [&](int fd, std::string_view what) {
    const int number = errno;
    if (fd >= 0) ::close(fd);
    const std::string_view remedy =
        number == EADDRINUSE ? "; another program listens there: stop it or choose another port" : "";
    return error(ErrorCode::Io, "cannot " + std::string(what) + " " + to_string(at) + ": " +
                                    std::generic_category().message(number) + std::string(remedy));
  };
  const int fd = ::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return refuse(fd, "open a socket for");
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(fd, address->data(), address->size()) != 0) return refuse(fd, "listen on");
  if (::listen(fd, kBacklog) != 0) return refuse(fd, "listen on");
  Endpoint endpoint{.host = at.host, .port = SocketAddress::of_socket(fd).port()};
  return std::make_unique<Listener>(loop, fd, std::move(endpoint), std::move(accepted));
}

std::optional<Channel::Socket> Acceptor::socket_of(Loop& loop, int fd) {
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  Channel::Socket socket(loop.impl().context.get_executor());
  boost::system::error_code failed;
  socket.assign(is_v6(fd) ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(), fd, failed);
  if (failed) {
    ::close(fd);
    return std::nullopt;
  }
  socket.non_blocking(true, failed);
  return socket;
}

}  // namespace forewarm
