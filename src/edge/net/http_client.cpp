#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "edge/net/channel.h"
#include "edge/net/egress.h"
#include "edge/net/http.h"
#include "edge/net/http_parser.h"
#include "edge/net/http_text.h"
#include "edge/net/loop_impl.h"
#include "edge/net/socket_address.h"

namespace forewarm {
namespace {

namespace asio = boost::asio;
using Socket = Channel::Socket;
using Failure = boost::system::error_code;
using Done = std::function<void(Result<HttpResponse>)>;

constexpr std::size_t kAnswerReadBytes = 16U << 10;
constexpr std::uint32_t kHeaderMaxBytes = 64U << 10;

Result<std::vector<SocketAddress>> find_addresses(const Endpoint& server) {
  if (const auto allowed = check_egress(server); !allowed) return std::unexpected(allowed.error());
  return SocketAddress::resolve_all(server);
}

struct Exchange {
  std::string bytes;  ///< the request as it is sent
  bool head = false;
  Loop::Clock::time_point deadline;
  Done done;
};

std::string encode(const HttpRequest& request, const std::string& host) {
  std::string text;
  text.reserve(256 + request.body.size());
  text.append(request.method.empty() ? "GET" : request.method)
      .append(" ")
      .append(request.path.empty() ? "/" : request.path);
  if (!request.query.empty()) text.append("?").append(request.query);
  text.append(" HTTP/1.1\r\n");
  if (find_header(request.headers, "host").empty()) append_header(text, "Host", host);
  for (const auto& [name, value] : request.headers) append_header(text, name, value);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
    text.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  text.append("\r\n").append(request.body);
  return text;
}

class Client;

/// One keep-alive connection with at most one exchange on it. A read is always pending, so a server that
/// closes an idle connection is noticed before the next request is put on it.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  ClientConnection(Client& client, const LoopExecutor& executor, std::size_t body_max_bytes)
      : client_(&client),
        socket_(executor),
        parser_({.header_max_bytes = kHeaderMaxBytes, .body_max_bytes = body_max_bytes}) {}

  void connect(const SocketAddress& address);
  void begin(Exchange exchange);
  void close();
  void expire(Loop::Clock::time_point now);
  bool idle() const { return !busy_ && connected_ && !closed_; }

 private:
  void write();
  void read();
  void received(const Failure& failed, std::size_t bytes);
  void complete();
  void fail(const std::string& why, ErrorCode code = ErrorCode::Io);

  Client* client_;
  Socket socket_;                   ///< until it is connected
  std::optional<Channel> channel_;  ///< from then on
  HttpResponseParser parser_;
  Exchange exchange_;
  std::string input_;
  std::size_t input_end_ = 0;
  std::size_t written_ = 0;
  bool busy_ = false;
  bool connected_ = false;
  bool closed_ = false;
};

class Client final : public HttpClient {
 public:
  Client(Loop& loop, const Options& options)
      : loop_(loop),
        options_(options),
        addresses_(find_addresses(options.server)),
        host_(to_string(options.server)) {}
  ~Client() override {
    for (const auto& connection : connections_) connection->close();
  }

  void request(HttpRequest request, Done done) override {
    ++pending_;
    waiting_.push_back({.bytes = encode(request, host_),
                        .head = request.method == "HEAD",
                        .deadline = Loop::Clock::now() + options_.timeout,
                        .done = std::move(done)});
    if (!ticker_) arm();
    if (!addresses_) {
      // Later, as every other answer: callers need not expect to be called from inside their call.
      loop_.post([this, alive = std::weak_ptr(alive_)] {
        if (alive.lock() && !waiting_.empty()) fail_waiting(addresses_.error().message);
      });
      return;
    }
    assign();
  }
  std::size_t pending() const override { return pending_; }

  Loop& loop() { return loop_; }

