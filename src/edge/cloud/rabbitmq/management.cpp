#include "edge/cloud/rabbitmq/management.h"

#include <openssl/evp.h>

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "edge/net/fetch.h"

namespace forewarm {
namespace {

std::optional<std::uint64_t> number_in(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  boost::system::error_code failure;
  const auto number = value->to_number<std::uint64_t>(failure);
  return failure ? std::nullopt : std::optional(number);
}

const boost::json::object* object_in(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

std::string basic_authorization(const std::string& user, const std::string& password) {
  const std::string plain = user + ":" + password;
  std::string text(4 * ((plain.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(plain.data()), static_cast<int>(plain.size()));
  text.resize(static_cast<std::size_t>(length));
  return "Basic " + text;
}

// A policy's keys have no "x-".
void take_arguments(const boost::json::object& arguments, std::string_view prefix, ManagedQueue& queue) {
  const auto* exchange = arguments.if_contains(std::string(prefix) + "dead-letter-exchange");
  if (exchange != nullptr && exchange->is_string()) queue.dead_letters = true;
  if (const auto limit = number_in(arguments, std::string(prefix) + "delivery-limit")) {
    queue.delivery_limit = static_cast<std::uint32_t>(*limit);
  }
}

}  // namespace

Result<ManagedQueue> parse_managed_queue(std::string_view json) {
  boost::system::error_code failure;
  const auto value = boost::json::parse({json.data(), json.size()}, failure);
  if (failure || !value.is_object() || !value.as_object().contains("name")) {
    return error(ErrorCode::Corrupt, "the answer is not the description of a queue");
  }
  const auto& object = value.as_object();
  ManagedQueue queue;
  queue.unacknowledged = number_in(object, "messages_unacknowledged");
  if (const auto* totals = object_in(object, "message_stats"))
    queue.published_total = number_in(*totals, "publish");
  if (const auto seconds = number_in(object, "head_message_timestamp");
      seconds && *seconds < 1'000'000'000'000) {
    queue.oldest_sent = TimePoint(std::chrono::seconds(static_cast<std::int64_t>(*seconds)));
  }
  const auto* type = object.if_contains("type");
  queue.quorum = type != nullptr && type->is_string() && type->as_string() == "quorum";
  if (const auto* policy = object_in(object, "effective_policy_definition"))
    take_arguments(*policy, "", queue);
  if (const auto* arguments = object_in(object, "arguments")) take_arguments(*arguments, "x-", queue);
  return queue;
}

Result<ManagedQueue> ask_management(const RabbitMqOptions& options, std::stop_token stop) {
  FetchRequest request;
  request.url = options.management_url;
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += "/api/queues/" + percent_encode(options.vhost) + "/" + percent_encode(options.queue);
  const auto password = options.password_now();
  if (!password) return std::unexpected(password.error());
  request.headers.push_back({"Authorization", basic_authorization(options.user, *password)});
  FetchOptions how;
  how.timeout = std::chrono::seconds(5);
  how.body_max_bytes = 1U << 20;
  how.ca_file = options.ca_file;
  how.stop = std::move(stop);
  const std::string place = "RabbitMQ's management API at " + options.management_url;
  auto answer = fetch(request, how);
  if (!answer) return error(answer.error().code, place + ": " + answer.error().message);
  if (answer->status == 401) {
    return error(ErrorCode::Invalid, place + " refused the user \"" + options.user +
                                         "\"; check the password, and give the user the tag \"monitoring\"");
  }
  if (answer->status == 404) {
    return error(ErrorCode::NotFound, place + " knows no queue \"" + options.queue + "\" in virtual host \"" +
                                          options.vhost + "\"; check that it belongs to the same broker");
  }
  if (answer->status != 200) {
    return error(ErrorCode::Io,
                 place + " answered " + std::to_string(answer->status) + "; see the broker's log");
  }
  auto queue = parse_managed_queue(answer->body);
  if (!queue) return error(ErrorCode::Corrupt, place + ": " + queue.error().message);
  return queue;
}

}  // namespace forewarm
