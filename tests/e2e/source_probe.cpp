// Drives a message source from lines of JSON and prints each call of its listener as one, so that tests in
// any language can look at it: source_probe URL [QUEUE [PASSWORD_FILE]]. Commands have an "op":
//   {"op": "start"}, {"op": "window", "n": 5}, {"op": "extend", "tokens": [...]}, {"op": "observe"}, {"op":
//   "traits"},
//   {"op": "settle", "settlements": [{"token": ..., "kind": "acknowledge|release|dead_letter", "delay_ms": 0,
//   "reason": ""}]},
//   {"op": "publish", "body": ..., "id": ..., "attributes": {...}, "group": ..., "priority": 3, "sent_s":
//   1700000000}
// The source ends with the input. A dead letter is given the message as it was lent.
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "app/source_factory.h"

namespace forewarm {
namespace {

namespace json = boost::json;

std::mutex output_mutex;
std::map<std::string, LentMessage> lent_messages;

void print(const json::object& line) {
  const std::string text = json::serialize(line) + "\n";
  const std::lock_guard lock(output_mutex);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

void add_error(json::object& line, const Result<void>& result) {
  line["ok"] = result.has_value();
  if (!result) line["error"] = result.error().message;
}

const char* kind_name(SettleKind kind) {
  return kind == SettleKind::Acknowledge ? "acknowledge"
         : kind == SettleKind::Release   ? "release"
                                         : "dead_letter";
}

json::object describe(const LentMessage& message) {
  json::object attributes;
  for (const auto& [name, value] : message.attributes) attributes[name] = value;
  json::object line{{"id", message.id},         {"token", message.token},           {"body", message.body},
                    {"attributes", attributes}, {"deliveries", message.deliveries}, {"group", message.group}};
  if (message.sent) line["sent_us"] = count_us(*message.sent);
  if (message.lent_until) line["lent_until_us"] = count_us(*message.lent_until);
  if (message.priority) line["priority"] = *message.priority;
  return line;
}

MessageSource::Listener printing_listener() {
  MessageSource::Listener listener;
  listener.lent = [](std::vector<LentMessage> messages) {
    json::array list;
    {
      const std::lock_guard lock(output_mutex);
      for (const auto& message : messages) lent_messages[message.token] = message;
    }
    for (const auto& message : messages) list.push_back(describe(message));
    print({{"event", "lent"}, {"messages", list}});
  };
  listener.settled = [](const std::string& token, SettleKind kind, const Result<void>& taken) {
    json::object line{{"event", "settled"}, {"token", token}, {"kind", kind_name(kind)}};
    add_error(line, taken);
    print(line);
  };
  listener.lost = [](const std::vector<std::string>& tokens) {
    print({{"event", "lost"}, {"tokens", json::value_from(tokens)}});
  };
  listener.extended = [](const std::vector<std::pair<std::string, TimePoint>>& extended) {
    json::object until;
    for (const auto& [token, time] : extended) until[token] = count_us(time);
    print({{"event", "extended"}, {"until_us", until}});
  };
  listener.state = [](const Result<void>& connected) {
    json::object line{{"event", "state"}};
    add_error(line, connected);
    print(line);
  };
  return listener;
}

std::string text_of(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? std::string() : std::string(value->as_string());
}

Settlement read_settlement(const json::object& object) {
  Settlement settlement;
  settlement.token = text_of(object, "token");
  const std::string kind = text_of(object, "kind");
  settlement.kind = kind == "release"       ? SettleKind::Release
                    : kind == "dead_letter" ? SettleKind::DeadLetter
                                            : SettleKind::Acknowledge;
  if (const auto* delay = object.if_contains("delay_ms")) {
    settlement.delay = std::chrono::milliseconds(delay->to_number<std::int64_t>());
  }
  settlement.reason = text_of(object, "reason");
  if (settlement.kind == SettleKind::DeadLetter) {
    const std::lock_guard lock(output_mutex);
    settlement.message = lent_messages[settlement.token];
  }
  return settlement;
}

LentMessage read_message(const json::object& object) {
  LentMessage message;
  message.body = text_of(object, "body");
  message.id = text_of(object, "id");
  message.group = text_of(object, "group");
  if (const auto* attributes = object.if_contains("attributes")) {
    for (const auto& [name, value] : attributes->as_object())
      message.attributes.emplace_back(name, value.as_string());
  }
  if (const auto* priority = object.if_contains("priority"))
    message.priority = priority->to_number<std::uint8_t>();
  if (const auto* sent = object.if_contains("sent_s")) {
    message.sent = TimePoint(std::chrono::seconds(sent->to_number<std::int64_t>()));
  }
  return message;
}

void print_depth(const Result<QueueDepth>& depth) {
  json::object line{{"event", "depth"}, {"ok", depth.has_value()}};
  if (!depth) {
    line["error"] = depth.error().message;
  } else {
    if (depth->waiting) line["waiting"] = *depth->waiting;
    if (depth->in_flight) line["in_flight"] = *depth->in_flight;
    if (depth->oldest_wait) line["oldest_wait_us"] = depth->oldest_wait->count();
    if (depth->arrived_total) line["arrived_total"] = *depth->arrived_total;
  }
  print(line);
}

void print_traits(const EngineTraits& traits) {
  json::object line{{"event", "traits"},
                    {"counts_deliveries", traits.counts_deliveries},
                    {"release_delay_max_us", traits.release_delay_max.count()},
                    {"dead_letters", traits.dead_letters},
                    {"lease_us", traits.lease.count()},
                    {"lease_total_max_us", traits.lease_total_max.count()}};
  if (traits.deliveries_max) line["deliveries_max"] = *traits.deliveries_max;
  print(line);
}

void obey(MessageSource& source, const json::object& command) {
  const std::string op = text_of(command, "op");
  if (op == "start") {
    source.start(printing_listener());
  } else if (op == "window") {
    source.set_window(command.at("n").to_number<std::uint32_t>());
  } else if (op == "settle") {
    std::vector<Settlement> settlements;
    for (const auto& one : command.at("settlements").as_array())
      settlements.push_back(read_settlement(one.as_object()));
    source.settle(std::move(settlements));
  } else if (op == "extend") {
    source.extend(json::value_to<std::vector<std::string>>(command.at("tokens")));
  } else if (op == "observe") {
    source.observe(print_depth);
  } else if (op == "traits") {
    print_traits(source.traits());
  } else if (op == "publish") {
    source.publish(read_message(command), [body = text_of(command, "body")](const Result<void>& taken) {
      json::object line{{"event", "published"}, {"body", body}};
      add_error(line, taken);
      print(line);
    });
  } else {
    print({{"event", "error"}, {"error", "there is no op '" + op + "'"}});
  }
}

int run(const char* url, const char* queue, const char* password_file) {
  SourceConfig config;
  config.url = url;
  config.queue = queue;
  config.password_file = password_file;
  auto source = make_source(config);
  if (!source) {
    print({{"event", "error"}, {"error", source.error().message}});
    return 1;
  }
  std::string line;
  while (std::getline(std::cin, line)) obey(**source, json::parse(line).as_object());
  source->reset();
  print({{"event", "ended"}});
  return 0;
}

}  // namespace
}  // namespace forewarm

int main(int count, char** arguments) {
  if (count < 2 || count > 4) {
    std::fputs("usage: source_probe URL [QUEUE [PASSWORD_FILE]]\n", stderr);
    return 2;
  }
  return forewarm::run(arguments[1], count > 2 ? arguments[2] : "", count > 3 ? arguments[3] : "");
}
