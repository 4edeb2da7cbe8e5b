#include "edge/observe/notify/alert_memory.h"

#include <boost/json.hpp>
#include <optional>

#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kRememberedMax = 10'000;
constexpr std::size_t kGrowthSamplesMax = 100;
constexpr double kGrownMax = 1e18;

void write_alert(const Alert& alert, JsonWriter& writer) {
  writer.open_object().member("rule", alert.rule->name).key("subject").open_array();
  for (const std::string& part : alert.subject) writer.value(part);
  writer.close_array().member("value", alert.value).member("since_us", count_us(alert.since));
  writer.member("fired_us", count_us(alert.fired)).close_object();
}

std::unexpected<Error> no_memory(const std::string& expected) {
  return error(ErrorCode::Invalid, "what is kept of alerts: expected " + expected);
}

const json::array* list_in(const json::value& from, std::string_view name) {
  const json::value* found = from.is_object() ? from.get_object().if_contains(name) : nullptr;
  return found != nullptr ? found->if_array() : nullptr;
}

std::optional<TimePoint> time_in(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  if (found == nullptr || !found->is_int64() || found->get_int64() < 0) return std::nullopt;
  return time_point_us(found->get_int64());
}

const AlertRule* rule_in(const json::object& from) {
  const json::value* name = from.if_contains("rule");
  return name != nullptr && name->is_string() ? find_alert_rule(std::string_view(name->get_string()))
                                              : nullptr;
}

/// None, without an error, for an alert that there is none of any more.
Result<std::optional<Alert>> read_alert(const json::value& from) {
  const json::array* subject = list_in(from, "subject");
  if (subject == nullptr) return no_memory("alerts with a subject");
  const json::object& object = from.get_object();
  const auto since = time_in(object, "since_us"), fired = time_in(object, "fired_us");
  if (!since || !fired) return no_memory("alerts with times");
  const json::value* value = object.if_contains("value");
  const bool number = value != nullptr && value->is_number();
  Alert alert{.rule = rule_in(object),
              .value = number ? value->to_number<double>() : 0,
              .since = *since,
              .fired = *fired};
  for (const json::value& part : *subject) {
    if (!part.is_string()) return no_memory("subjects of texts");
    alert.subject.emplace_back(std::string_view(part.get_string()));
  }
  if (alert.rule == nullptr || alert.subject.size() != alert.rule->by.size()) return std::nullopt;
  return alert;
}

Result<std::vector<Alert>> read_alerts(const json::array* from) {
  if (from == nullptr || from->size() > kRememberedMax) return no_memory("a list of alerts");
  std::vector<Alert> alerts;
  for (const json::value& each : *from) {
    Result<std::optional<Alert>> alert = read_alert(each);
    if (!alert) return std::unexpected(alert.error());
    if (*alert) alerts.push_back(std::move(**alert));
  }
  return alerts;
}

Result<NotificationSchedule::Memory> read_receiver(const json::value& from) {
  const json::array* rules = from.if_array();
  if (rules == nullptr) return no_memory("a list of rules for each receiver");
  NotificationSchedule::Memory memory;
  for (const json::value& each : *rules) {
    auto told = read_alerts(list_in(each, "told"));
    if (!told) return std::unexpected(told.error());
    const auto next = time_in(each.get_object(), "next_us"), repeat = time_in(each.get_object(), "repeat_us");
    if (!next || !repeat) return no_memory("rules with times");
    const AlertRule* rule = rule_in(each.get_object());
    if (rule == nullptr) continue;
    std::erase_if(*told, [&](const Alert& alert) { return alert.rule != rule; });
    memory.rules.push_back({.rule = rule, .next = *next, .repeat = *repeat, .told = std::move(*told)});
  }
  return memory;
}

void write_growth(const AlertGrowth& growth, JsonWriter& writer) {
  writer.open_object().member("term", growth.term).key("subject").open_array();
  for (const std::string& part : growth.subject) writer.value(part);
  writer.close_array().member("grown", growth.grown).key("at_us").open_array();
  for (const auto& [at, grown] : growth.samples) writer.value(count_us(at));
  writer.close_array().key("grown_by_then").open_array();
  for (const auto& [at, grown] : growth.samples) writer.value(grown);
  writer.close_array().close_object();
}

