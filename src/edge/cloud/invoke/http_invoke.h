#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "edge/cloud/invoke/remote_function.h"

namespace forewarm {

/// What lets a request to an HTTP function in: a header and its value, given anew for each. Fails where it
/// cannot be had.
using HttpFunctionKey = std::function<Result<std::pair<std::string, std::string>>()>;
/// The header x-functions-key (Microsoft Learn, "Azure Functions HTTP trigger", authorization keys) with the
/// first line of a file, read each time.
HttpFunctionKey functions_key_in(std::string path);

/// A function behind an HTTP endpoint: an Azure Functions HTTP trigger, a Google Cloud Function or Cloud Run
/// service, anything that takes a POST and answers 2xx when it is done.
struct HttpFunction {
  std::string url;
  HttpFunctionKey key{};              ///< null: everybody may call it
  std::function<void()> renew_key{};  ///< the key is refused; null: nothing to renew
  std::string when_forbidden{};       ///< what to do about 401 and 403, for messages
};

/// Without its key.
FetchRequest http_function_request(const std::string& url, const RemoteCall& call);
/// `keyed`: 401 and 403 are about our key; else the function's own answer.
RemoteOutcome read_http_answer(HttpResponse answer, bool keyed);

std::unique_ptr<RemoteProtocol> make_http_protocol(HttpFunction function);

}  // namespace forewarm
