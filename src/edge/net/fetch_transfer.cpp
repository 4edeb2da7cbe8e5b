#include "edge/net/fetch_transfer.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "edge/net/egress.h"

namespace forewarm {
namespace {

constexpr std::size_t kHeaderBytesMax = 256U << 10;
// A peer that went away without a word is noticed while an answer is waited for (tcp(7)).
constexpr long kKeepAliveIdleSeconds = 30;
constexpr long kKeepAliveIntervalSeconds = 10;

/// The URL without a password that may be in it.
std::string without_password(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?", begin), url.size());
  const std::size_t at = url.rfind('@', end);
  std::string text = url.substr(0, std::min(url.find('?'), url.size()));
  if (at != std::string::npos && at > begin && at < end) text.erase(begin, at + 1 - begin);
  return text;
}

struct CurlUrlCloser {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
std::string part_of(CURLU* url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string copy = text;
  curl_free(text);
  return copy;
}

}  // namespace

Result<void> check_egress_of(const std::string& url) {
  const std::unique_ptr<CURLU, CurlUrlCloser> read(curl_url());
  if (!read || curl_url_set(read.get(), CURLUPART_URL, url.c_str(), CURLU_GUESS_SCHEME) != CURLUE_OK)
    return {};
  Endpoint to{.host = part_of(read.get(), CURLUPART_HOST, CURLU_URLDECODE)};
  if (to.host.starts_with('[')) to.host = to.host.substr(1, to.host.size() - 2);
  to.port = static_cast<std::uint16_t>(
      std::strtoul(part_of(read.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT).c_str(), nullptr, 10));
  return check_egress(to);
}

CurlEasy make_curl_easy() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return CurlEasy(ready ? curl_easy_init() : nullptr);
}

FetchTransfer::FetchTransfer(CURL* easy, FetchRequest request, FetchOptions options)
    : easy_(easy), request_(std::move(request)), options_(std::move(options)) {
  const auto add_header = [this](const std::string& line) {
    headers_.reset(curl_slist_append(headers_.release(), line.c_str()));
  };
  for (const auto& [name, value] : request_.headers) add_header(name + ": " + value);
  add_header("Expect:");
  const auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_ERRORBUFFER, reason_);
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
  if (options_.connect_timeout.count() > 0)
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
  if (options_.silence_max.count() > 0) {
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.silence_max.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);  // bytes a second
  }
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set(CURLOPT_TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &ask_whether_to_go_on);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
  set(CURLOPT_ACCEPT_ENCODING, "");
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_USERAGENT, "forewarm");
  if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
  // Without a body a POST still says how long it is (RFC 9110 section 8.6).
  if (!request_.body.empty() || request_.method == "POST") {
    set(CURLOPT_POSTFIELDS, request_.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  }
}

std::size_t FetchTransfer::take_body(char* bytes, std::size_t, std::size_t count, void* transfer) {
  auto& into = *static_cast<FetchTransfer*>(transfer);
  into.too_large_ = into.answer_.body.size() + count > into.options_.body_max_bytes;
  if (into.too_large_) return 0;
  into.answer_.body.append(bytes, count);
  return count;
}

int FetchTransfer::ask_whether_to_go_on(void* transfer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const FetchTransfer*>(transfer)->options_.stop.stop_requested() ? 1 : 0;
}

std::size_t FetchTransfer::take_header(char* bytes, std::size_t, std::size_t count, void* transfer) {
  auto& into = *static_cast<FetchTransfer*>(transfer);
  into.too_large_ = (into.header_bytes_ += count) > kHeaderBytesMax;
  if (into.too_large_) return 0;
  const std::string_view line(bytes, count);
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string_view value = line.substr(colon + 1);
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!value.empty() && blank(value.front())) value.remove_prefix(1);
    while (!value.empty() && blank(value.back())) value.remove_suffix(1);
    into.answer_.headers.emplace_back(line.substr(0, colon), value);
  }
  return count;
}

Result<HttpResponse> FetchTransfer::finish(CURLcode code) {
  curl_off_t before_sending = 0;
  curl_easy_getinfo(easy_, CURLINFO_PRETRANSFER_TIME_T, &before_sending);
  const bool sent = before_sending > 0;
  if (options_.course && code != CURLE_OK)
    *options_.course = {.sent = sent, .timed_out = code == CURLE_OPERATION_TIMEDOUT};
  if (too_large_) {
    return error(ErrorCode::Exhausted, without_password(request_.url) + " answered with more than " +
                                           std::to_string(options_.body_max_bytes >> 20) +
                                           " MB; ask for less at a time");
  }
  // After something was sent it is the answer that is of no protocol that we have.
  if (code == CURLE_URL_MALFORMAT || (code == CURLE_UNSUPPORTED_PROTOCOL && !sent)) {
    return error(ErrorCode::Invalid, "'" + without_password(request_.url) +
                                         "' is not a URL; expected http://HOST:PORT or https://HOST");
  }
  if (code != CURLE_OK) {
    return error(ErrorCode::Io, without_password(request_.url) + " cannot be reached: " +
                                    (reason_[0] != '\0' ? reason_ : curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  answer_.status = static_cast<unsigned>(status);
  return std::move(answer_);
}

}  // namespace forewarm
