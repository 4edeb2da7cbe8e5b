#include "edge/leader/api_refusal.h"

#include <boost/json.hpp>

namespace forewarm {

Error api_refusal(const HttpResponse& answer, std::string_view needs) {
  std::string words = answer.body.substr(0, 300);
  boost::system::error_code failed;
  const boost::json::value status = boost::json::parse(answer.body, failed);
  const boost::json::object* object = failed ? nullptr : status.if_object();
  const boost::json::value* message = object != nullptr ? object->if_contains("message") : nullptr;
  if (message != nullptr && message->is_string()) words = message->get_string();
  std::string text = "status " + std::to_string(answer.status) + (words.empty() ? "" : ": " + words);
  if (answer.status == 401) text += " (is the token right, and not expired?)";
  if (answer.status == 403) text += " (its Role needs " + std::string(needs) + ")";
  return {ErrorCode::Io, std::move(text)};
}

}  // namespace forewarm