  /// Gives waiting exchanges to idle connections, and opens more while there may be.
  void assign() {
    while (!waiting_.empty()) {
      const auto idle =
          std::find_if(connections_.begin(), connections_.end(), [](const auto& c) { return c->idle(); });
      if (idle != connections_.end()) {
        // Held: the exchange may end at once and change the list.
        const auto connection = (*idle)->shared_from_this();
        Exchange exchange = std::move(waiting_.front());
        waiting_.pop_front();
        connection->begin(std::move(exchange));
        continue;
      }
      if (connections_.size() >= options_.connections_max || opening_ >= waiting_.size()) return;
      ++opening_;
      connections_.push_back(std::make_shared<ClientConnection>(*this, loop_.impl().context.get_executor(),
                                                                options_.body_max_bytes));
      const auto connection = connections_.back();
      connection->connect((*addresses_)[address_ % addresses_->size()]);
    }
  }

  /// A server that is not at one of its addresses may be at the next.
  void opened(bool reached) {
    --opening_;
    if (!reached) ++address_;
  }
  void forget(const ClientConnection* connection) {
    std::erase_if(connections_, [&](const auto& c) { return c.get() == connection; });
  }
  void finish(Exchange exchange, Result<HttpResponse> result) {
    --pending_;
    if (const auto done = std::move(exchange.done)) done(std::move(result));
  }
  void fail_waiting(const std::string& why) {
    if (waiting_.empty()) return;
    Exchange exchange = std::move(waiting_.front());
    waiting_.pop_front();
    finish(std::move(exchange), error(ErrorCode::Io, why));
  }
  const std::string& host() const { return host_; }
  const Options& options() const { return options_; }
  std::weak_ptr<bool> alive() const { return alive_; }

