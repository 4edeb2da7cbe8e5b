#include "edge/signal/json_points.h"

#include <boost/json.hpp>
#include <charconv>
#include <cmath>

#include "base/time_text.h"
#include "edge/signal/json_items.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kItemsMax = 200'000;

std::string short_json(const json::value& value) {
  std::string text = json::serialize(value);
  if (text.size() > 60) text = text.substr(0, 60) + "...";
  return text;
}

/// Null where there is nothing.
const json::value* find(const json::value& in, std::string_view pointer) {
  boost::system::error_code code;
  return in.find_pointer({pointer.data(), pointer.size()}, code);
}

Result<double> value_of(const json::value& value) {
  if (value.is_double()) return value.get_double();
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (value.is_bool()) return value.get_bool() ? 1.0 : 0.0;
  if (value.is_string()) return parse_value(value.get_string());
  return error(ErrorCode::Invalid, "expected a number, found " + short_json(value));
}

/// A number since the epoch in a unit that its size tells: seconds would be in the year 5138 and later from
/// 1e11 on, milliseconds are there from 1973 on.
Result<TimePoint> time_of_number(double value) {
  double s = value;
  if (std::abs(value) >= 1e14)
    s = value * 1e-6;
  else if (std::abs(value) >= 1e11)
    s = value * 1e-3;
  if (!(std::abs(s) < 1e11)) return error(ErrorCode::Invalid, "a time that is too far away");
  return TimePoint(from_seconds(s));
}

Result<TimePoint> time_of(const json::value& value) {
  if (value.is_string()) return parse_point_time(value.get_string());
  if (value.is_bool() || !value.is_primitive() || value.is_null())
    return error(ErrorCode::Invalid, "expected a time, found " + short_json(value));
  const Result<double> number = value_of(value);
  if (!number) return std::unexpected(number.error());
  return time_of_number(*number);
}

Result<Observation> observation_of(const json::value& item, const PointShape& shape, TimePoint now) {
  Observation out{.at = now};
  const json::value* value = item.is_structured() ? find(item, shape.value) : &item;
  if (value == nullptr)
    return error(ErrorCode::Invalid, "there is nothing at " + shape.value + " in " + short_json(item));
  const Result<double> read = value_of(*value);
  if (!read) return std::unexpected(read.error());
  out.value = *read;
  const json::value* time = item.is_structured() ? find(item, shape.time) : nullptr;
  if (time == nullptr || time == &item) return out;
  const Result<TimePoint> at = time_of(*time);
  if (!at) return std::unexpected(at.error());
  out.at = *at;
  return out;
}

}  // namespace

void Points::refuse(std::string why) {
  if (malformed++ == 0) problem = std::move(why);
}

Result<void> check_pointer(std::string_view text) {
  bool good = text.empty() || text.front() == '/';
  for (std::size_t at = text.find('~'); good && at != std::string_view::npos; at = text.find('~', at + 1))
    good = at + 1 < text.size() && (text[at + 1] == '0' || text[at + 1] == '1');
  if (good) return {};
  return error(
      ErrorCode::Invalid,
      "'" + std::string(text.substr(0, 60)) +
          "' is no JSON Pointer (RFC 6901); expected something like /main/temp or /list/0/value, with "
          "~0 for ~ and ~1 for / in a name");
}

Result<double> parse_value(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (code != std::errc() || end != digits.data() + digits.size() ||
      (digits.size() < text.size() && digits.starts_with('-')))
    return error(ErrorCode::Invalid, "expected a number, found '" + std::string(text.substr(0, 40)) + "'");
  return value;
}

Result<TimePoint> parse_point_time(std::string_view text) {
  if (const Result<double> number = parse_value(text)) return time_of_number(*number);
  return parse_time(text);
}

Result<Points> json_points(const json::value& document, const PointShape& shape, TimePoint now) {
  const json::value* root = find(document, shape.items);
  if (root == nullptr)
    return error(ErrorCode::Invalid, "there is nothing at " + shape.items + " in the document");
  Points points;
  const auto take = [&](const json::value& item) {
    Result<Observation> read = observation_of(item, shape, now);
    if (read)
      points.taken.push_back(std::move(*read));
    else
      points.refuse(std::move(read.error().message));
  };
  if (!root->is_array()) {
    take(*root);
    return points;
  }
  for (const json::value& item : root->get_array()) {
    if (points.taken.size() >= kItemsMax)
      points.refuse("more than " + std::to_string(kItemsMax) + " items in one document");
    else
      take(item);
  }
  return points;
}

Result<json::value> parse_json(std::string_view text) {
  boost::system::error_code code;
  json::value parsed = json::parse({text.data(), text.size()}, code);
  if (!code) return parsed;
  return error(ErrorCode::Invalid,
               "expected JSON: " + code.message() + "; found '" + std::string(text.substr(0, 40)) + "'");
}

Result<Points> read_json_points(std::string_view text, const PointShape& shape, TimePoint now) {
  const Result<json::value> document = parse_json(text);
  if (!document) return std::unexpected(document.error());
  return json_points(*document, shape, now);
}

}  // namespace forewarm
