// forewarm queue

#include <boost/json.hpp>
#include <iostream>

#include "app/admin_client.h"
#include "app/commands.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

namespace json = boost::json;

Result<json::value> get(const ServerAddress& server, const std::string& path) {
  const Result<HttpResponse> response = call_admin(server, {"GET", path, "", {}, ""});
  if (!response) return std::unexpected(response.error());
  boost::system::error_code code;
  json::value parsed = json::parse(response->body, code);
  if (code)
    return error(ErrorCode::Invalid,
                 server.admin + path + " did not answer with JSON; is it forewarm's admin address?");
  return parsed;
}

Result<json::value> call_sqs(const ServerAddress& server, const std::string& action,
                             const json::object& body) {
  HttpRequest request{
      "POST",
      "/",
      "",
      {{"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", "AmazonSQS." + action}},
      json::serialize(body)};
  const Result<HttpResponse> response = call_server(server.endpoint, std::move(request));
  if (!response) return std::unexpected(response.error());
  boost::system::error_code code;
  json::value parsed =
      response->body.empty() ? json::value(json::object()) : json::parse(response->body, code);
  if (code)
    return error(ErrorCode::Invalid, server.endpoint + " did not answer with JSON; is it an SQS endpoint?");
  return parsed;
}

Result<json::string> queue_url(const ServerAddress& server, const std::string& name) {
  const Result<json::value> found = call_sqs(server, "GetQueueUrl", {{"QueueName", name}});
  if (!found) return std::unexpected(found.error());
  return found->at("QueueUrl").as_string();
}

/// An action that takes a queue's URL and answers nothing that matters.
int act(const ServerAddress& server, const std::string& action, const std::string& name, json::object body,
        const std::string& done) {
  const Result<json::string> url = queue_url(server, name);
  if (!url) return failed(url.error());
  body["QueueUrl"] = *url;
  const Result<json::value> answer = call_sqs(server, action, body);
  if (!answer) return failed(answer.error());
  if (server.json)
    std::cout << json::serialize(*answer) << "\n";
  else
    std::cerr << done << "\n";
  return 0;
}

std::string number(const json::value& value) {
  if (value.is_uint64()) return grouped(value.as_uint64());
  if (value.is_int64()) return grouped(static_cast<std::uint64_t>(value.as_int64()));
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

/// "paused", or "-".
std::string pause_cell(const json::object& queue) {
  const json::value* paused = queue.if_contains("paused");
  return paused != nullptr && paused->is_bool() && paused->as_bool() ? "paused" : "-";
}

/// What an operator has told a queue's scaling; "-" for nothing.
std::string order_cell(const json::object& queue) {
  const json::value* scaling = queue.if_contains("scaling");
  if (scaling == nullptr || !scaling->is_object()) return "-";
  const std::string order(scaling->at("order").as_string());
  return order == "force" ? "force " + number(scaling->at("instances")) : order;
}

}  // namespace

int run_queue_list(const ServerAddress& server) {
  const Result<json::value> queues = get(server, "/v1/queues");
  if (!queues) return failed(queues.error());
  if (server.json) {
    std::cout << json::serialize(*queues) << "\n";
    return 0;
  }
  const json::value& list =
      queues->is_object() && queues->as_object().contains("queues") ? queues->at("queues") : *queues;
  TextTable table;
  table.row({"queue", "ready", "delayed", "in flight", "arrived", "late", "function", "scaling", "state"});
  for (const json::value& value : list.as_array()) {
    const json::object& queue = value.as_object();
    const auto cell = [&](std::string_view key) {
      return queue.contains(key) ? number(queue.at(key)) : std::string("-");
    };
    table.row({cell("name"), cell("ready"), cell("delayed"), cell("in_flight"), cell("arrived"), cell("late"),
               cell("function"), order_cell(queue), pause_cell(queue)});
  }
  std::cout << table.text();
  return 0;
}

int run_queue_create(const ServerAddress& server, const std::string& name,
                     const std::vector<std::string>& attributes) {
  json::object values;
  for (const std::string& attribute : attributes) {
    const std::size_t equals = attribute.find('=');
    if (equals == std::string::npos) {
      std::cerr << "'" << attribute << "': expected NAME=VALUE, for example VisibilityTimeout=60\n";
      return 2;
    }
    values[attribute.substr(0, equals)] = attribute.substr(equals + 1);
  }
  const Result<json::value> made =
      call_sqs(server, "CreateQueue", {{"QueueName", name}, {"Attributes", values}});
  if (!made) return failed(made.error());
  std::cout << (server.json ? json::serialize(*made) : std::string(made->at("QueueUrl").as_string())) << "\n";
  return 0;
}

int run_queue_delete(const ServerAddress& server, const std::string& name) {
  return act(server, "DeleteQueue", name, {}, "deleted " + name);
}

int run_queue_purge(const ServerAddress& server, const std::string& name) {
  return act(server, "PurgeQueue", name, {}, "purged " + name);
}

int run_queue_send(const ServerAddress& server, const std::string& name, const std::string& body) {
  return act(server, "SendMessage", name, {{"MessageBody", body}}, "sent to " + name);
}

int run_queue_scaling(const ServerAddress& server, const std::string& queue, const ScalingCommand& command) {
  const int asked =
      int{command.pause_in} + int{command.pause_out} + int{command.resume} + int{command.force >= 0};
  if (asked != 1) {
    std::cerr << "say one of --pause-in, --pause-out, --force N and --resume\n";
    return 2;
  }
  json::object body;
  body["order"] = command.pause_in    ? "pause_in"
                  : command.pause_out ? "pause_out"
                  : command.resume    ? "none"
                                      : "force";
  if (command.force >= 0) body["instances"] = command.force;
  if (!command.lasts.empty()) body["for"] = command.lasts;
  const Result<HttpResponse> answer = call_admin(server, {"POST",
                                                          "/v1/queues/" + percent_encode(queue) + "/scaling",
                                                          "",
                                                          {{"Content-Type", "application/json"}},
                                                          json::serialize(body)});
  if (!answer) return failed(answer.error());
  if (server.json) {
    std::cout << answer->body << "\n";
    return 0;
  }
  const std::string how_long = command.lasts.empty() ? ", until it is resumed" : ", for " + command.lasts;
  if (command.resume)
    std::cerr << queue << " scales as planned again\n";
  else if (command.force >= 0)
    std::cerr << queue << " has " << command.force << " instances forced" << how_long << "\n";
  else
    std::cerr << "scaling " << (command.pause_in ? "in" : "out") << " of " << queue << " is paused"
              << how_long << "\n";
  return 0;
}

}  // namespace forewarm
