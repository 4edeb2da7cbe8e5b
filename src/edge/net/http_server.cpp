#include <sys/socket.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "base/check.h"
#include "edge/net/acceptor.h"
#include "edge/net/http.h"
#include "edge/net/http_connection.h"

namespace forewarm {
namespace {

constexpr std::string_view kRefusal =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 21\r\n\r\ntoo many "
    "connections\n";

class Server final : public HttpServer {
 public:
  Server(Loop& loop, const Options& options, HttpHandler handler)
      : state_(std::make_shared<HttpServerState>(loop, options, std::move(handler))),
        alive_(std::make_shared<bool>(true)) {
    state_->arm = [this] {
      if (!ticker_) ticker_ = state_->loop.call_after(kHttpTick, [this] { tick(); });
    };
    state_->forget = [this](HttpConnection& connection) { forget(connection); };
    state_->next_turn = [this] {
      state_->loop.post([this, alive = alive_] {
        if (*alive) turn();
      });
    };
  }

  Result<void> start() {
    auto acceptor = Acceptor::listen(state_->loop, state_->options.listen, [this](int fd) { adopt(fd); });
    if (!acceptor) return std::unexpected(acceptor.error());
    acceptor_ = std::move(*acceptor);
    return {};
  }

  ~Server() override {
    *alive_ = false;
    stop_accepting();
    while (!connections_.empty()) connections_.back()->close(false);
    state_->arm = [] {};
    state_->forget = [](HttpConnection&) {};
    state_->next_turn = [] {};
  }

  Endpoint endpoint() const override { return acceptor_->endpoint(); }
  std::size_t connections() const override { return connections_.size(); }
  void stop_accepting() override {
    if (acceptor_) acceptor_->stop();
  }

 private:
  void adopt(int fd) {
    if (connections_.size() >= state_->options.connections_max) {
      (void)!::send(fd, kRefusal.data(), kRefusal.size(), MSG_NOSIGNAL);
      ::shutdown(fd, SHUT_WR);
      ::close(fd);
      return;
    }
    std::optional<Channel::Socket> socket = Acceptor::socket_of(state_->loop, fd);
    if (!socket) return;
    auto connection = std::make_shared<HttpConnection>(state_, std::move(*socket));
    connection->index = connections_.size();
    connections_.push_back(connection);
    state_->open = connections_.size();
    connection->start();
  }

  void forget(HttpConnection& connection) {
    const std::size_t index = connection.index;
    check(index < connections_.size() && connections_[index].get() == &connection,
          "a connection is closed once");
    std::swap(connections_[index], connections_.back());
    connections_[index]->index = index;
    connections_.pop_back();
    state_->open = connections_.size();
  }

  void turn() {
    state_->taken = 0;
    const std::shared_ptr<bool> alive = alive_;
    while (*alive && !state_->for_turn.empty() && state_->taken < state_->options.requests_per_turn) {
      const std::shared_ptr<HttpConnection> connection = state_->for_turn.front().lock();
      state_->for_turn.pop_front();
      if (connection) connection->turn_has_come();
    }
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
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<std::shared_ptr<HttpConnection>> connections_;
  std::unique_ptr<Loop::Timer> ticker_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(Loop& loop, const Options& options,
                                                       HttpHandler handler) {
  auto server = std::make_unique<Server>(loop, options, std::move(handler));
  if (Result<void> started = server->start(); !started) return std::unexpected(started.error());
  return server;
}

}  // namespace forewarm
