#include "edge/net/http_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <limits>
#include <optional>
#include <utility>

#include "edge/net/http_text.h"

namespace forewarm {
namespace {

namespace http = boost::beast::http;
using ErrorCodeOut = boost::system::error_code;

/// A body of a claimed length gets its memory as it comes: ten thousand claims of the limit must cost
/// nothing.
constexpr std::uint64_t kBodyReserveMax = 64U << 10;
constexpr std::size_t kHeadersMax = 128;
constexpr std::size_t kHeadersUsual = 12;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

/// The callbacks that requests and responses share.
template <bool is_request>
class Receiver : public http::basic_parser<is_request> {
 public:
  explicit Receiver(HttpLimits limits) {
    this->header_limit(limits.header_max_bytes);
    this->body_limit(limits.body_max_bytes);
  }

  HttpHeaders headers;
  std::string body;
  bool version_1_0 = false;

 private:
  void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                     ErrorCodeOut& failed) override {
    if (headers.size() == kHeadersMax) {
      failed = http::error::header_limit;
      return;
    }
    if (headers.empty()) headers.reserve(kHeadersUsual);
    headers.emplace_back(view(name), view(value));
  }
  void on_header_impl(ErrorCodeOut&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCodeOut&) override {
    if (length) body.reserve(std::min(*length, kBodyReserveMax));
  }
  std::size_t on_body_impl(boost::beast::string_view bytes, ErrorCodeOut&) override {
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, ErrorCodeOut&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view bytes, ErrorCodeOut&) override {
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(ErrorCodeOut&) override {}
};

class RequestReceiver final : public Receiver<true> {
 public:
  using Receiver::Receiver;
  std::string method;
  std::string path;
  std::string query;

 private:
  void on_request_impl(http::verb, boost::beast::string_view verb, boost::beast::string_view target,
                       int version, ErrorCodeOut&) override {
    method = view(verb);
    std::string_view rest = view(target);
    // The absolute form (RFC 9112 section 3.2.2) names the authority again; the path begins after it.
    if (const std::size_t scheme = rest.find("://");
        scheme != std::string_view::npos && !rest.starts_with('/')) {
      rest.remove_prefix(std::min(rest.find_first_of("/?", scheme + 3), rest.size()));
    }
    const std::size_t mark = std::min(rest.find('?'), rest.size());
    path = mark == 0 ? "/" : rest.substr(0, mark);
    query = rest.substr(std::min(mark + 1, rest.size()));
    version_1_0 = version == 10;
  }
  void on_response_impl(int, boost::beast::string_view, int, ErrorCodeOut&) override {}
};

class ResponseReceiver final : public Receiver<false> {
 public:
  using Receiver::Receiver;
  unsigned status = 0;

 private:
  void on_request_impl(http::verb, boost::beast::string_view, boost::beast::string_view, int,
                       ErrorCodeOut&) override {}
  void on_response_impl(int code, boost::beast::string_view, int version, ErrorCodeOut&) override {
    status = static_cast<unsigned>(code);
    version_1_0 = version == 10;
  }
};

/// One state of the parser at a call, so that the end of the header can be seen.
template <class Parser>
HttpParse feed_parser(Parser& parser, std::string_view bytes, std::size_t& consumed, ErrorCodeOut& failed) {
  while (true) {
    const bool had_header = parser.is_header_done();
    const std::size_t taken = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), failed);
    consumed += taken;
    bytes.remove_prefix(taken);
    if (failed == http::error::need_more) return HttpParse::NeedMore;
    if (failed) return HttpParse::Failed;
    if (parser.is_done()) return HttpParse::Complete;
    if (!had_header && parser.is_header_done()) return HttpParse::HeaderDone;
    if (bytes.empty()) return HttpParse::NeedMore;
  }
}

unsigned status_of(const ErrorCodeOut& failed) {
  if (failed == http::error::body_limit) return 413;
  if (failed == http::error::header_limit) return 431;
  if (failed == http::error::bad_version) return 505;
  return 400;
}

}  // namespace

struct HttpRequestParser::Impl {
  HttpLimits limits;
  std::optional<RequestReceiver> parser;
  unsigned failure_status = 400;
};

HttpRequestParser::HttpRequestParser(HttpLimits limits) : impl_(std::make_unique<Impl>()) {
  impl_->limits = limits;
  begin();
}
HttpRequestParser::~HttpRequestParser() = default;

HttpParse HttpRequestParser::feed(std::string_view bytes, std::size_t& consumed) {
  ErrorCodeOut failed;
  const HttpParse state = feed_parser(*impl_->parser, bytes, consumed, failed);
  if (state == HttpParse::Failed) impl_->failure_status = status_of(failed);
  if (state == HttpParse::HeaderDone || state == HttpParse::Complete) {
    // Codings that are not decoded would pass as the body, and a proxy in front may see another end of the
    // message.
    const std::string_view coding = find_header(impl_->parser->headers, "transfer-encoding");
    if (!coding.empty() && !equal_ignoring_case(coding, "chunked")) {
      impl_->failure_status = 501;
      return HttpParse::Failed;
    }
  }
  return state;
}

void HttpRequestParser::begin() {
  impl_->parser.emplace(impl_->limits);
}

HttpRequest HttpRequestParser::take() {
  RequestReceiver& parser = *impl_->parser;
  return {.method = std::move(parser.method),
          .path = std::move(parser.path),
          .query = std::move(parser.query),
          .headers = std::move(parser.headers),
          .body = std::move(parser.body)};
}

bool HttpRequestParser::keep_alive() const {
  return impl_->parser->keep_alive();
}
bool HttpRequestParser::http_1_0() const {
  return impl_->parser->version_1_0;
}
bool HttpRequestParser::expects_continue() const {
  return !http_1_0() && equal_ignoring_case(find_header(impl_->parser->headers, "expect"), "100-continue");
}
unsigned HttpRequestParser::failure_status() const {
  return impl_->failure_status;
}
bool HttpRequestParser::started() const {
  return impl_->parser->got_some();
}

struct HttpResponseParser::Impl {
  HttpLimits limits;
  std::optional<ResponseReceiver> parser;
  bool too_large = false;
};

HttpResponseParser::HttpResponseParser(HttpLimits limits) : impl_(std::make_unique<Impl>()) {
  impl_->limits = limits;
  begin(false);
}
HttpResponseParser::~HttpResponseParser() = default;

HttpParse HttpResponseParser::feed(std::string_view bytes, std::size_t& consumed) {
  ErrorCodeOut failed;
  const HttpParse state = feed_parser(*impl_->parser, bytes, consumed, failed);
  impl_->too_large = failed == http::error::body_limit;
  return state;
}

HttpParse HttpResponseParser::feed_end() {
  ErrorCodeOut failed;
  if (!impl_->parser->got_some()) return HttpParse::Failed;
  impl_->parser->put_eof(failed);
  return failed ? HttpParse::Failed : HttpParse::Complete;
}

void HttpResponseParser::begin(bool head) {
  impl_->parser.emplace(impl_->limits);
  if (head) impl_->parser->skip(true);
}

HttpResponse HttpResponseParser::take() {
  ResponseReceiver& parser = *impl_->parser;
  return {.status = parser.status, .headers = std::move(parser.headers), .body = std::move(parser.body)};
}

bool HttpResponseParser::keep_alive() const {
  return impl_->parser->keep_alive();
}
bool HttpResponseParser::too_large() const {
  return impl_->too_large;
}

}  // namespace forewarm