/// A number that a counter can have grown by; negative: it is none.
double growth_in(const json::value& from) {
  const double number = from.is_number() ? from.to_number<double>() : -1;
  return number >= 0 && number <= kGrownMax ? number : -1;
}

Result<AlertGrowth> read_growth(const json::value& from) {
  const json::array *subject = list_in(from, "subject"), *times = list_in(from, "at_us"),
                    *numbers = list_in(from, "grown_by_then");
  if (subject == nullptr || times == nullptr || numbers == nullptr) return no_memory("growths with samples");
  const json::value *term = from.get_object().if_contains("term"),
                    *grown = from.get_object().if_contains("grown");
  const double all = grown != nullptr ? growth_in(*grown) : -1;
  if (term == nullptr || !term->is_string() || all < 0) return no_memory("growths of terms");
  AlertGrowth growth{.term = std::string(term->get_string()), .grown = all};
  for (const json::value& part : *subject) {
    if (!part.is_string()) return no_memory("subjects of texts");
    growth.subject.emplace_back(std::string_view(part.get_string()));
  }
  if (times->size() != numbers->size() || times->size() > kGrowthSamplesMax)
    return no_memory("as many times as numbers, at most " + std::to_string(kGrowthSamplesMax));
  for (std::size_t i = 0; i < times->size(); ++i) {
    const json::value& at = (*times)[i];
    const double by_then = growth_in((*numbers)[i]);
    if (!at.is_int64() || at.get_int64() < 0 || by_then < 0) return no_memory("samples of times and numbers");
    const TimePoint sampled = time_point_us(at.get_int64());
    const bool later = growth.samples.empty() ||
                       (sampled > growth.samples.back().first && by_then >= growth.samples.back().second);
    if (!later || by_then > all) return no_memory("samples in the order of time, of what grows");
    growth.samples.emplace_back(sampled, by_then);
  }
  return growth;
}

/// None in a text of before they were kept.
Result<std::vector<AlertGrowth>> read_growths(const json::value& document) {
  std::vector<AlertGrowth> growths;
  if (document.get_object().if_contains("growths") == nullptr) return growths;
  const json::array* list = list_in(document, "growths");
  if (list == nullptr || list->size() > kRememberedMax) return no_memory("a list of growths");
  for (const json::value& each : *list) {
    Result<AlertGrowth> growth = read_growth(each);
    if (!growth) return std::unexpected(growth.error());
    growths.push_back(std::move(*growth));
  }
  return growths;
}

}  // namespace

std::string alert_memory_text(const AlertMemory& memory) {
  std::string text;
  JsonWriter writer(text);
  writer.open_object().key("firing").open_array();
  for (const Alert& alert : memory.firing) write_alert(alert, writer);
  writer.close_array().key("receivers").open_object();
  for (const auto& [name, receiver] : memory.receivers) {
    writer.key(name).open_array();
    for (const NotificationSchedule::Memory::Rule& rule : receiver.rules) {
      writer.open_object().member("rule", rule.rule->name).member("next_us", count_us(rule.next));
      writer.member("repeat_us", count_us(rule.repeat)).key("told").open_array();
      for (const Alert& alert : rule.told) write_alert(alert, writer);
      writer.close_array().close_object();
    }
    writer.close_array();
  }
  writer.close_object().key("growths").open_array();
  for (const AlertGrowth& growth : memory.growths) write_growth(growth, writer);
  writer.close_array().close_object();
  return text;
}

Result<AlertMemory> parse_alert_memory(std::string_view text) {
  boost::system::error_code failed;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed || !document.is_object()) return no_memory("a JSON object");
  AlertMemory memory;
  auto firing = read_alerts(list_in(document, "firing"));
  if (!firing) return std::unexpected(firing.error());
  memory.firing = std::move(*firing);
  const json::value* receivers = document.get_object().if_contains("receivers");
  if (receivers == nullptr || !receivers->is_object()) return no_memory("receivers");
  for (const auto& each : receivers->get_object()) {
    auto receiver = read_receiver(each.value());
    if (!receiver) return std::unexpected(receiver.error());
    memory.receivers[std::string(each.key())] = std::move(*receiver);
  }
  auto growths = read_growths(document);
  if (!growths) return std::unexpected(growths.error());
  memory.growths = std::move(*growths);
  return memory;
}

}  // namespace forewarm
