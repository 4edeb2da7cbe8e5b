// forewarm dlq

#include <boost/json.hpp>
#include <iostream>
#include <thread>

#include "app/admin_client.h"
#include "app/commands.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kRedrivePoll{300};
constexpr std::string_view kRunningWord = "RUNNING";

Result<json::value> ask_admin(const ServerAddress& server, const std::string& method, const std::string& path,
                              const json::object& body = {}) {
  HttpRequest request{method, path, "", {}, ""};
  if (method != "GET") {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = json::serialize(body);
  }
  const Result<HttpResponse> response = call_admin(server, std::move(request));
  if (!response) return std::unexpected(response.error());
  boost::system::error_code code;
  json::value parsed = json::parse(response->body, code);
  if (code)
    return error(ErrorCode::Invalid,
                 server.admin + path + " did not answer with JSON; is it forewarm's admin address?");
  return parsed;
}

std::string dlq_path(const std::string& name) {
  return "/v1/dead-letter-queues/" + percent_encode(name);
}

std::string dlq_text(const json::value& object, std::string_view name) {
  const json::value& value = object.at(name);
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

std::uint64_t dlq_whole(const json::value& object, std::string_view name) {
  return object.at(name).to_number<std::uint64_t>();
}

std::string dlq_percent(const json::value& share) {
  return fixed(100 * share.to_number<double>(), 0) + " %";
}

std::string error_line(const json::value& group) {
  const std::string type = dlq_text(group, "error_type");
  const std::string message = dlq_text(group, "error_message");
  const std::string what = type.empty() || message.empty() ? type + message : type + ": " + message;
  return "    " + dlq_text(group, "error") + (what.empty() ? "" : "  " + what) + "\n";
}

void print_group(const json::value& group) {
  std::cout << dlq_text(group, "fingerprint") << "  " << grouped(dlq_whole(group, "messages"))
            << (dlq_whole(group, "messages") == 1 ? " message" : " messages") << " from "
            << dlq_text(group, "source") << ", " << dlq_text(group, "first") << " to "
            << dlq_text(group, "last") << "\n"
            << error_line(group) << "    cause: " << dlq_text(group, "cause") << " ("
            << dlq_text(group, "why") << ")\n    if sent back now: ";
  if (group.at("success_odds").is_null())
    std::cout << "odds not known (" << dlq_text(group, "odds_from") << ")\n";
  else
    std::cout << dlq_percent(group.at("success_odds")) << " would succeed (from "
              << dlq_text(group, "odds_from") << ")\n";
  std::cout << "    for example:";
  for (const json::value& id : group.at("samples").as_array()) std::cout << " " << id.as_string().c_str();
  std::cout << "\n";
}

std::string progress_line(const json::value& task) {
  return dlq_text(task, "moved") + " of " + dlq_text(task, "to_move") + " sent back, " +
         dlq_text(task, "succeeded") + " succeeded, " + dlq_text(task, "failed") + " failed again, " +
         dlq_text(task, "under_way") + " under way";
}

/// Follows a redrive to its end; 1 if it stopped before.
int follow(const ServerAddress& server, const std::string& name, std::uint64_t id) {
  ProgressBar bar("redrive");
  for (;;) {
    const Result<json::value> triage = ask_admin(server, "GET", dlq_path(name) + "/groups");
    if (!triage) return failed(triage.error());
    const json::value* task = nullptr;
    for (const json::value& each : triage->at("redrives").as_array()) {
      if (dlq_whole(each, "id") == id) task = &each;
    }
    if (task == nullptr)
      return failed({ErrorCode::NotFound, "the redrive is not there any more: its queue was deleted"});
    const std::string status = dlq_text(*task, "status");
    if (status == kRunningWord || status == "CANCELLING") {
      const double of = std::max<double>(1, static_cast<double>(dlq_whole(*task, "to_move")));
      bar.show(static_cast<double>(dlq_whole(*task, "moved")) / of,
               task->at("testing").as_bool() ? "waiting for the canaries" : progress_line(*task));
      std::this_thread::sleep_for(kRedrivePoll);
      continue;
    }
    if (server.json)
      std::cout << json::serialize(*task) << "\n";
    else
      std::cerr << progress_line(*task) << "\n";
    if (status == "COMPLETED") return 0;
    const std::string reason = dlq_text(*task, "reason");
    std::cerr << "forewarm: the redrive stopped" << (reason.empty() ? " (" + status + ")" : ": " + reason)
              << ". What was not sent back is still in " << name << "\n";
    return 1;
  }
}

}  // namespace