 private:
  void arm() {
    const auto tick = std::clamp<std::chrono::milliseconds>(
        options_.timeout / 8, std::chrono::milliseconds(5), std::chrono::milliseconds(1'000));
    ticker_ = loop_.call_after(tick, [this] { expire(); });
  }

  void expire() {
    ticker_.reset();
    const auto now = Loop::Clock::now();
    const std::weak_ptr<bool> alive = alive_;
    const auto connections = connections_;
    for (const auto& connection : connections) {
      connection->expire(now);
      if (alive.expired()) return;
    }
    while (!waiting_.empty() && waiting_.front().deadline <= now) {
      fail_waiting("no connection to " + host_ + " became free in time");
      if (alive.expired()) return;
    }
    if (pending_ > 0 && !ticker_) arm();
  }

  Loop& loop_;
  Options options_;
  Result<std::vector<SocketAddress>> addresses_;
  std::size_t address_ = 0;
  std::string host_;
  std::vector<std::shared_ptr<ClientConnection>> connections_;
  std::deque<Exchange> waiting_;
  std::size_t opening_ = 0;
  std::size_t pending_ = 0;
  std::unique_ptr<Loop::Timer> ticker_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

void ClientConnection::connect(const SocketAddress& address) {
  Failure failed;
  const auto protocol = address.family() == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4();
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0) socket_.assign(protocol, fd, failed);
  if (fd >= 0 && !failed) socket_.non_blocking(true, failed);
  if (fd >= 0 && !failed) socket_.set_option(asio::ip::tcp::no_delay(true), failed);
  asio::ip::tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), address.data(), address.size());
  endpoint.resize(address.size());
  const auto connected = [self = shared_from_this()](const Failure& why) {
    if (self->closed_) return;
    self->client_->opened(!why);
    self->connected_ = !why;
    if (why) {
      Client& client = *self->client_;
      const std::string reason = "cannot connect to " + client.host() + ": " + why.message();
      self->close();
      client.forget(self.get());
      const auto alive = client.alive();
      client.fail_waiting(reason);
      if (!alive.expired()) client.assign();
      return;
    }
    self->channel_.emplace(std::move(self->socket_), self->client_->options().tls,
                           self->client_->options().server.host);
    self->read();
    self->client_->assign();
  };
  if (fd < 0 || failed) {
    const Failure why = fd < 0 ? Failure(errno, boost::system::system_category()) : failed;
    client_->loop().post([connected, why] { connected(why); });
    return;
  }
  socket_.async_connect(endpoint, connected);
}

void ClientConnection::begin(Exchange exchange) {
  exchange_ = std::move(exchange);
  busy_ = true;
  written_ = 0;
  parser_.begin(exchange_.head);
  write();
}

void ClientConnection::write() {
  Failure failed;
  while (written_ < exchange_.bytes.size() && !failed) {
    const std::string_view rest = std::string_view(exchange_.bytes).substr(written_);
    written_ += channel_->write_some(rest, {}, failed);
  }
  // A failed write shows as the end of the pending read, where it is handled once.
  if (failed != asio::error::would_block) return;
  channel_->wait_writable([self = shared_from_this()](const Failure& why) {
    if (!why && !self->closed_ && self->busy_) self->write();
  });
}

void ClientConnection::read() {
  if (input_.size() - input_end_ < kAnswerReadBytes / 2) input_.resize(input_end_ + kAnswerReadBytes);
  const auto self = shared_from_this();
  channel_->read(input_.data() + input_end_, input_.size() - input_end_, self,
                 [this](const Failure& failed, std::size_t bytes) {
                   if (!closed_) received(failed, bytes);
                 });
}

void ClientConnection::received(const Failure& failed, std::size_t bytes) {
  input_end_ += bytes;
  if (!busy_ || (failed && failed != asio::error::eof)) {
    fail("the connection broke: " + failed.message());
    return;
  }
  std::size_t consumed = 0;
  HttpParse state = HttpParse::NeedMore;
  do {
    state = parser_.feed(std::string_view(input_.data() + consumed, input_end_ - consumed), consumed);
  } while (state == HttpParse::HeaderDone);
  std::memmove(input_.data(), input_.data() + consumed, input_end_ - consumed);
  input_end_ -= consumed;
  if (state == HttpParse::NeedMore && failed) state = parser_.feed_end();
  switch (state) {
    case HttpParse::Complete:
      complete();
      break;
    case HttpParse::Failed:
      if (parser_.too_large())
        fail("the answer is larger than is taken", ErrorCode::Exhausted);
      else
        fail(failed ? "the server closed the connection before its answer was complete"
                    : "the answer is not HTTP/1.1");
      break;
    case HttpParse::HeaderDone:
    case HttpParse::NeedMore:
      read();
  }
}

void ClientConnection::complete() {
  const bool reusable = parser_.keep_alive() && input_end_ == 0 && written_ == exchange_.bytes.size();
  HttpResponse response = parser_.take();
  if (response.status >= 100 && response.status < 200) {
    parser_.begin(exchange_.head);
    if (input_end_ > 0)
      received({}, 0);
    else
      read();
    return;
  }
  Exchange exchange = std::move(exchange_);
  exchange_ = {};
  busy_ = false;
  Client& client = *client_;
  const auto alive = client.alive();
  if (reusable) {
    read();
  } else {
    close();
    client.forget(this);
  }
  client.finish(std::move(exchange), std::move(response));
  if (!alive.expired()) client.assign();
}

void ClientConnection::fail(const std::string& why, ErrorCode code) {
  const auto self = shared_from_this();
  Client& client = *client_;
  const auto alive = client.alive();
  const bool was_busy = std::exchange(busy_, false);
  const std::string distrust = channel_ ? channel_->distrust() : std::string();
  Exchange exchange = std::move(exchange_);
  close();
  client.forget(this);
  if (was_busy)
    client.finish(std::move(exchange),
                  error(code, client.host() + ": " +
                                  (distrust.empty() ? why : "its certificate is not trusted: " + distrust)));
  if (!alive.expired()) client.assign();
}

void ClientConnection::close() {
  closed_ = true;
  Failure ignored;
  socket_.close(ignored);
  if (channel_) channel_->close();
}

void ClientConnection::expire(Loop::Clock::time_point now) {
  if (busy_ && exchange_.deadline <= now) fail("no answer in time");
}

}  // namespace

std::unique_ptr<HttpClient> HttpClient::make(Loop& loop, const Options& options) {
  return std::make_unique<Client>(loop, options);
}

}  // namespace forewarm
