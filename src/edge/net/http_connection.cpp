#include "edge/net/http_connection.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <charconv>
#include <cstring>
#include <exception>
#include <utility>

#include "edge/net/http_text.h"
#include "edge/net/tls.h"

namespace forewarm {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kBufferBytes = 4U << 10;  // most requests fit
constexpr std::size_t kBufferMaxBytes =
    128U << 10;  // above the header limit, so that a header can always be whole
/// What a stream may have unsent before its peer counts as stuck; senders drop updates long before
/// (HttpReply::unsent).
constexpr std::size_t kUnsentMaxBytes = 16U << 20;
constexpr std::chrono::seconds kDrainTimeout{2};

void append_number(std::string& text, std::size_t number, int base = 10) {
  std::array<char, 24> digits;
  const auto [end, failed] = std::to_chars(digits.data(), digits.data() + digits.size(), number, base);
  text.append(digits.data(), end);
}

void refresh_date(HttpServerState& server) {
  const std::time_t now = std::time(nullptr);
  if (now == server.date_second) return;
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 40> text;
  server.date.assign(text.data(),
                     std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
  server.date_second = now;
}

bool is_framing(std::string_view name) {
  return equal_ignoring_case(name, "content-length") || equal_ignoring_case(name, "transfer-encoding") ||
         equal_ignoring_case(name, "connection");
}

bool may_have_body(unsigned status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<HttpServerState> server, Channel::Socket socket)
    : server_(std::move(server)),
      channel_(std::move(socket), server_->options.tls ? server_->options.tls->context() : nullptr),
      parser_(HttpLimits{.body_max_bytes = server_->options.body_max_bytes}) {}

void HttpConnection::start() {
  set_deadline(server_->options.receive_timeout);
  read();
}

void HttpConnection::close(bool tell) {
  if (closed_) return;
  closed_ = true;
  deadline_ = 0;
  channel_.close();
  const auto self = shared_from_this();
  server_->forget(*this);
  if (reply_ && tell) reply_->peer_closed();
}

void HttpConnection::expire_if_due() {
  if (deadline_ == 0 || deadline_ > server_->tick) return;
  // A request that began and stalled gets an answer; a silent connection is simply closed.
  if (!answering_ && !draining_ && parser_.started())
    refuse(408);
  else
    close();
}

void HttpConnection::set_deadline(std::chrono::seconds timeout) {
  // One more tick, because the current one has begun already.
  deadline_ = server_->tick + static_cast<std::uint32_t>(timeout / kHttpTick) + 1;
  server_->arm();
}

void HttpConnection::read() {
  if (reading_ || closed_ || peer_ended_ || !make_room()) return;
  reading_ = true;
  channel_.read(buffer_.data() + end_, buffer_.size() - end_, shared_from_this(),
                [this](const Failure& failed, std::size_t bytes) { received(failed, bytes); });
}

/// False when the buffer is full of bytes that wait for an answer before them.
bool HttpConnection::make_room() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_.size() > kBufferBytes && !parser_.started()) std::string().swap(buffer_);
    if (buffer_.empty()) buffer_.resize(kBufferBytes);
  }
  if (end_ < buffer_.size()) return true;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    return true;
  }
  if (buffer_.size() >= kBufferMaxBytes) return false;
  buffer_.resize(buffer_.size() * 4);
  return true;
}

void HttpConnection::received(const Failure& failed, std::size_t bytes) {
  reading_ = false;
  if (closed_) return;
  if (failed) {
    peer_ended(failed == asio::error::eof);
    return;
  }
  if (draining_) {
    read();
    return;
  }
  end_ += bytes;
  if (!processing_) process();
}

void HttpConnection::peer_ended(bool half) {
  peer_ended_ = true;
  if (half && waiting_for_turn_) return;
  // After a half close the peer may still wait for an answer; a stream has no end that it could wait for.
  if (half && answering_ && !draining_) {
    const auto self = shared_from_this();
    if (reply_) reply_->peer_closed();
    if (closed_ || !answering_) return;
    if (!streaming_) return;
  }
  close();
}

void HttpConnection::process() {
  processing_ = true;
  while (process_one()) {
  }
  processing_ = false;
  if (!closed_) read();
}

