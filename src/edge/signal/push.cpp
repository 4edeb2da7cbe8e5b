#include "edge/signal/push.h"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "base/time_text.h"
#include "edge/signal/json_items.h"

namespace forewarm {
namespace {

namespace json = boost::json;

char lower_case(char c) {
  return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/// "Application/JSON; charset=utf-8" -> "application/json".
std::string media_type(std::string_view text) {
  text = text.substr(0, text.find(';'));
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower_case);
  return out;
}

bool is_json(std::string_view type) {
  return type.empty() || type == "application/json" || type == "text/json" || type.ends_with("+json");
}

/// RFC 4648, padded or not.
Result<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  const std::size_t padding = (4 - text.size() % 4) % 4;
  std::string padded(text);
  padded.append(padding, '=');
  std::string out(padded.size() / 4 * 3, '\0');
  const int written = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                        reinterpret_cast<const unsigned char*>(padded.data()),
                                        static_cast<int>(padded.size()));
  if (written < 0 || padding == 3) return error(ErrorCode::Invalid, "data_base64 is not base64");
  out.resize(static_cast<std::size_t>(written) - padding);
  return out;
}

/// The context attributes of a CloudEvent that matter here, wherever they came from.
struct EventAttributes {
  std::string specversion, id, source, type, time, datacontenttype;
};

Result<TimePoint> check_attributes(const EventAttributes& event, TimePoint now) {
  if (!event.specversion.starts_with("1."))
    return error(ErrorCode::Invalid, "expected a CloudEvent with specversion 1.0, found '" +
                                         event.specversion.substr(0, 20) + "'");
  for (const auto& [name, value] :
       {std::pair("id", &event.id), std::pair("source", &event.source), std::pair("type", &event.type)}) {
    if (value->empty())
      return error(ErrorCode::Invalid, "a CloudEvent needs the attribute " + std::string(name));
  }
  if (!is_json(media_type(event.datacontenttype)))
    return error(ErrorCode::Invalid, "expected a CloudEvent with JSON data, found datacontenttype '" +
                                         event.datacontenttype.substr(0, 60) + "'");
  if (event.time.empty()) return now;
  Result<TimePoint> at = parse_time(event.time);
  if (!at) return error(ErrorCode::Invalid, "the CloudEvent's time: " + at.error().message);
  return at;
}

/// Adds what an event's data says to `out`.
void take_event(const EventAttributes& event, const Result<json::value>& data, const PointShape& shape,
                TimePoint now, Points& out) {
  const Result<TimePoint> at = check_attributes(event, now);
  if (!at) return out.refuse(at.error().message);
  if (!data) return out.refuse(data.error().message);
  Result<Points> points = json_points(*data, shape, *at);
  if (!points) return out.refuse(points.error().message);
  for (std::size_t i = 0; i < points->taken.size(); ++i) {
    Observation& observation = points->taken[i];
    observation.id = event.source + '\n' + event.id + '\n' + std::to_string(i);
    out.taken.push_back(std::move(observation));
  }
  if (points->malformed > 0) {
    out.refuse(std::move(points->problem));
    out.malformed += points->malformed - 1;
  }
}

void take_structured(const json::value& event, const PointShape& shape, TimePoint now, Points& out) {
  if (!event.is_object()) return out.refuse("a CloudEvent is a JSON object");
  const json::object& object = event.get_object();
  const auto text = [&](std::string_view name) {
    const json::value* found = object.if_contains({name.data(), name.size()});
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
  };
  const EventAttributes attributes{text("specversion"), text("id"),   text("source"),
                                   text("type"),        text("time"), text("datacontenttype")};
  if (const json::value* data = object.if_contains("data"))
    return take_event(attributes, *data, shape, now, out);
  const Result<std::string> decoded = decode_base64(text("data_base64"));
  take_event(attributes, decoded ? parse_json(*decoded) : std::unexpected(decoded.error()), shape, now, out);
}

/// The attributes in "ce-" headers; nothing if there is no ce-specversion.
std::optional<EventAttributes> binary_attributes(const PushRequest& request) {
  EventAttributes event;
  event.datacontenttype = request.content_type;
  for (const auto& [name, value] : request.headers) {
    const std::string header = media_type(name);
    for (const auto& [wanted, into] :
         {std::pair("ce-specversion", &event.specversion), std::pair("ce-id", &event.id),
          std::pair("ce-source", &event.source), std::pair("ce-type", &event.type),
          std::pair("ce-time", &event.time)}) {
      if (header == wanted) *into = value;
    }
  }
  if (event.specversion.empty()) return std::nullopt;
  return event;
}

}  // namespace

Result<Points> read_push(const PushRequest& request, const PointShape& shape, TimePoint now) {
  const std::string type = media_type(request.content_type);
  const std::optional<EventAttributes> binary =
      type.starts_with("application/cloudevents") ? std::nullopt : binary_attributes(request);
  if (binary && !is_json(type)) {
    Points none;
    take_event(*binary, error(ErrorCode::Invalid, ""), shape, now, none);
    return error(ErrorCode::Invalid, none.problem);
  }
  // curl and most small scripts name no type, or that of a form.
  if (!is_json(type) && type != "text/plain" && type != "application/x-www-form-urlencoded") {
    return error(ErrorCode::Invalid,
                 "expected application/json, application/cloudevents+json or "
                 "application/cloudevents-batch+json, found the content type '" +
                     type.substr(0, 60) + "'");
  }
  const Result<json::value> document = parse_json(request.body);
  if (!document) return std::unexpected(document.error());
  if (type == "application/cloudevents-batch+json") {
    if (!document->is_array()) return error(ErrorCode::Invalid, "a batch of CloudEvents is a JSON array");
    Points points;
    for (const json::value& event : document->get_array()) take_structured(event, shape, now, points);
    return points;
  }
  Points points;
  if (type == "application/cloudevents+json")
    take_structured(*document, shape, now, points);
  else if (binary)
    take_event(*binary, *document, shape, now, points);
  else
    return json_points(*document, shape, now);
  return points;
}

}  // namespace forewarm
