#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "edge/net/loop.h"

struct ssl_ctx_st;

namespace forewarm {

/// Where to listen or connect. Port 0 when listening: any free one.
struct Endpoint {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
};
/// "host:port", "[v6]:port", ":port" or "port"; Invalid with what was expected otherwise.
Result<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);
bool is_loopback(const Endpoint& endpoint);

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;
/// The first header of that name, case ignored; empty if there is none.
std::string_view find_header(const HttpHeaders& headers, std::string_view name);

struct HttpRequest {
  std::string method{};
  std::string path{};   ///< percent-decoding is left to the receiver
  std::string query{};  ///< without the '?'
  HttpHeaders headers{};
  std::string body{};
};

struct HttpResponse {
  unsigned status = 200;
  HttpHeaders headers{};  ///< Content-Length, Date and Connection are added
  std::string body{};
};

/// Answers one request, at once or later, on the loop's thread. Dropping it unanswered sends 500.
class HttpReply {
 public:
  virtual ~HttpReply() = default;
  virtual void send(HttpResponse response) = 0;
  /// Starts a body without an end (server-sent events); then write() any number of times, and finish().
  virtual void start_stream(HttpResponse head) = 0;
  virtual void write(std::string_view bytes) = 0;
  virtual void finish() = 0;
  /// Bytes that write() has taken and the peer has not; for dropping updates to a slow reader.
  virtual std::size_t unsent() const = 0;
  /// Called once if the peer goes away before the answer is complete.
  virtual void on_closed(std::function<void()> closed) = 0;
};

class TlsIdentity;

using HttpHandler = std::function<void(HttpRequest request, std::shared_ptr<HttpReply> reply)>;

/// HTTP/1.1 with keep-alive and pipelined requests answered in order. Bad bytes get a 400 and the connection
/// is closed; bodies over the limit 413.
class HttpServer {
 public:
  struct Options {
    Endpoint listen{};
    std::size_t body_max_bytes = 2U << 20;
    std::size_t connections_max = 10'000;  ///< more are refused with 503
    /// Between requests; longer than the usual client's pool keeps a connection. Zero: for ever.
    std::chrono::seconds idle_timeout{75};
    std::chrono::seconds receive_timeout{30};  ///< for one request to arrive whole
    /// After so many requests the loop's other work has its turn, and the rest wait in order; 0: any number.
    std::size_t requests_per_turn = 0;
    std::size_t turns_above =
        0;  ///< connections; so few crowd nobody out, and do more of their work together
    std::shared_ptr<TlsIdentity> tls{};  ///< HTTPS with this certificate (tls.h); null: plain HTTP
  };
  static Result<std::unique_ptr<HttpServer>> listen(Loop& loop, const Options& options, HttpHandler handler);
  virtual ~HttpServer() = default;  ///< closes everything

  virtual Endpoint endpoint() const = 0;  ///< with the real port
  virtual std::size_t connections() const = 0;
  /// Takes no new connections; those open go on. For a graceful end.
  virtual void stop_accepting() = 0;
};

/// Keep-alive connections to one server, on a loop of the caller's. For functions that are HTTP servers,
/// workers, the load generator, the demo and tests.
class HttpClient {
 public:
  struct Options {
    Endpoint server{};
    std::size_t connections_max = 64;  ///< requests beyond it wait in order
    std::chrono::milliseconds timeout{30'000};
    std::size_t body_max_bytes = 256U << 20;  ///< of an answer
    std::shared_ptr<ssl_ctx_st> tls{};        ///< HTTPS: who is trusted (client_tls()); null: plain HTTP
  };
  static std::unique_ptr<HttpClient> make(Loop& loop, const Options& options);
  virtual ~HttpClient() = default;  ///< pending requests are dropped unanswered
  /// `done` gets the response, Io when there was none, or Exhausted when it is larger than `body_max_bytes`.
  virtual void request(HttpRequest request, std::function<void(Result<HttpResponse>)> done) = 0;
  virtual std::size_t pending() const = 0;
};

/// All but the unreserved characters of RFC 3986 percent-encoded: for one segment of a path, or a value in a
/// query.
std::string percent_encode(std::string_view text);
/// Percent-decoding (RFC 3986 section 2.1), '+' as a space where `form` (application/x-www-form-urlencoded).
std::string percent_decode(std::string_view text, bool form);
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace forewarm
