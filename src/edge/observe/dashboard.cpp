#include "edge/observe/dashboard.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/time_text.h"
#include "edge/observe/assets.h"
#include "edge/observe/clock_text.h"
#include "edge/observe/live_stream.h"
#include "edge/observe/schemas.h"
#include "edge/observe/snapshot_history.h"
#include "edge/observe/snapshot_json.h"

namespace forewarm {
namespace {

// No inline script or style, nothing from elsewhere, in no frame: what a queue's name could smuggle in does
// not run.
constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::size_t kDecisionsDefault = 100, kDecisionsMax = 1000;
constexpr std::size_t kLogLinesDefault = 200, kLogLinesMax = 10'000;

std::string reference(std::string_view name) {
  return R"({"$ref":"#/components/schemas/)" + std::string(name) + "\"}";
}
std::string array_of(std::string_view name) {
  return R"({"type":"array","items":)" + reference(name) + "}";
}
std::string limit_schema(std::size_t otherwise, std::size_t most) {
  return R"({"type":"integer","minimum":1,"maximum":)" + std::to_string(most) + R"(,"default":)" +
         std::to_string(otherwise) + "}";
}

/// The parameter "limit" between 1 and `most`.
Result<std::size_t> read_limit(const RouteRequest& request, std::size_t otherwise, std::size_t most) {
  const std::string_view text = request.parameter("limit");
  if (text.empty()) return otherwise;
  std::size_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc() && end == text.data() + text.size() && value >= 1 && value <= most) return value;
  return error(ErrorCode::Invalid, "expected a limit from 1 to " + std::to_string(most) + ", got \"" +
                                       std::string(text.substr(0, 64)) + "\"");
}

Result<DecisionQuery> read_query(const RouteRequest& request) {
  DecisionQuery query;
  query.queue = request.parameter("name");
  if (const std::string_view from = request.parameter("from"); !from.empty()) {
    const Result<TimePoint> time = parse_time(from);
    if (!time) return std::unexpected(time.error());
    query.from = *time;
  }
  if (const std::string_view to = request.parameter("to"); !to.empty()) {
    const Result<TimePoint> time = parse_time(to);
    if (!time) return std::unexpected(time.error());
    query.to = *time;
  }
  if (const std::string_view kind = request.parameter("kind"); !kind.empty()) {
    query.kind = parse_decision_kind(kind);
    if (!query.kind) {
      return error(ErrorCode::Invalid, "expected a kind of plan, start, stop, retry or move, got \"" +
                                           std::string(kind.substr(0, 64)) + "\"");
    }
  }
  const Result<std::size_t> limit = read_limit(request, kDecisionsDefault, kDecisionsMax);
  if (!limit) return std::unexpected(limit.error());
  query.limit = *limit;
  return query;
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

}  // namespace

namespace {

Routes::Options route_options(const Dashboard::Options& options) {
  Routes::Options routes = options.routes;
  routes.version = options.version;
  return routes;
}

}  // namespace

class Dashboard::State {
 public:
  using Reply = std::shared_ptr<HttpReply>;

  State(Options options, Sources sources)
      : options_(std::move(options)),
        sources_(std::move(sources)),
        routes_(route_options(options_)),
        history_(SnapshotHistory::Options{}),
        stream_({.version = options_.version,
                 .streams_max = options_.streams_max,
                 .queues_shown_max = options_.queues_shown_max,
                 .unsent_max_bytes = options_.unsent_max_bytes},
                history_, sources_.decisions) {
    for (const NamedSchema& schema : api_schemas())
      routes_.add_schema(std::string(schema.name), std::string(schema.json));
    add_page_routes();
    add_queue_routes();
    add_other_api_routes();
    add_health_routes();
  }

  Routes& routes() { return routes_; }
  const LiveStream& stream() const { return stream_; }
  void set_ready(bool ready) { ready_ = ready; }

  void publish(Snapshot snapshot) {
    snapshot_ = std::move(snapshot);
    history_.add(snapshot_);
    stream_.publish(snapshot_, ready_);
  }

 private:
  void add_page_routes();
  void add_queue_routes();
  void add_other_api_routes();
  void add_health_routes();

  void send_asset(const Asset& asset, const RouteRequest& request, const Reply& reply) const;
  std::string overview() const;
  const QueueSnapshot* find_queue(std::string_view name) const;
  void send_no_queue(std::string_view name, const Reply& reply) const;
  void send_queue(const RouteRequest& request, const Reply& reply) const;
  void send_decisions(const RouteRequest& request, const Reply& reply) const;
  void send_functions(const Reply& reply) const;
  void send_logs(const RouteRequest& request, const Reply& reply) const;

