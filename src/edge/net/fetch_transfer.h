#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "edge/net/fetch.h"

namespace forewarm {

struct CurlEasyCloser {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using CurlEasy = std::unique_ptr<CURL, CurlEasyCloser>;

struct CurlListCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// As check_egress(), of a URL; what is none is left to who uses it.
Result<void> check_egress_of(const std::string& url);

/// Null when libcurl cannot be started.
CurlEasy make_curl_easy();

/// One request on a handle, and what is received of its answer. Stays where it is while the handle is at
/// work.
class FetchTransfer {
 public:
  FetchTransfer(CURL* easy, FetchRequest request, FetchOptions options);
  FetchTransfer(const FetchTransfer&) = delete;
  FetchTransfer& operator=(const FetchTransfer&) = delete;

  /// When the handle has ended with this code.
  Result<HttpResponse> finish(CURLcode code);

 private:
  static std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* transfer);
  static std::size_t take_header(char* bytes, std::size_t, std::size_t count, void* transfer);
  static int ask_whether_to_go_on(void* transfer, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  CURL* easy_;
  FetchRequest request_;
  FetchOptions options_;
  std::unique_ptr<curl_slist, CurlListCloser> headers_{};
  HttpResponse answer_{};
  std::size_t header_bytes_ = 0;
  bool too_large_ = false;
  char reason_[CURL_ERROR_SIZE] = {};
};

}  // namespace forewarm
