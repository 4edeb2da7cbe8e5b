#pragma once

#include <string>
#include <vector>

#include "edge/net/fetch.h"

namespace forewarm {

/// A message to hand to a mail server. TLS is libcurl's business, and the server's certificate is verified.
struct MailRequest {
  std::string url{};   ///< smtps://HOST:PORT, TLS from the start; or smtp://HOST:PORT
  std::string user{};  ///< empty: without authentication
  std::string password{};
  bool starttls = true;  ///< smtp: no TLS, no mail
  std::string from{};    ///< bare, or NAME <ADDRESS>
  std::vector<std::string> to{};
  std::string message{};  ///< RFC 5322, lines ended by CRLF
};

/// What the server said to it.
struct MailAnswer {
  bool taken = false;
  unsigned status = 0;  ///< of RFC 5321; 0: there was no answer
  std::string words{};  ///< the last answer's, or why there is none; never the password
};

/// Blocks until the server has taken the message for all receivers, or one step failed. `body_max_bytes` does
/// not count.
MailAnswer send_mail(const MailRequest& request, const FetchOptions& options = {});

/// The address alone of "NAME <ADDRESS>", or the text itself.
std::string bare_address(const std::string& text);

}  // namespace forewarm
