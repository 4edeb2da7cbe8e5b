// forewarm fn, forewarm explain

#include <boost/json.hpp>
#include <cctype>
#include <cmath>
#include <iostream>

#include "app/admin_client.h"
#include "app/commands.h"
#include "app/config.h"
#include "app/terminal.h"
#include "base/time_text.h"
#include "edge/observe/clock_text.h"
#include "edge/observe/decision_log.h"

namespace forewarm {
namespace {

namespace json = boost::json;

Result<json::value> ask(const ServerAddress& server, HttpRequest request) {
  const Result<HttpResponse> response = call_admin(server, std::move(request));
  if (!response) return std::unexpected(response.error());
  boost::system::error_code code;
  json::value parsed = json::parse(response->body, code);
  if (code)
    return error(ErrorCode::Invalid,
                 server.admin + " did not answer with JSON; is it forewarm's admin address?");
  return parsed;
}

/// The function as the server has it, or a new one.
Result<ServerConfig> current(const ServerAddress& server, const std::string& name, bool must_exist) {
  const Result<json::value> found = ask(server, {"GET", "/v1/functions/" + percent_encode(name), "", {}, ""});
  if (found) {
    if (!must_exist)
      return error(ErrorCode::Conflict,
                   "function '" + name + "' is there already; change it with: forewarm fn update " + name);
    return read_config(std::string_view(found->at("toml").as_string()), "server");
  }
  if (found.error().code != ErrorCode::NotFound || must_exist) return std::unexpected(found.error());
  ServerConfig config;
  config.functions.emplace_back().name = name;
  return config;
}

std::string mebibytes(double bytes) {
  return std::to_string(std::llround(std::ceil(bytes / (1 << 20))));
}

/// Of each variant: "128/512 MB".
std::string declared_memory(const json::object& function) {
  std::string text;
  const json::value* each = function.if_contains("memory_bytes");
  if (each == nullptr || each->as_array().empty()) return "-";
  for (const json::value& bytes : each->as_array())
    text += (text.empty() ? "" : "/") + mebibytes(bytes.to_number<double>());
  return text + " MB";
}

std::string needed_memory(const json::object& function) {
  const json::value* bytes = function.if_contains("memory_need_p99_bytes");
  return bytes == nullptr || bytes->is_null() ? "-" : mebibytes(bytes->to_number<double>()) + " MB";
}

/// A UUID's shape: 8-4-4-4-12 hexadecimal digits.
bool looks_like_message_id(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  return true;
}

int print_story(const ServerAddress& server, const json::value& story) {
  if (server.json) {
    std::cout << json::serialize(story) << "\n";
    return 0;
  }
  for (const json::value& moment : story.at("moments").as_array()) {
    std::cout << std::string(moment.at("at").as_string()) << "  "
              << std::string(moment.at("text").as_string()) << "\n";
  }
  std::cout << "now: " << std::string(story.at("state").as_string());
  if (const json::value* queue = story.as_object().if_contains("queue"))
    std::cout << " in " << std::string(queue->as_string());
  std::cout << "\n";
  if (!story.at("late").is_null()) std::cout << std::string(story.at("late").at("text").as_string()) << "\n";
  if (const json::value* missing = story.as_object().if_contains("missing"))
    std::cout << "not all: " << std::string(missing->as_string()) << "\n";
  return 0;
}

Result<void> set_duration(const std::string& text, Duration& value) {
  if (text.empty()) return {};
  const Result<Duration> read = parse_duration(text);
  if (!read) return std::unexpected(read.error());
  value = *read;
  return {};
}

Result<void> apply(const FunctionCommandLine& given, ServerConfig& config) {
  FunctionConfig& function = config.functions.front();
  if (!given.command.empty()) function.command = given.command;
  if (!given.runtime.empty()) function.runtime = given.runtime;
  if (!given.handler.empty()) function.handler = given.handler;
  if (!given.working_directory.empty()) function.working_directory = given.working_directory;
  if (!given.read_paths.empty()) function.read_paths = given.read_paths;
  if (!given.write_paths.empty()) function.write_paths = given.write_paths;
  if (!given.network.empty()) function.network = given.network;
  if (given.memory_mb > 0) function.memory_mb = static_cast<std::int64_t>(given.memory_mb);
  if (given.concurrency_max > 0) function.concurrency_max = static_cast<std::int64_t>(given.concurrency_max);
  for (const std::string& variable : given.environment) {
    const std::size_t equals = variable.find('=');
    if (equals == std::string::npos)
      return error(ErrorCode::Invalid, "--env '" + variable + "': expected NAME=VALUE");
    function.environment[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  if (Result<void> set = set_duration(given.timeout, function.timeout); !set) return set;
  if (!given.queue.empty()) {
    if (config.mappings.empty()) config.mappings.emplace_back();
    config.mappings.front().queue = given.queue;
    config.mappings.front().function = function.name;
  }
  if (given.objective.empty()) return {};
  if (config.mappings.empty())
    return error(ErrorCode::Invalid, "--objective is about a queue; say which with --queue");
  return set_duration(given.objective, config.mappings.front().settings.scaling.objective);
}

}  // namespace

int run_function_add(const ServerAddress& server, const FunctionCommandLine& given, bool must_exist) {
  Result<ServerConfig> config = current(server, given.name, must_exist);
  if (!config) return failed(config.error());
  if (const Result<void> applied = apply(given, *config); !applied) return failed(applied.error());
  const json::object body{{"toml", to_toml(config->functions.front(), config->mappings)}};
  const Result<json::value> answer = ask(server, {"PUT",
                                                  "/v1/functions/" + percent_encode(given.name),
                                                  "",
                                                  {{"Content-Type", "application/json"}},
                                                  json::serialize(body)});
  if (!answer) return failed(answer.error());
  if (server.json)
    std::cout << json::serialize(*answer) << "\n";
  else
    std::cerr << (must_exist ? "updated " : "added ") << given.name << "\n";
  return 0;
}

int run_function_remove(const ServerAddress& server, const std::string& name) {
  const Result<json::value> answer =
      ask(server, {"DELETE", "/v1/functions/" + percent_encode(name), "", {}, ""});
  if (!answer) return failed(answer.error());
  if (server.json) {
    std::cout << json::serialize(*answer) << "\n";
  } else {
    std::cerr << "removed " << name << "; its running instances finish, its queues keep their messages\n";
  }
  return 0;
}

int run_function_list(const ServerAddress& server) {
  const Result<json::value> answer = ask(server, {"GET", "/v1/functions", "", {}, ""});
  if (!answer) return failed(answer.error());
  if (server.json) {
    std::cout << json::serialize(*answer) << "\n";
    return 0;
  }
  const json::value& list =
      answer->is_object() && answer->as_object().contains("functions") ? answer->at("functions") : *answer;
  TextTable table;
  table.row({"function", "version", "starting", "idle", "frozen", "busy", "runs", "memory", "need p99"});
  for (const json::value& value : list.as_array()) {
    const json::object& function = value.as_object();
    const json::object* instances =
        function.contains("instances") ? &function.at("instances").as_object() : nullptr;
    const auto count = [&](std::string_view key) {
      return instances && instances->contains(key) ? json::serialize(instances->at(key)) : std::string("-");
    };
    table.row({std::string(function.at("name").as_string()), json::serialize(function.at("version")),
               count("starting"), count("idle"), count("frozen"), count("busy"),
               function.contains("runs") ? json::serialize(function.at("runs")) : "-",
               declared_memory(function), needed_memory(function)});
  }
  std::cout << table.text();
  return 0;
}

int run_function_logs(const ServerAddress& server, const std::string& name, std::uint64_t lines,
                      const std::string& message) {
  // The log of a function that is not there would only be empty.
  const Result<json::value> function =
      ask(server, {"GET", "/v1/functions/" + percent_encode(name), "", {}, ""});
  if (!function) return failed(function.error());
  std::string query = "function=" + percent_encode(name) + "&limit=" + std::to_string(lines);
  if (!message.empty()) query += "&message=" + percent_encode(message);
  const Result<json::value> answer = ask(server, {"GET", "/v1/logs", query, {}, ""});
  if (!answer) return failed(answer.error());
  if (server.json) {
    std::cout << json::serialize(*answer) << "\n";
    return 0;
  }
  const json::value& list =
      answer->is_object() && answer->as_object().contains("lines") ? answer->at("lines") : *answer;
  for (const json::value& line : list.as_array()) {
    std::cout << std::string(line.at("time").as_string()) << " " << json::serialize(line.at("instance"))
              << " " << (line.at("request_id").is_null() ? "-" : line.at("request_id").as_string().c_str())
              << " " << std::string(line.at("text").as_string()) << "\n";
  }
  if (list.as_array().empty() && !message.empty())
    std::cerr << "its runs are known, but " << name << " wrote nothing in them, or it is not kept any more\n";
  return 0;
}

int run_function_invoke(const ServerAddress& server, const std::string& name, const std::string& payload) {
  const Result<HttpResponse> answer =
      call_admin(server, {"POST",
                          "/v1/functions/" + percent_encode(name) + "/invocations",
                          "",
                          {{"Content-Type", "application/json"}},
                          payload});
  if (!answer) return failed(answer.error());
  std::cout << answer->body << "\n";
  return 0;
}

int run_explain(const ServerAddress& server, const ExplainCommand& command) {
  if (command.data.empty() && looks_like_message_id(command.queue)) {
    const Result<json::value> story =
        ask(server, {"GET", "/v1/messages/" + percent_encode(command.queue), "", {}, ""});
    if (story) return print_story(server, *story);
    // A queue may have such a name.
    const bool is_queue =
        ask(server, {"GET", "/v1/queues/" + percent_encode(command.queue), "", {}, ""}).has_value();
    if (!is_queue) return failed(story.error());
  }
  if (command.data.empty()) {
    std::string query = "limit=" + std::to_string(command.limit);
    if (!command.from.empty()) query += "&from=" + percent_encode(command.from);
    if (!command.to.empty()) query += "&to=" + percent_encode(command.to);
    const Result<json::value> answer =
        ask(server, {"GET", "/v1/queues/" + percent_encode(command.queue) + "/decisions", query, {}, ""});
    if (!answer) return failed(answer.error());
    if (server.json) {
      std::cout << json::serialize(*answer) << "\n";
      return 0;
    }
    const json::value& list =
        answer->is_object() && answer->as_object().contains("decisions") ? answer->at("decisions") : *answer;
    if (list.as_array().empty())
      std::cerr << "nothing was decided about " << command.queue << " in that time\n";
    for (const json::value& decision : list.as_array()) {
      std::cout << std::string(decision.at("time").as_string()) << "  "
                << std::string(decision.at("explanation").as_string()) << "\n";
    }
    return 0;
  }
  DecisionQuery query;
  query.queue = command.queue;
  query.limit = command.limit;
  for (const auto& [text, time] :
       {std::pair{&command.from, &query.from}, std::pair{&command.to, &query.to}}) {
    if (text->empty()) continue;
    const Result<TimePoint> read = parse_time(*text);
    if (!read) return failed(read.error());
    *time = *read;
  }
  const Result<std::vector<DecisionRecord>> records = read_decisions(command.data + "/decisions", query);
  if (!records) return failed(records.error());
  std::cout << (server.json ? decisions_json(*records) + "\n" : decisions_text(*records, command.queue));
  return 0;
}

}  // namespace forewarm
