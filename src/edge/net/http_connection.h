#pragma once

#include <cstdint>
#include <ctime>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "edge/net/channel.h"
#include "edge/net/http.h"
#include "edge/net/http_parser.h"

namespace forewarm {

class HttpConnection;
class PendingReply;

/// What the connections of one server share. Outlives the server for as long as a reply is still held.
struct HttpServerState {
  HttpServerState(Loop& l, HttpServer::Options o, HttpHandler h)
      : loop(l), options(std::move(o)), handler(std::move(h)) {}

  Loop& loop;
  HttpServer::Options options;
  HttpHandler handler;
  std::string head;  ///< scratch for the head of the answer being written
  std::string date;  ///< the Date header's value of `date_second`
  std::time_t date_second = 0;
  /// Time in ticks of kHttpTick. Reading a clock and moving a timer at every request would cost more than
  /// parsing it.
  std::uint32_t tick = 0;
  std::function<void()> arm;                    ///< the ticks must run: a connection has a deadline
  std::function<void(HttpConnection&)> forget;  ///< it has closed

  std::size_t open = 0;                                ///< connections
  std::size_t taken = 0;                               ///< requests, in this turn
  std::deque<std::weak_ptr<HttpConnection>> for_turn;  ///< have a request for the next turn
  std::function<void()> next_turn;                     ///< another turn must come
};
inline constexpr std::chrono::milliseconds kHttpTick{500};

/// One connection: reads requests one after another, and the next only when the answer before is written, so
/// answers are in order and a peer that does not read is not read from.
///
/// Reads ahead (up to its buffer) while an answer is pending, because that is how a peer that goes away is
/// noticed.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::shared_ptr<HttpServerState> server, Channel::Socket socket);

  void start();
  /// `tell`: call what the pending reply registered with on_closed().
  void close(bool tell = true);
  void expire_if_due();
  bool has_deadline() const { return deadline_ != 0; }
  void turn_has_come();

  std::size_t index = 0;  ///< its place in the server's list

 private:
  friend class PendingReply;
  using Failure = boost::system::error_code;

  void read();
  bool make_room();
  void received(const Failure& failed, std::size_t bytes);
  void peer_ended(bool half);
  void process();
  bool process_one();
  bool waits_for_turn();
  void dispatch();
  void refuse(unsigned status);
  void begin_head(const HttpResponse& response);
  void answer(const HttpResponse& response);
  void begin_stream(const HttpResponse& response);
  void write_stream(std::string_view bytes);
  void end_stream();
  void transmit(std::string_view head, std::string_view body);
  void flush();
  void written();
  void answered();
  void set_deadline(std::chrono::seconds timeout);

  std::shared_ptr<HttpServerState> server_;
  Channel channel_;
  HttpRequestParser parser_;
  std::string buffer_;  ///< bytes [begin_, end_) are received and not parsed
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string unsent_;  ///< bytes from sent_ on wait for the peer
  std::size_t sent_ = 0;
  PendingReply* reply_ = nullptr;
  std::uint32_t deadline_ = 0;  ///< in ticks; 0 for none
  bool reading_ = false;
  bool processing_ = false;
  bool waiting_to_write_ = false;
  bool waiting_for_turn_ = false;
  bool answering_ = false;  ///< a request was handed out and its answer is not written yet
  bool answer_complete_ = false;
  bool streaming_ = false;  ///< the answer is a stream that goes on
  bool keep_alive_ = true;
  bool http_1_0_ = false;
  bool head_only_ = false;
  bool peer_ended_ = false;
  bool draining_ = false;  ///< answered and half closed: what still comes is thrown away
  bool closed_ = false;
};

/// The reply to the request that a connection is answering.
class PendingReply final : public HttpReply {
 public:
  explicit PendingReply(std::shared_ptr<HttpConnection> connection);
  ~PendingReply() override;

  void send(HttpResponse response) override;
  void start_stream(HttpResponse head) override;
  void write(std::string_view bytes) override;
  void finish() override;
  std::size_t unsent() const override;
  void on_closed(std::function<void()> closed) override;

  void peer_closed();

 private:
  enum class State : std::uint8_t { Open, Streaming, Done };
  void done();

  std::shared_ptr<HttpConnection> connection_;
  std::function<void()> closed_;
  State state_ = State::Open;
};

}  // namespace forewarm
