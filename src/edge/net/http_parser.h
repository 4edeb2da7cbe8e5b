#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "edge/net/http.h"

namespace forewarm {

/// Reads one HTTP/1 message after another from bytes, into our own structures at once: Beast's field
/// container would allocate per header and be copied again. Pure: no sockets, so it is fuzzed and tested
/// alone.
enum class HttpParse : std::uint8_t {
  NeedMore,
  HeaderDone,  ///< said once, when a body is still to come: the moment for "100 Continue"
  Complete,
  Failed,
};

struct HttpLimits {
  std::uint32_t header_max_bytes = 32U << 10;
  std::uint64_t body_max_bytes = 2U << 20;
};

class HttpRequestParser {
 public:
  explicit HttpRequestParser(HttpLimits limits);
  ~HttpRequestParser();

  /// Takes bytes from the front of `bytes` and adds how many to `consumed`; the rest must be offered again
  /// with more behind it (a header is taken only whole). After Complete or Failed call begin() first.
  HttpParse feed(std::string_view bytes, std::size_t& consumed);
  /// Forgets the message and starts the next.
  void begin();

  HttpRequest take();  ///< after Complete
  bool keep_alive() const;
  bool http_1_0() const;
  bool expects_continue() const;    ///< after HeaderDone
  unsigned failure_status() const;  ///< after Failed: 400, 413, 431, 501 or 505
  bool started() const;             ///< some byte of this message has come

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class HttpResponseParser {
 public:
  explicit HttpResponseParser(HttpLimits limits);
  ~HttpResponseParser();

  HttpParse feed(std::string_view bytes, std::size_t& consumed);
  /// The peer closed: Complete if that ends the body, Failed otherwise.
  HttpParse feed_end();
  /// `head`: the answer to a HEAD request, which has no body whatever its header says.
  void begin(bool head);

  HttpResponse take();
  bool keep_alive() const;
  bool too_large() const;  ///< after Failed: the body is over its limit

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace forewarm
