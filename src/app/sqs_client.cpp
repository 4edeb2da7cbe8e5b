#include "app/sqs_client.h"

#include <boost/json.hpp>
#include <cstdlib>

namespace forewarm {
namespace {

namespace json = boost::json;

/// The service's error text out of a JSON error body.
std::string error_text(const HttpResponse& response) {
  boost::system::error_code code;
  const json::value parsed = json::parse(response.body, code);
  if (!code && parsed.is_object()) {
    std::string text;
    if (const json::value* type = parsed.as_object().if_contains("__type"); type && type->is_string())
      text = type->as_string().c_str();
    if (const json::value* message = parsed.as_object().if_contains("message");
        message && message->is_string()) {
      text += ": " + std::string(message->as_string().c_str());
    }
    if (!text.empty()) return text;
  }
  return "HTTP status " + std::to_string(response.status);
}

/// The array `key` of a JSON object text; empty when it is not there.
json::array array_in(const std::string& text, std::string_view key) {
  boost::system::error_code code;
  const json::value parsed = json::parse(text, code);
  if (code || !parsed.is_object()) return {};
  const json::value* found = parsed.as_object().if_contains(key);
  return found != nullptr && found->is_array() ? found->as_array() : json::array{};
}

std::string text_in(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

std::optional<AwsCredentials> credentials_in_environment() {
  const auto text = [](const char* name) {
    const char* found = std::getenv(name);
    return std::string(found != nullptr ? found : "");
  };
  AwsCredentials credentials{text("AWS_ACCESS_KEY_ID"), text("AWS_SECRET_ACCESS_KEY"),
                             text("AWS_SESSION_TOKEN")};
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) return std::nullopt;
  return credentials;
}

TimePoint signed_at() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return TimePoint(std::chrono::duration_cast<Duration>(since_epoch));
}

}  // namespace

SqsClient::SqsClient(Loop& loop, Endpoint server, std::size_t connections)
    : host_(to_string(server)),
      credentials_(credentials_in_environment()),
      http_(HttpClient::make(loop, {.server = std::move(server), .connections_max = connections})) {}
SqsClient::~SqsClient() = default;

std::size_t SqsClient::pending() const {
  return http_->pending();
}

void SqsClient::call(std::string_view action, std::string body,
                     std::function<void(Result<std::string>)> done) {
  FetchRequest fetch{
      .method = "POST", .url = "http://" + host_ + "/", .headers = {}, .body = std::move(body)};
  fetch.headers.emplace_back("Content-Type", "application/x-amz-json-1.0");
  fetch.headers.emplace_back("X-Amz-Target", "AmazonSQS." + std::string(action));
  if (credentials_)
    sign(fetch, *credentials_, {.region = "us-east-1", .service = "sqs", .time = signed_at()});
  HttpRequest request{"POST", "/", "", std::move(fetch.headers), std::move(fetch.body)};
  http_->request(std::move(request), [done = std::move(done)](Result<HttpResponse> response) {
    if (!response) return done(std::unexpected(response.error()));
    if (response->status != 200) return done(error(ErrorCode::Invalid, error_text(*response)));
    done(std::move(response->body));
  });
}

void SqsClient::create_queue(const std::string& name, std::function<void(Result<std::string>)> done) {
  call("CreateQueue", json::serialize(json::object{{"QueueName", name}}),
       [done = std::move(done)](Result<std::string> answer) {
         if (!answer) return done(std::move(answer));
         boost::system::error_code code;
         const json::value parsed = json::parse(*answer, code);
         if (code || !parsed.is_object())
           return done(error(ErrorCode::Invalid, "CreateQueue answered without a QueueUrl"));
         done(text_in(parsed.as_object(), "QueueUrl"));
       });
}

void SqsClient::send(const std::string& queue_url, std::string_view body,
                     const std::vector<NumberAttribute>& attributes, std::function<void(Result<void>)> done) {
  json::object request{{"QueueUrl", queue_url}, {"MessageBody", body}};
  if (!attributes.empty()) {
    json::object values;
    for (const NumberAttribute& attribute : attributes) {
      values[attribute.name] = {{"DataType", "Number"}, {"StringValue", std::to_string(attribute.value)}};
    }
    request["MessageAttributes"] = std::move(values);
  }
  call("SendMessage", json::serialize(request), [done = std::move(done)](Result<std::string> answer) {
    done(answer ? Result<void>() : std::unexpected(answer.error()));
  });
}

void SqsClient::send_batch(const std::string& queue_url, const std::vector<std::string>& bodies,
                           std::function<void(Result<std::size_t>)> done) {
  json::array entries;
  for (const std::string& body : bodies) {
    entries.push_back({{"Id", std::to_string(entries.size())}, {"MessageBody", body}});
  }
  call("SendMessageBatch",
       json::serialize(json::object{{"QueueUrl", queue_url}, {"Entries", std::move(entries)}}),
       [done = std::move(done)](Result<std::string> answer) {
         if (!answer) return done(std::unexpected(answer.error()));
         done(array_in(*answer, "Successful").size());
       });
}

void SqsClient::receive(const std::string& queue_url, int messages_max, int wait_seconds,
                        std::function<void(Result<std::vector<Received>>)> done) {
  const json::object request{{"QueueUrl", queue_url},
                             {"MaxNumberOfMessages", messages_max},
                             {"WaitTimeSeconds", wait_seconds},
                             {"AttributeNames", json::array{"ApproximateReceiveCount"}}};
  call("ReceiveMessage", json::serialize(request), [done = std::move(done)](Result<std::string> answer) {
    if (!answer) return done(std::unexpected(answer.error()));
    std::vector<Received> received;
    for (const json::value& value : array_in(*answer, "Messages")) {
      if (!value.is_object()) continue;
      const json::object& message = value.as_object();
      Received one{text_in(message, "Body"), text_in(message, "ReceiptHandle"), 0};
      if (const json::value* attributes = message.if_contains("Attributes");
          attributes && attributes->is_object()) {
        one.receive_count = std::atoll(text_in(attributes->as_object(), "ApproximateReceiveCount").c_str());
      }
      received.push_back(std::move(one));
    }
    done(std::move(received));
  });
}

void SqsClient::remove_batch(const std::string& queue_url, const std::vector<std::string>& receipt_handles,
                             std::function<void(Result<std::size_t>)> done) {
  json::array entries;
  for (const std::string& handle : receipt_handles) {
    entries.push_back({{"Id", std::to_string(entries.size())}, {"ReceiptHandle", handle}});
  }
  call("DeleteMessageBatch",
       json::serialize(json::object{{"QueueUrl", queue_url}, {"Entries", std::move(entries)}}),
       [done = std::move(done)](Result<std::string> answer) {
         if (!answer) return done(std::unexpected(answer.error()));
         done(array_in(*answer, "Successful").size());
       });
}

Result<Endpoint> parse_url(std::string_view url) {
  if (url.starts_with("http://")) url.remove_prefix(7);
  if (url.starts_with("https://")) {
    return error(ErrorCode::Invalid,
                 "'" + std::string(url) + "': https is not spoken here; give http://HOST:PORT");
  }
  return parse_endpoint(url.substr(0, url.find('/')));
}

}  // namespace forewarm