int run_dlq_list(const ServerAddress& server) {
  const Result<json::value> queues = ask_admin(server, "GET", "/v1/dead-letter-queues");
  if (!queues) return failed(queues.error());
  if (server.json) {
    std::cout << json::serialize(*queues) << "\n";
    return 0;
  }
  TextTable table;
  table.row({"dead-letter queue", "messages", "errors", "from"});
  for (const json::value& queue : queues->as_array()) {
    std::string sources;
    for (const json::value& source : queue.at("sources").as_array()) {
      sources += (sources.empty() ? "" : ", ") + std::string(source.as_string());
    }
    table.row({dlq_text(queue, "name"), grouped(dlq_whole(queue, "messages")),
               grouped(dlq_whole(queue, "groups")), sources});
  }
  std::cout << table.text();
  return 0;
}

int run_dlq_triage(const ServerAddress& server, const std::string& name) {
  const Result<json::value> triage = ask_admin(server, "GET", dlq_path(name) + "/groups");
  if (!triage) return failed(triage.error());
  if (server.json) {
    std::cout << json::serialize(*triage) << "\n";
    return 0;
  }
  for (const json::value& group : triage->at("groups").as_array()) print_group(group);
  const std::size_t shown = triage->at("groups").as_array().size();
  if (const std::uint64_t all = dlq_whole(*triage, "groups_in_all"); all > shown)
    std::cout << grouped(all - shown) << " smaller groups are not shown\n";
  if (const std::uint64_t unknown = dlq_whole(*triage, "not_recorded"); unknown > 0)
    std::cout << grouped(unknown) << " messages with no record of why they are here: sent to " << name
              << " directly, or dead-lettered by an older version\n";
  if (dlq_whole(*triage, "messages") == 0) std::cerr << name << " is empty\n";
  return 0;
}

int run_dlq_redrive_group(const ServerAddress& server, const DeadLetterCommand& command) {
  json::object body{{"rate", command.rate}, {"canaries", command.canaries}};
  if (!command.to.empty()) body["to"] = command.to;
  const Result<json::value> begun = ask_admin(
      server, "POST", dlq_path(command.name) + "/groups/" + percent_encode(command.group) + "/redrive", body);
  if (!begun) return failed(begun.error());
  return follow(server, command.name, dlq_whole(*begun, "id"));
}

int run_dlq_redrive(const ServerAddress& server, const std::string& from, const std::string& to,
                    std::uint64_t messages_max) {
  json::object body{{"max", messages_max}};
  if (!to.empty()) body["to"] = to;
  const Result<HttpResponse> answer = call_admin(server, {"POST",
                                                          "/v1/queues/" + percent_encode(from) + "/redrive",
                                                          "",
                                                          {{"Content-Type", "application/json"}},
                                                          json::serialize(body)});
  if (!answer) return failed(answer.error());
  if (server.json) {
    std::cout << answer->body << "\n";
  } else {
    boost::system::error_code code;
    const json::value parsed = json::parse(answer->body, code);
    std::cerr << "moving up to " << messages_max << " messages from " << from << " to "
              << (code ? to : std::string(parsed.at("to").as_string())) << "\n";
  }
  return 0;
}

}  // namespace forewarm