/// Takes one request from the buffer and hands it out; false when there is none or it waits for its answer.
bool HttpConnection::process_one() {
  if (closed_ || answering_ || draining_) return false;
  if (begin_ == end_) {
    if (peer_ended_) close();
    return false;
  }
  if (!parser_.started()) {
    if (waits_for_turn()) return false;
    set_deadline(server_->options.receive_timeout);
  }
  std::size_t consumed = 0;
  HttpParse state = parser_.feed(std::string_view(buffer_.data() + begin_, end_ - begin_), consumed);
  begin_ += consumed;
  if (state == HttpParse::HeaderDone) {
    if (parser_.expects_continue() && begin_ == end_) transmit("HTTP/1.1 100 Continue\r\n\r\n", {});
    consumed = 0;
    state = parser_.feed(std::string_view(buffer_.data() + begin_, end_ - begin_), consumed);
    begin_ += consumed;
  }
  switch (state) {
    case HttpParse::HeaderDone:
    case HttpParse::NeedMore:
      if (peer_ended_) close();
      return false;
    case HttpParse::Failed:
      refuse(parser_.failure_status());
      return false;
    case HttpParse::Complete:
      break;
  }
  dispatch();
  return true;
}

bool HttpConnection::waits_for_turn() {
  if (waiting_for_turn_) return true;
  const std::size_t most = server_->options.requests_per_turn;
  if (most == 0 || server_->taken < most || server_->open <= server_->options.turns_above) return false;
  waiting_for_turn_ = true;
  deadline_ = 0;  // it is not the peer that is slow
  server_->for_turn.push_back(weak_from_this());
  return true;
}

void HttpConnection::turn_has_come() {
  waiting_for_turn_ = false;
  if (!closed_ && !processing_) process();
}

void HttpConnection::dispatch() {
  if (++server_->taken == server_->options.requests_per_turn) server_->next_turn();
  HttpRequest request = parser_.take();
  keep_alive_ = parser_.keep_alive();
  http_1_0_ = parser_.http_1_0();
  head_only_ = request.method == "HEAD";
  parser_.begin();
  answering_ = true;
  answer_complete_ = false;
  streaming_ = false;
  deadline_ = 0;
  auto reply = std::make_shared<PendingReply>(shared_from_this());
  reply_ = reply.get();
  try {
    server_->handler(std::move(request), std::move(reply));
  } catch (const std::exception&) {
    // The reply is dropped by now, which has answered 500; the connection is in order.
  }
}

/// Answers what could not be understood and ends the connection, since where the next request begins is not
/// known.
void HttpConnection::refuse(unsigned status) {
  keep_alive_ = false;
  answering_ = true;
  HttpResponse response{.status = status, .headers = {{"Content-Type", "text/plain"}}, .body = {}};
  response.body = std::string(reason_phrase(status)) + "\n";
  answer(response);
}

void HttpConnection::begin_head(const HttpResponse& response) {
  std::string& head = server_->head;
  head.assign("HTTP/1.1 ");
  append_number(head, response.status);
  head.append(" ").append(reason_phrase(response.status)).append("\r\n");
  for (const auto& [name, value] : response.headers) {
    if (equal_ignoring_case(name, "connection") && equal_ignoring_case(value, "close")) keep_alive_ = false;
    if (!is_framing(name)) append_header(head, name, value);
  }
  refresh_date(*server_);
  head.append("Date: ").append(server_->date).append("\r\n");
  if (!keep_alive_)
    head.append("Connection: close\r\n");
  else if (http_1_0_)
    head.append("Connection: keep-alive\r\n");
}

void HttpConnection::answer(const HttpResponse& response) {
  begin_head(response);
  std::string& head = server_->head;
  const bool body = may_have_body(response.status);
  if (body) {
    head.append("Content-Length: ");
    append_number(head, response.body.size());
    head.append("\r\n");
  }
  head.append("\r\n");
  answer_complete_ = true;
  transmit(head, body && !head_only_ ? std::string_view(response.body) : std::string_view());
}

void HttpConnection::begin_stream(const HttpResponse& response) {
  // HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
  if (http_1_0_) keep_alive_ = false;
  begin_head(response);
  streaming_ = true;
  if (!http_1_0_) server_->head.append("Transfer-Encoding: chunked\r\n");
  server_->head.append("\r\n");
  transmit(server_->head, {});
}

void HttpConnection::write_stream(std::string_view bytes) {
  if (closed_ || bytes.empty() || head_only_) return;
  std::string& head = server_->head;
  head.clear();
  if (http_1_0_) {
    transmit(bytes, {});
    return;
  }
  append_number(head, bytes.size(), 16);
  head.append("\r\n").append(bytes).append("\r\n");
  transmit(head, {});
}

