// forewarm queue peek, pause and resume; forewarm audit

#include <boost/json.hpp>
#include <iostream>

#include "app/admin_client.h"
#include "app/commands.h"
#include "app/terminal.h"
#include "edge/observe/audit_log.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kBodyShown = 200;

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  if (found == nullptr) return "";
  return found->is_string() ? std::string(found->as_string()) : json::serialize(*found);
}

/// One line of it, cut: a body may be a megabyte with line ends.
std::string shown_body(const json::object& message) {
  if (message.contains("unreadable")) return "(" + text_at(message, "unreadable") + ")";
  std::string text = json::serialize(json::string(text_at(message, "body").substr(0, kBodyShown)));
  return text.substr(1, text.size() - 2);
}

void print_audit(const json::object& entry) {
  std::cout << text_at(entry, "time") << "  " << text_at(entry, "principal") << "  "
            << text_at(entry, "action") << "  " << text_at(entry, "target") << "  "
            << (entry.contains("details") ? text_at(entry, "details") + "  " : "") << text_at(entry, "result")
            << "\n";
}

}  // namespace

int run_queue_peek(const ServerAddress& server, const std::string& name, std::uint64_t limit) {
  const auto answer = call_admin(
      server,
      {"GET", "/v1/queues/" + percent_encode(name) + "/messages", "limit=" + std::to_string(limit), {}, ""});
  if (!answer) return failed(answer.error());
  if (server.json) {
    std::cout << answer->body;
    return 0;
  }
  const json::value parsed = json::parse(answer->body);
  for (const json::value& value : parsed.as_array()) {
    const json::object& message = value.as_object();
    std::cout << text_at(message, "message_id") << "  " << text_at(message, "state") << "  sent "
              << text_at(message, "sent") << "  received " << text_at(message, "receive_count") << "  "
              << shown_body(message) << "\n";
  }
  return 0;
}

int run_queue_pause(const ServerAddress& server, const std::string& name, bool paused) {
  const auto answer = call_admin(server, {"POST",
                                          "/v1/queues/" + percent_encode(name) + "/pause",
                                          "",
                                          {{"Content-Type", "application/json"}},
                                          json::serialize(json::object{{"paused", paused}})});
  if (!answer) return failed(answer.error());
  if (server.json)
    std::cout << answer->body;
  else
    std::cerr << name
              << (paused ? " is paused: nothing is handed out until it is resumed\n" : " is resumed\n");
  return 0;
}

int run_audit(const ServerAddress& server, const std::string& data, std::uint64_t limit) {
  json::array entries;
  if (data.empty()) {
    const auto answer = call_admin(server, {"GET", "/v1/audit", "limit=" + std::to_string(limit), {}, ""});
    if (!answer) return failed(answer.error());
    entries = json::parse(answer->body).as_array();
  } else {
    for (const std::string& line : read_audit(data + "/audit", limit)) {
      boost::system::error_code torn;
      json::value entry = json::parse(line, torn);
      if (!torn && entry.is_object()) entries.push_back(std::move(entry));
    }
  }
  if (server.json) {
    std::cout << json::serialize(entries) << "\n";
    return 0;
  }
  for (const json::value& entry : entries) print_audit(entry.as_object());
  return 0;
}

}  // namespace forewarm
