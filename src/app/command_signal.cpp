// forewarm signal

#include <boost/json.hpp>
#include <charconv>
#include <iostream>

#include "app/admin_client.h"
#include "app/commands.h"
#include "app/config.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

namespace json = boost::json;

Result<json::value> ask_signals(const ServerAddress& server, const std::string& path,
                                const std::string& query) {
  const Result<HttpResponse> answer = call_admin(server, {"GET", path, query, {}, ""});
  if (!answer) return std::unexpected(answer.error());
  boost::system::error_code code;
  json::value parsed = json::parse(answer->body, code);
  if (code)
    return error(ErrorCode::Invalid,
                 server.admin + " did not answer with JSON; is it forewarm's admin address?");
  return parsed;
}

std::string text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (!value.is_double()) return json::serialize(value);
  char digits[32];  // as people write numbers, and not 4.5E0
  return {digits, std::to_chars(digits, digits + sizeof digits, value.get_double()).ptr};
}

/// Values that were taken, and those that were not.
std::pair<std::uint64_t, std::uint64_t> taken_and_refused(const json::object& values) {
  std::uint64_t taken = 0, refused = 0;
  for (const auto& [reason, count] : values) {
    const bool good = reason == "in_order" || reason == "out_of_order" || reason == "revised";
    (good ? taken : refused) += count.to_number<std::uint64_t>();
  }
  return {taken, refused};
}

/// Without its thousandths where they say nothing.
std::string clock(const json::value& value) {
  std::string text = text_of(value.at("time"));
  if (text.ends_with(".000Z")) text.replace(text.size() - 5, 5, "Z");
  return text;
}

std::string joined(const json::array& texts) {
  std::string out;
  for (const json::value& text : texts) out += (out.empty() ? "" : ", ") + text_of(text);
  return out;
}

/// How many of the queues that had it are foreseen better with it.
std::string helped_of(const json::array& benefits) {
  std::size_t helped = 0;
  for (const json::value& benefit : benefits) helped += benefit.at("share").to_number<double>() > 0 ? 1 : 0;
  return benefits.empty() ? "-" : std::to_string(helped) + " of " + std::to_string(benefits.size());
}

std::string benefits_text(const json::array& benefits) {
  if (benefits.empty()) return "no forecast has had it yet\n\n";
  TextTable table;
  table.row({"queue", "less loss", "its share", "leads by"});
  for (const json::value& benefit : benefits) {
    const double share = benefit.at("share").to_number<double>();
    const double lead = benefit.at("lead_seconds").to_number<double>();
    const auto percent = [](double part) { return fixed(100 * part, 0) + " %"; };
    table.row({text_of(benefit.at("queue")),
               share > 0 ? percent(benefit.at("gain").to_number<double>()) : "does not help",
               share > 0 ? percent(share) : "-",
               share <= 0 ? "-"
               : lead > 0 ? format_duration(from_seconds(lead))
                          : "acts at once"});
  }
  return table.text() + "\n";
}

}  // namespace

int run_signal_list(const ServerAddress& server) {
  const Result<json::value> answer = ask_signals(server, "/v1/signals", "");
  if (!answer) return failed(answer.error());
  if (server.json) {
    std::cout << json::serialize(*answer) << "\n";
    return 0;
  }
  const json::array& signals = answer->at("signals").as_array();
  if (signals.empty()) {
    std::cerr << "there are no signals; a [[signal]] in the configuration makes one\n";
    return 0;
  }
  TextTable table;
  table.row({"signal", "source", "kind", "future", "newest", "at", "taken", "refused", "helps", "state"});
  for (const json::value& signal : signals) {
    const json::array& past = signal.at("past").as_array();
    const auto [taken, refused] = taken_and_refused(signal.at("values").as_object());
    table.row({text_of(signal.at("name")), text_of(signal.at("source")), text_of(signal.at("kind")),
               signal.at("future_known").as_bool() ? "known" : "unknown",
               past.empty() ? "-" : text_of(past.back().at("value")), past.empty() ? "-" : clock(past.back()),
               grouped(taken), grouped(refused), helped_of(signal.at("benefits").as_array()),
               text_of(signal.at("state"))});
  }
  std::cout << table.text();
  return 0;
}

int run_signal_show(const ServerAddress& server, const std::string& name, std::uint64_t limit) {
  const Result<json::value> answer =
      ask_signals(server, "/v1/signals/" + percent_encode(name), "limit=" + std::to_string(limit));
  if (!answer) return failed(answer.error());
  if (server.json) {
    std::cout << json::serialize(*answer) << "\n";
    return 0;
  }
  const json::object& signal = answer->as_object();
  const json::array& queues = signal.at("queues").as_array();
  std::cout << text_of(signal.at("name")) << ": a " << text_of(signal.at("kind")) << " from "
            << text_of(signal.at("source")) << ", its future "
            << (signal.at("future_known").as_bool() ? "known" : "unknown") << ", for "
            << (queues.empty() ? "all queues" : joined(queues))
            << (signal.at("upstream").as_bool() ? "; retries heed it" : "") << "\n";
  std::cout << "state: " << text_of(signal.at("state"));
  if (const json::value* failure = signal.if_contains("failure")) std::cout << ": " << text_of(*failure);
  std::cout << "\n";
  for (const json::value& note : signal.at("notes").as_array())
    std::cout << "note: " << text_of(note) << "\n";
  std::cout << "readings: " << text_of(signal.at("readings"))
            << ", of them failed: " << text_of(signal.at("failures")) << "\n\n";
  TextTable counts;
  counts.row({"values", "count"});
  for (const auto& [reason, count] : signal.at("values").as_object())
    counts.row({std::string(reason), text_of(count)});
  std::cout << counts.text() << "\n";
  std::cout << benefits_text(signal.at("benefits").as_array());
  TextTable values;
  values.row({"time", "value"});
  for (const json::value& value : signal.at("past").as_array())
    values.row({clock(value), text_of(value.at("value"))});
  values.row({"now", "-"});
  for (const json::value& value : signal.at("future").as_array())
    values.row({clock(value), text_of(value.at("value"))});
  std::cout << values.text();
  return 0;
}

}  // namespace forewarm
