#include "edge/net/mail.h"

#include <algorithm>

#include "edge/net/fetch_transfer.h"

namespace forewarm {
namespace {

/// The message on its way out, and what the server says meanwhile.
struct MailTransfer {
  const std::string* message = nullptr;
  std::size_t sent = 0;
  std::stop_token stop{};
  std::string last_line{};
};

std::size_t give_message(char* into, std::size_t size, std::size_t count, void* transfer) {
  auto& mail = *static_cast<MailTransfer*>(transfer);
  const std::size_t bytes = mail.message->copy(into, size * count, mail.sent);
  mail.sent += bytes;
  return bytes;
}

std::size_t take_answer_line(char* bytes, std::size_t, std::size_t count, void* transfer) {
  std::string line(bytes, count);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.pop_back();
  // The answer to QUIT says nothing of the message.
  if (!line.starts_with("221")) static_cast<MailTransfer*>(transfer)->last_line = std::move(line);
  return count;
}

int ask_for_stop(void* transfer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const MailTransfer*>(transfer)->stop.stop_requested() ? 1 : 0;
}

std::size_t drop_answer_body(char*, std::size_t, std::size_t count, void*) {
  return count;
}

}  // namespace

std::string bare_address(const std::string& text) {
  const std::size_t open = text.rfind('<'), close = text.rfind('>');
  if (open == std::string::npos || close == std::string::npos || close < open) return text;
  return text.substr(open + 1, close - open - 1);
}

MailAnswer send_mail(const MailRequest& request, const FetchOptions& options) {
  if (const auto allowed = check_egress_of(request.url); !allowed) return {.words = allowed.error().message};
  const CurlEasy easy = make_curl_easy();
  if (!easy) return {.words = "libcurl cannot be started"};
  MailTransfer transfer{.message = &request.message, .stop = options.stop};
  std::unique_ptr<curl_slist, CurlListCloser> to;
  for (const std::string& each : request.to)
    to.reset(curl_slist_append(to.release(), ("<" + bare_address(each) + ">").c_str()));
  const std::string from = "<" + bare_address(request.from) + ">";
  char reason[CURL_ERROR_SIZE] = {};
  const auto set = [&easy](CURLoption option, auto value) { curl_easy_setopt(easy.get(), option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(CURLOPT_MAIL_FROM, from.c_str());
  set(CURLOPT_MAIL_RCPT, to.get());
  set(CURLOPT_UPLOAD, 1L);
  set(CURLOPT_READFUNCTION, &give_message);
  set(CURLOPT_READDATA, static_cast<void*>(&transfer));
  set(CURLOPT_WRITEFUNCTION, &drop_answer_body);
  set(CURLOPT_HEADERFUNCTION, &take_answer_line);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
  set(CURLOPT_ERRORBUFFER, reason);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
  // That of a transfer is not that of the goodbye after it, to which a server may be silent too.
  set(CURLOPT_SERVER_RESPONSE_TIMEOUT,
      static_cast<long>(std::chrono::ceil<std::chrono::seconds>(options.timeout).count()));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &ask_for_stop);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
  set(CURLOPT_USE_SSL, static_cast<long>(request.starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
  if (!request.user.empty()) {
    set(CURLOPT_USERNAME, request.user.c_str());
    set(CURLOPT_PASSWORD, request.password.c_str());
  }
  const CURLcode code = curl_easy_perform(easy.get());
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  MailAnswer answer{.taken = code == CURLE_OK};
  answer.status = static_cast<unsigned>(std::max(status, 0L));
  if (answer.taken) {
    answer.words = transfer.last_line;
    return answer;
  }
  // A handshake that fails after the greeting is no refusal of the message.
  const bool no_peer = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
                       code == CURLE_USE_SSL_FAILED || code == CURLE_OPERATION_TIMEDOUT;
  if (no_peer) answer.status = 0;
  answer.words = reason[0] != '\0' ? reason : curl_easy_strerror(code);
  if (!no_peer && !transfer.last_line.empty() && status >= 400) answer.words += ": " + transfer.last_line;
  return answer;
}

}  // namespace forewarm