  Options options_;
  Sources sources_;
  Routes routes_;
  SnapshotHistory history_;
  LiveStream stream_;
  Snapshot snapshot_;
  bool ready_ = false;
};

void Dashboard::State::add_page_routes() {
  for (const Asset& asset : assets()) {
    routes_.add({.path = std::string(asset.path),
                 .id = "page" + std::string(asset.path),
                 .summary = "The dashboard's page",
                 .content_type = std::string(asset.content_type),
                 .handle = [this, &asset](const RouteRequest& request, const Reply& reply) {
                   send_asset(asset, request, reply);
                 }});
  }
}

void Dashboard::State::send_asset(const Asset& asset, const RouteRequest& request, const Reply& reply) const {
  HttpResponse response;
  response.headers = {{"Content-Type", std::string(asset.content_type)},
                      {"Cache-Control", "no-cache"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Content-Security-Policy", kContentSecurityPolicy}};
  if (!options_.page_directory.empty()) {
    const std::string_view name =
        asset.path == "/" ? "index.html" : asset.path.substr(asset.path.rfind('/') + 1);
    if (auto bytes = read_file(options_.page_directory + "/" + std::string(name))) {
      response.body = std::move(*bytes);
      reply->send(std::move(response));
      return;
    }
  }
  response.headers.emplace_back("ETag", asset.etag);
  if (find_header(request.http.headers, "If-None-Match") == asset.etag) {
    response.status = 304;
  } else {
    response.body = asset.bytes;
  }
  reply->send(std::move(response));
}

std::string Dashboard::State::overview() const {
  std::string text;
  JsonWriter json(text);
  json.open_object();
  write_server(snapshot_, options_.version, ready_, json);
  json.key("queues").open_array();
  for (const QueueSnapshot& queue : snapshot_.queues) {
    json.open_object();
    write_queue(queue, json);
    json.close_object();
  }
  json.close_array().close_object();
  return text;
}

void Dashboard::State::add_queue_routes() {
  const RouteParameter name{.name = "name", .description = "The queue's name"};
  routes_.add({.path = "/v1/queues",
               .id = "listQueues",
               .summary = "Server, totals and all queues",
               .schema = reference("Overview"),
               .handle = [this](const RouteRequest&, const Reply& reply) {
                 reply->send(json_response(overview()));
               }});
  routes_.add(
      {.path = "/v1/queues/{name}",
       .id = "getQueue",
       .summary = "A queue with its forecast, its plan and its last ten minutes",
       .parameters = {name},
       .schema = reference("QueueDetail"),
       .problems = {404},
       .handle = [this](const RouteRequest& request, const Reply& reply) { send_queue(request, reply); }});
  routes_.add(
      {.path = "/v1/queues/{name}/decisions",
       .id = "listDecisions",
       .summary = "The newest decisions about a queue that match, oldest first",
       .parameters = {name,
                      {.name = "from", .description = "This and later: RFC 3339, or seconds since 1970"},
                      {.name = "to", .description = "Before this: RFC 3339, or seconds since 1970"},
                      {.name = "kind",
                       .description = "Only of this kind",
                       .schema =
                           R"({"type":"string","enum":["plan","start","stop","retry","move","route"]})"},
                      {.name = "limit",
                       .description = "At most so many",
                       .schema = limit_schema(kDecisionsDefault, kDecisionsMax)}},
       .schema = array_of("Decision"),
       .problems = {400, 404},
       .handle = [this](const RouteRequest& request, const Reply& reply) {
         send_decisions(request, reply);
       }});
}

const QueueSnapshot* Dashboard::State::find_queue(std::string_view name) const {
  const auto found = std::find_if(snapshot_.queues.begin(), snapshot_.queues.end(),
                                  [&](const QueueSnapshot& queue) { return queue.name == name; });
  return found == snapshot_.queues.end() ? nullptr : &*found;
}

void Dashboard::State::send_no_queue(std::string_view name, const Reply& reply) const {
  reply->send(
      problem(404, "There is no queue \"" + std::string(name.substr(0, 100)) + "\". /v1/queues lists them."));
}

void Dashboard::State::send_queue(const RouteRequest& request, const Reply& reply) const {
  const QueueSnapshot* queue = find_queue(request.parameter("name"));
  if (!queue) {
    send_no_queue(request.parameter("name"), reply);
    return;
  }
  std::string text;
  JsonWriter json(text);
  json.open_object();
  write_queue_detail(*queue, history_.queue(queue->name), json);
  json.close_object();
  reply->send(json_response(std::move(text)));
}

void Dashboard::State::send_decisions(const RouteRequest& request, const Reply& reply) const {
  if (!find_queue(request.parameter("name"))) {
    send_no_queue(request.parameter("name"), reply);
    return;
  }
  const Result<DecisionQuery> query = read_query(request);
  if (!query) {
    reply->send(problem(400, query.error().message));
    return;
  }
  reply->send(json_response(sources_.decisions ? decisions_json(sources_.decisions->query(*query)) : "[]"));
}

void Dashboard::State::add_other_api_routes() {
  routes_.add({.path = "/v1/functions",
               .id = "listFunctions",
               .summary = "All functions",
               .schema = array_of("Function"),
               .handle = [this](const RouteRequest&, const Reply& reply) { send_functions(reply); }});
  routes_.add(
      {.path = "/v1/logs",
       .id = "listLogLines",
       .summary = "The newest lines that instances wrote, oldest first",
       .parameters = {{.name = "function", .description = "Only of this function"},
                      {.name = "message", .description = "Only of runs of the message with this id"},
                      {.name = "limit",
                       .description = "At most so many",
                       .schema = limit_schema(kLogLinesDefault, kLogLinesMax)}},
       .schema = array_of("LogLine"),
       .problems = {400},
       .handle = [this](const RouteRequest& request, const Reply& reply) { send_logs(request, reply); }});
  routes_.add(
      {.path = "/v1/stream",
       .id = "stream",
       .summary = "Server-sent events: \"hello\" with history, then \"tick\" each second",
       .parameters = {{.name = "queue", .description = "The queue to send in full; else the busiest"}},
       .content_type = "text/event-stream",
       .problems = {503},
       .handle = [this](const RouteRequest& request, const Reply& reply) {
         if (stream_.open(std::string(request.parameter("queue")), snapshot_, ready_, reply)) return;
         reply->send(problem(503, "There are " + std::to_string(stream_.size()) +
                                      " streams open, which is the most. Close a page and try again."));
       }});
  routes_.add({.path = "/v1/openapi.json",
               .id = "getOpenApi",
               .summary = "This document",
               .schema = R"({"type":"object"})",
               .handle = [this](const RouteRequest&, const Reply& reply) {
                 reply->send(json_response(routes_.openapi()));
               }});
}

void Dashboard::State::send_functions(const Reply& reply) const {
  std::string text;
  JsonWriter json(text);
  json.open_array();
  for (const FunctionSnapshot& function : snapshot_.functions) {
    json.open_object();
    write_function(function, json);
    json.close_object();
  }
  json.close_array();
  reply->send(json_response(std::move(text)));
}

void Dashboard::State::send_logs(const RouteRequest& request, const Reply& reply) const {
  const Result<std::size_t> limit = read_limit(request, kLogLinesDefault, kLogLinesMax);
  if (!limit) {
    reply->send(problem(400, limit.error().message));
    return;
  }
  Result<std::vector<LogEntry>> lines;
  if (sources_.logs)
    lines = sources_.logs({request.parameter("function"), request.parameter("message"), *limit});
  if (!lines)
    return reply->send(problem(lines.error().code == ErrorCode::NotFound ? 404 : 400, lines.error().message));
  std::string text;
  JsonWriter json(text);
  json.open_array();
  for (const LogEntry& line : *lines) {
    json.open_object().member("time", utc_text(line.at)).member("function", line.function);
    json.member("instance", line.instance.value()).key("run");
    line.run ? json.value(line.run.value()) : json.null();
    json.key("request_id");
    line.run ? json.value(line.request_id) : json.null();
    json.member("text", line.text).close_object();
  }
  json.close_array();
  reply->send(json_response(std::move(text)));
}

void Dashboard::State::add_health_routes() {
  constexpr const char* kStatus =
      R"({"type":"object","required":["status"],"properties":{"status":{"type":"string"}},"additionalProperties":false})";
  routes_.add({.path = "/healthz",
               .id = "getHealth",
               .summary = "The server runs",
               .schema = kStatus,
               .handle = [](const RouteRequest&, const Reply& reply) {
                 reply->send(json_response(R"({"status":"ok"})"));
               }});
  routes_.add({.path = "/readyz",
               .id = "getReadiness",
               .summary = "Recovery is complete and requests are taken",
               .schema = kStatus,
               .problems = {503},
               .handle = [this](const RouteRequest&, const Reply& reply) {
                 reply->send(
                     ready_ ? json_response(R"({"status":"ready"})")
                            : problem(503, "The server is still recovering its messages, or shutting down."));
               }});
  routes_.add({.path = "/metrics",
               .id = "getMetrics",
               .summary = "Metrics in the Prometheus text format",
               .content_type = "text/plain; version=0.0.4",
               .handle = [this](const RouteRequest&, const Reply& reply) {
                 HttpResponse response;
                 response.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"},
                                     {"Cache-Control", "no-store"},
                                     {"X-Content-Type-Options", "nosniff"}};
                 if (sources_.metrics) response.body = sources_.metrics->text();
                 reply->send(std::move(response));
               }});
}

Dashboard::Dashboard(Options options, Sources sources)
    : state_(std::make_unique<State>(std::move(options), std::move(sources))) {}
Dashboard::~Dashboard() = default;

Routes& Dashboard::routes() {
  return state_->routes();
}
HttpHandler Dashboard::handler() {
  return state_->routes().handler();
}
void Dashboard::publish(Snapshot snapshot) {
  state_->publish(std::move(snapshot));
}
void Dashboard::set_ready(bool ready) {
  state_->set_ready(ready);
}
std::size_t Dashboard::streams() const {
  return state_->stream().size();
}

}  // namespace forewarm
