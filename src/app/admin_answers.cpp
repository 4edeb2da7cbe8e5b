#include "app/admin_answers.h"

namespace forewarm {

namespace json = boost::json;

namespace {

unsigned status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::Invalid:
      return 400;
    case ErrorCode::NotFound:
      return 404;
    case ErrorCode::Conflict:
      return 409;
    case ErrorCode::Exhausted:
    case ErrorCode::Closed:
      return 503;
    case ErrorCode::Corrupt:
    case ErrorCode::Io:
      return 500;
  }
  return 500;
}

}  // namespace

HttpResponse refusal(const Error& failure) {
  return problem(status_of(failure.code), failure.message);
}

std::optional<json::object> object_of(const RouteRequest& request, const std::shared_ptr<HttpReply>& reply) {
  boost::system::error_code code;
  json::value parsed =
      request.http.body.empty() ? json::value(json::object()) : json::parse(request.http.body, code);
  if (code || !parsed.is_object()) {
    reply->send(problem(400, "the body must be a JSON object"));
    return std::nullopt;
  }
  return std::move(parsed.as_object());
}

std::function<void(const Result<void>&)> answer_with_name(const std::string& name,
                                                          const std::shared_ptr<HttpReply>& reply) {
  return [name, reply](const Result<void>& done) {
    reply->send(done ? json_response(json::serialize(json::object{{"name", name}})) : refusal(done.error()));
  };
}

std::string text_in(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

}  // namespace forewarm
