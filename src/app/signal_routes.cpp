#include "app/signal_routes.h"

#include <algorithm>
#include <charconv>

#include "edge/observe/clock_text.h"
#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

using Reply = std::shared_ptr<HttpReply>;

constexpr std::size_t kShownMax = 1000;

constexpr const char* kSignalSchema =
    R"({"type":"object","required":["name","source","kind","future_known","state","values"],"properties":{)"
    R"("name":{"type":"string"},"source":{"enum":["push","poll","prometheus","file","calendar","cron"]},)"
    R"("kind":{"enum":["level","count"]},"future_known":{"type":"boolean"},)"
    R"("upstream":{"type":"boolean","description":"retries heed it"},)"
    R"("queues":{"type":"array","description":"empty: all","items":{"type":"string"}},)"
    R"("state":{"enum":["ok","waiting","failing"]},"failure":{"type":"string"},)"
    R"("notes":{"type":"array","items":{"type":"string"}},)"
    R"("readings":{"type":"integer"},"failures":{"type":"integer"},)"
    R"("values":{"type":"object","additionalProperties":{"type":"integer"}},)"
    R"("past":{"type":"array","items":{"$ref":"#/components/schemas/SignalValue"}},)"
    R"("future":{"type":"array","items":{"$ref":"#/components/schemas/SignalValue"}},)"
    R"("benefits":{"type":"array","description":"by queue whose forecasts had it: the share of the loss that all signals together )"
    R"(lessen out of sample, this one's share of their effect (0: it does not help), and how far it leads",)"
    R"("items":{"type":"object","required":["queue","gain","share","lead_seconds"],"properties":{"queue":{"type":"string"},)"
    R"("gain":{"type":"number"},"share":{"type":"number"},"lead_seconds":{"type":"number"}}}}}})";
constexpr const char* kValueSchema =
    R"({"type":"object","required":["time","value"],"properties":{)"
    R"("time":{"type":"string","format":"date-time"},"value":{"type":"number"}}})";
constexpr const char* kAnswerSchema =
    R"({"type":"object","required":["values"],"properties":{)"
    R"("values":{"type":"object","description":"how many, by what became of them",)"
    R"("additionalProperties":{"type":"integer"}},)"
    R"("problem":{"type":"string","description":"what is wrong with the first that was refused"}}})";
constexpr const char* kPushSchema =
    R"({"description":"a number, an item or a list of items, where the signal's pointers find values and times; )"
    R"(with application/cloudevents+json or application/cloudevents-batch+json CloudEvents with such data"})";

void write_values(JsonWriter& json, const std::vector<std::pair<TimePoint, double>>& values) {
  json.open_array();
  for (const auto& [at, value] : values)
    json.open_object().member("time", utc_text(at)).member("value", value).close_object();
  json.close_array();
}

void write_texts(JsonWriter& json, const std::vector<std::string>& texts) {
  json.open_array();
  for (const std::string& text : texts) json.value(text);
  json.close_array();
}

void write_signal(JsonWriter& json, const SignalSnapshot& signal) {
  const bool waiting = signal.past.empty() && signal.future.empty();
  json.open_object().member("name", signal.name).member("source", signal.source).member("kind", signal.kind);
  json.member("future_known", signal.future_known).member("upstream", signal.upstream).key("queues");
  write_texts(json, signal.queues);
  json.member("state", !signal.failure.empty() ? "failing" : waiting ? "waiting" : "ok");
  if (!signal.failure.empty()) json.member("failure", signal.failure);
  json.key("notes");
  write_texts(json, signal.notes);
  json.member("readings", signal.readings).member("failures", signal.failures);
  json.key("values").open_object();
  for (const auto& [reason, count] : signal.counts) json.member(reason, count);
  json.close_object().key("past");
  write_values(json, signal.past);
  json.key("future");
  write_values(json, signal.future);
  json.key("benefits").open_array();
  for (const SignalBenefit& benefit : signal.benefits) {
    json.open_object().member("queue", benefit.queue).member("gain", benefit.gain);
    json.member("share", benefit.share).member("lead_seconds", seconds(benefit.lead)).close_object();
  }
  json.close_array().close_object();
}