void HttpConnection::end_stream() {
  if (closed_) return;
  answer_complete_ = true;
  transmit(http_1_0_ || head_only_ ? std::string_view() : std::string_view("0\r\n\r\n"), {});
}

/// Writes at once what the socket takes; only the rest is copied and waits.
void HttpConnection::transmit(std::string_view head, std::string_view body) {
  if (closed_) return;
  std::size_t done = 0;
  const std::size_t size = head.size() + body.size();
  if (unsent_.empty() && size > 0) {
    Failure failed;
    done = channel_.write_some(head, body, failed);
    if (failed && failed != asio::error::would_block) {
      close();
      return;
    }
  }
  if (done < size) {
    if (unsent_.empty()) set_deadline(server_->options.receive_timeout);
    unsent_.append(head.substr(std::min(done, head.size())));
    unsent_.append(body.substr(done > head.size() ? done - head.size() : 0));
    if (unsent_.size() - sent_ > kUnsentMaxBytes && !answer_complete_) {
      close();
      return;
    }
    flush();
    return;
  }
  written();
}

void HttpConnection::flush() {
  if (waiting_to_write_) return;
  waiting_to_write_ = true;
  channel_.wait_writable([self = shared_from_this()](const Failure& not_writable) {
    self->waiting_to_write_ = false;
    if (self->closed_) return;
    Failure failed = not_writable;
    const std::string_view rest = std::string_view(self->unsent_).substr(self->sent_);
    if (!failed) self->sent_ += self->channel_.write_some(rest, {}, failed);
    if (failed && failed != asio::error::would_block) {
      self->close();
      return;
    }
    self->set_deadline(self->server_->options.receive_timeout);
    if (self->sent_ < self->unsent_.size()) {
      self->flush();
      return;
    }
    std::string().swap(self->unsent_);
    self->sent_ = 0;
    if (self->answering_) self->deadline_ = 0;
    self->written();
  });
}

void HttpConnection::written() {
  if (answering_ && answer_complete_ && unsent_.empty()) answered();
}

void HttpConnection::answered() {
  answering_ = false;
  answer_complete_ = false;
  if (!keep_alive_) {
    if (peer_ended_) {
      close();
      return;
    }
    // Closing with bytes unread would reset the connection and could destroy the answer on its way.
    channel_.end_writing();
    draining_ = true;
    begin_ = end_ = 0;
    set_deadline(kDrainTimeout);
    if (!processing_) read();
    return;
  }
  const std::chrono::seconds idle = server_->options.idle_timeout;
  if (idle > std::chrono::seconds(0))
    set_deadline(idle);
  else
    deadline_ = 0;
  if (!processing_) process();
}

PendingReply::PendingReply(std::shared_ptr<HttpConnection> connection) : connection_(std::move(connection)) {}

PendingReply::~PendingReply() {
  if (state_ == State::Open)
    send({.status = 500, .headers = {{"Content-Type", "text/plain"}}, .body = "not answered\n"});
  if (state_ == State::Streaming) {
    connection_->reply_ = nullptr;
    connection_->close(false);  // the peer must not take a stream that broke off for a whole one
  }
}

void PendingReply::done() {
  state_ = State::Done;
  closed_ = nullptr;
  connection_->reply_ = nullptr;
}

void PendingReply::send(HttpResponse response) {
  if (state_ != State::Open) return;
  done();
  if (!connection_->closed_) connection_->answer(response);
}

void PendingReply::start_stream(HttpResponse head) {
  if (state_ != State::Open) return;
  state_ = State::Streaming;
  if (!connection_->closed_) connection_->begin_stream(head);
}

void PendingReply::write(std::string_view bytes) {
  if (state_ == State::Streaming) connection_->write_stream(bytes);
}

void PendingReply::finish() {
  if (state_ != State::Streaming) return;
  done();
  connection_->end_stream();
}

std::size_t PendingReply::unsent() const {
  return state_ == State::Streaming ? connection_->unsent_.size() - connection_->sent_ : 0;
}

void PendingReply::on_closed(std::function<void()> closed) {
  if (state_ == State::Done) return;
  if (connection_->closed_ || connection_->peer_ended_)
    connection_->server_->loop.post(std::move(closed));
  else
    closed_ = std::move(closed);
}

void PendingReply::peer_closed() {
  const std::function<void()> closed = std::exchange(closed_, nullptr);
  if (closed) closed();
}

}  // namespace forewarm
