#include "edge/sqs/parse.h"

#include <array>
#include <boost/json.hpp>

#include "edge/sqs/fields.h"
#include "edge/sqs/query_parameters.h"

namespace forewarm::sqs {

namespace json = boost::json;

namespace {

constexpr std::string_view kTargetPrefix = "AmazonSQS.";

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (lower(left[i]) != lower(right[i])) return false;
  }
  return true;
}

std::string_view header(const HttpInput& input, std::string_view name) {
  for (const auto& [key, value] : input.headers) {
    if (equals_ignoring_case(key, name)) return value;
  }
  return {};
}

/// Clients of the JSON protocol say so twice; one that forgets the target still reads JSON only.
bool speaks_json(const HttpInput& input, std::string_view target) {
  return !target.empty() || header(input, "Content-Type").starts_with("application/x-amz-json");
}

SqsResult<Request> parse_json(std::string_view target, std::string_view body) {
  if (!target.starts_with(kTargetPrefix)) {
    return refuse(Fault::InvalidAction, "X-Amz-Target must be AmazonSQS.<action>; it is '" +
                                            std::string(target.substr(0, 128)) + "'.");
  }
  // A batch of ten messages of a kilobyte fits into this without an allocation; what is not used costs
  // nothing.
  std::array<unsigned char, 64U << 10> buffer;
  json::monotonic_resource memory(buffer.data(), buffer.size());
  json::error_code error;
  const json::value document = json::parse(body.empty() ? std::string_view("{}") : body, error, &memory);
  if (error) return refuse(Fault::Serialization, "The body is not JSON: " + error.message() + ".");
  const json::object* members = document.if_object();
  if (!members) return refuse(Fault::Serialization, "The body must be a JSON object.");
  return read_request(target.substr(kTargetPrefix.size()), *members, Protocol::Json);
}

SqsResult<Request> parse_query(const HttpInput& input) {
  std::string form(input.query);
  if (input.method == "POST") {
    form += '&';
    form += input.body;
  }
  SqsResult<json::object> members = fold_parameters(form);
  if (!members) return std::unexpected(std::move(members.error()));
  const json::value* action = members->if_contains("Action");
  const json::string* name = action ? action->if_string() : nullptr;
  if (!name || name->empty()) {
    return refuse(Fault::MissingAction,
                  "Could not find operation to perform: neither the header X-Amz-Target nor the "
                  "parameter Action is there.");
  }
  const std::string chosen(*name);  // what follows may move the members
  // Older clients post to the queue's own URL instead of naming it.
  if (!members->contains("QueueUrl") && !queue_name(input.path).empty()) (*members)["QueueUrl"] = input.path;
  return read_request(chosen, *members, Protocol::Query);
}

}  // namespace

Parsed parse(const HttpInput& input) {
  const std::string_view target = header(input, "X-Amz-Target");
  const bool json = speaks_json(input, target);
  Parsed parsed{.protocol = json ? Protocol::Json : Protocol::Query, .request = ListQueues{}};
  if (json && input.method != "POST") {
    parsed.request = refuse(Fault::InvalidAction, "The JSON protocol is spoken by POST only.");
    return parsed;
  }
  parsed.request = json ? parse_json(target, input.body) : parse_query(input);
  return parsed;
}

std::string_view queue_name(std::string_view queue_url) {
  if (const std::size_t scheme = queue_url.find("://"); scheme != std::string_view::npos) {
    const std::size_t path = queue_url.find('/', scheme + 3);
    if (path == std::string_view::npos) return {};
    queue_url.remove_prefix(path);
  }
  queue_url = queue_url.substr(0, queue_url.find_first_of("?#"));
  while (queue_url.ends_with('/')) queue_url.remove_suffix(1);
  const std::size_t slash = queue_url.rfind('/');
  return slash == std::string_view::npos ? queue_url : queue_url.substr(slash + 1);
}

std::string_view queue_name_of_arn(std::string_view arn) {
  if (!arn.starts_with("arn:")) return {};
  return arn.substr(arn.rfind(':') + 1);
}

}  // namespace forewarm::sqs