void list_signals(SignalService& signals, const Reply& reply) {
  std::string body;
  JsonWriter json(body);
  json.open_object().key("signals").open_array();
  for (const SignalSnapshot& signal : signals.list()) write_signal(json, signal);
  json.close_array().close_object();
  reply->send(json_response(std::move(body)));
}

void show_signal(SignalService& signals, const RouteRequest& request, const Reply& reply) {
  std::size_t limit = 20;
  const std::string_view given = request.parameter("limit");
  const auto [end, code] = std::from_chars(given.data(), given.data() + given.size(), limit);
  if (!given.empty() && (code != std::errc() || end != given.data() + given.size() || limit > kShownMax))
    return reply->send(problem(400, "limit must be a whole number from 0 to " + std::to_string(kShownMax)));
  const std::string name(request.parameter("name"));
  const std::optional<SignalSnapshot> signal = signals.find(name, limit, limit);
  if (!signal) return reply->send(problem(404, "there is no signal '" + name + "'"));
  std::string body;
  JsonWriter json(body);
  write_signal(json, *signal);
  reply->send(json_response(std::move(body)));
}

void push_signal(SignalService& signals, const RouteRequest& request, const Reply& reply) {
  const HttpHeaders& headers = request.http.headers;
  const Result<PushAnswer> answer = signals.push(
      request.parameter("name"),
      {.content_type = find_header(headers, "Content-Type"), .headers = headers, .body = request.http.body});
  if (!answer) {
    const ErrorCode code = answer.error().code;
    const unsigned status = code == ErrorCode::NotFound ? 404U : code == ErrorCode::Conflict ? 409U : 400U;
    return reply->send(problem(status, answer.error().message));
  }
  std::string body;
  JsonWriter json(body);
  json.open_object().key("values").open_object();
  for (std::size_t i = 0; i < kVerdictNames.size(); ++i) {
    if (answer->counts[i] > 0) json.member(kVerdictNames[i], answer->counts[i]);
  }
  json.close_object();
  if (!answer->problem.empty()) json.member("problem", answer->problem);
  json.close_object();
  reply->send(json_response(std::move(body)));
}

}  // namespace

void add_signal_routes(Routes& routes, SignalService& signals) {
  routes.add_schema("Signal", kSignalSchema);
  routes.add_schema("SignalValue", kValueSchema);
  const RouteParameter name{"name", "its name"};
  routes.add(
      {.path = "/v1/signals",
       .id = "listSignals",
       .summary = "External series, each with its newest value and the next one that is known",
       .schema =
           R"({"type":"object","required":["signals"],"properties":{"signals":{"type":"array","items":{"$ref":"#/components/schemas/Signal"}}}})",
       .handle = [&signals](const RouteRequest&, const Reply& reply) { list_signals(signals, reply); }});
  routes.add({.path = "/v1/signals/{name}",
              .id = "getSignal",
              .summary = "An external series with its newest values and the next ones that are known",
              .parameters = {name,
                             {"limit", "values of each, at most (default 20)",
                              R"({"type":"integer","minimum":0,"maximum":1000})"}},
              .schema = R"({"$ref":"#/components/schemas/Signal"})",
              .problems = {400},
              .handle = [&signals](const RouteRequest& request, const Reply& reply) {
                show_signal(signals, request, reply);
              }});
  routes.add({.method = "POST",
              .path = "/v1/signals/{name}",
              .id = "pushSignal",
              .summary = "Takes values of an external series",
              .parameters = {name},
              .request_schema = kPushSchema,
              .schema = kAnswerSchema,
              .problems = {400, 409},
              .handle = [&signals](const RouteRequest& request, const Reply& reply) {
                push_signal(signals, request, reply);
              }});
}

}  // namespace forewarm
