#include "edge/net/fetch.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <thread>

namespace forewarm {
namespace {

struct EasyCloser {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Receiving {
  std::string body;
  HttpHeaders headers;
  std::size_t bytes_max = 0;
  bool too_large = false;
};

std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* receiving) {
  auto& into = *static_cast<Receiving*>(receiving);
  into.too_large = into.body.size() + count > into.bytes_max;
  if (into.too_large) return 0;
  into.body.append(bytes, count);
  return count;
}

int ask_whether_to_go_on(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

std::size_t take_header(char* bytes, std::size_t, std::size_t count, void* receiving) {
  std::string_view line(bytes, count);
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string_view value = line.substr(colon + 1);
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!value.empty() && blank(value.front())) value.remove_prefix(1);
    while (!value.empty() && blank(value.back())) value.remove_suffix(1);
    static_cast<Receiving*>(receiving)->headers.emplace_back(line.substr(0, colon), value);
  }
  return count;
}

/// The URL without a password that may be in it.
std::string shown(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?", begin), url.size());
  const std::size_t at = url.rfind('@', end);
  std::string text = url.substr(0, std::min(url.find('?'), url.size()));
  if (at != std::string::npos && at > begin && at < end) text.erase(begin, at + 1 - begin);
  return text;
}

}  // namespace

Result<HttpResponse> fetch(const FetchRequest& request, const FetchOptions& options) {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  const std::unique_ptr<CURL, EasyCloser> easy(ready ? curl_easy_init() : nullptr);
  if (!easy) return error(ErrorCode::Io, "libcurl cannot be started");
  Receiving receiving{.body = {}, .headers = {}, .bytes_max = options.body_max_bytes};
  std::unique_ptr<curl_slist, ListCloser> headers;
  const auto add_header = [&headers](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  for (const auto& [name, value] : request.headers) add_header(name + ": " + value);
  add_header("Expect:");
  char reason[CURL_ERROR_SIZE] = {};
  const auto set = [&easy](CURLoption option, auto value) { curl_easy_setopt(easy.get(), option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_ERRORBUFFER, reason);
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&receiving));
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&receiving));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
  set(CURLOPT_NOSIGNAL, 1L);
  std::stop_token stop = options.stop;
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &ask_whether_to_go_on);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&stop));
  set(CURLOPT_ACCEPT_ENCODING, "");
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_USERAGENT, "forewarm");
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
  if (!request.body.empty()) {
    set(CURLOPT_POSTFIELDS, request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  const CURLcode code = curl_easy_perform(easy.get());
  if (receiving.too_large) {
    return error(ErrorCode::Exhausted, shown(request.url) + " answered with more than " +
                                           std::to_string(options.body_max_bytes >> 20) +
                                           " MB; ask for less at a time");
  }
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
    return error(ErrorCode::Invalid,
                 "'" + shown(request.url) + "' is not a URL; expected http://HOST:PORT or https://HOST");
  }
  if (code != CURLE_OK) {
    return error(ErrorCode::Io, shown(request.url) + " cannot be reached: " +
                                    (reason[0] != '\0' ? reason : curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  return HttpResponse{static_cast<unsigned>(status), std::move(receiving.headers), std::move(receiving.body)};
}

Result<HttpResponse> fetch_patiently(const std::function<FetchRequest()>& request,
                                     const FetchOptions& options) {
  std::chrono::milliseconds pause(250);
  for (int tries = 1;; ++tries) {
    Result<HttpResponse> answer = fetch(request(), options);
    const auto says = [&answer](const char* text) { return answer->body.find(text) != std::string::npos; };
    const bool passing =
        answer ? answer->status == 429 || answer->status >= 500 ||
                     (answer->status == 400 && (says("Throttling") || says("<Code>RequestTimeout</Code>")))
               : answer.error().code == ErrorCode::Io;
    if (!passing || tries == kFetchTries) return answer;
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
}

}  // namespace forewarm
