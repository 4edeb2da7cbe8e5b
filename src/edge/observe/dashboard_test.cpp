#include "edge/observe/dashboard.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

#include "edge/observe/assets.h"
#include "edge/observe/names_fixture.h"

namespace forewarm {
namespace {

namespace json = boost::json;

/// Keeps what was answered.
class KeptReply : public HttpReply {
 public:
  void send(HttpResponse answer) override { response = std::move(answer); }
  void start_stream(HttpResponse head) override { response = std::move(head); }
  void write(std::string_view bytes) override { stream += bytes; }
  void finish() override { finished = true; }
  std::size_t unsent() const override { return waiting; }
  void on_closed(std::function<void()> closed) override { close = std::move(closed); }

  std::string_view header(std::string_view name) const { return find_header(response.headers, name); }

  HttpResponse response;
  std::string stream;
  bool finished = false;
  std::size_t waiting = 0;
  std::function<void()> close;
};

/// Checks a value against the part of JSON Schema that the API's schemas use. Returns the first fault, or "".
class SchemaChecker {
 public:
  explicit SchemaChecker(const json::object& document) : document_(document) {}

  std::string check(const json::object& schema, const json::value& value, const std::string& at = "$") const {
    if (const auto* reference = schema.if_contains("$ref")) {
      return check(resolve(reference->as_string()), value, at);
    }
    if (const auto* all = schema.if_contains("allOf")) {
      for (const json::value& part : all->as_array()) {
        if (std::string fault = check(part.as_object(), value, at); !fault.empty()) return fault;
      }
      return "";
    }
    if (!has_type(schema, value)) return at + " has another type than " + json::serialize(schema.at("type"));
    if (const auto* allowed = schema.if_contains("enum")) {
      const auto& values = allowed->as_array();
      if (std::find(values.begin(), values.end(), value) == values.end()) return at + " is not in the enum";
    }
    if (value.is_array() && schema.contains("items")) return check_items(schema, value.as_array(), at);
    return value.is_object() ? check_members(schema, value.as_object(), at) : "";
  }

 private:
  const json::object& resolve(std::string_view reference) const {
    const std::string name(reference.substr(reference.rfind('/') + 1));
    return document_.at("components").at("schemas").at(name).as_object();
  }

  static bool is_a(std::string_view type, const json::value& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_bool();
    if (type == "null") return value.is_null();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    return type == "number" && value.is_number();
  }

  static bool has_type(const json::object& schema, const json::value& value) {
    const auto* type = schema.if_contains("type");
    if (!type) return true;
    if (type->is_string()) return is_a(std::string_view(type->as_string()), value);
    const auto& types = type->as_array();
    return std::any_of(types.begin(), types.end(), [&](const json::value& one) {
      return is_a(std::string_view(one.as_string()), value);
    });
  }

  std::string check_items(const json::object& schema, const json::array& values,
                          const std::string& at) const {
    for (const json::value& value : values) {
      if (std::string fault = check(schema.at("items").as_object(), value, at + "[]"); !fault.empty())
        return fault;
    }
    return "";
  }

  std::string check_members(const json::object& schema, const json::object& value,
                            const std::string& at) const {
    if (const auto* required = schema.if_contains("required")) {
      for (const json::value& name : required->as_array()) {
        if (!value.contains(name.as_string())) return at + " lacks " + json::serialize(name);
      }
    }
    const auto* properties = schema.if_contains("properties");
    const auto* more = schema.if_contains("additionalProperties");
    for (const auto& [name, member] : value) {
      const auto* described = properties ? properties->as_object().if_contains(name) : nullptr;
      if (!described && more && !more->as_bool()) return at + " has the undescribed " + std::string(name);
      if (!described) continue;
      if (std::string fault = check(described->as_object(), member, at + "." + std::string(name));
          !fault.empty())
        return fault;
    }
    return "";
  }

  const json::object& document_;
};

Snapshot lively(TimePoint at) {
  Snapshot snapshot;
  snapshot.at = at;
  snapshot.uptime = 90s;
  snapshot.queues.resize(2);
  QueueSnapshot& queue = snapshot.queues[0];
  queue.id = QueueId(1);
  queue.name = "orders";
  queue.function = "ship";
  queue.ready = 2;
  queue.arrived = 40;
  queue.started = 38;
  queue.late = 1;
  queue.objective = 500ms;
  queue.step_start = at - 10s;
  queue.arrivals_last_step = 12;
  queue.forecast = {at, 10s, ModelId::Ensemble, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {6.5F, 7}};
  queue.plan.at = at;
  queue.plan.until = at + 10s;
  queue.plan.instances = 3;
  queue.instances = {.starting = 1, .idle = 1, .busy = 2};
  snapshot.queues[1].id = QueueId(2);
  snapshot.queues[1].name = "a/b\"<c>";
  snapshot.functions.resize(1);
  snapshot.functions[0].name = "ship";
  snapshot.progress = Progress{"Playing", 0.5, 30s};
  return snapshot;
}

class DashboardTest : public testing::Test {
 protected:
  void SetUp() override {
    ScalingPlan plan;
    plan.queue = QueueId(1);
    plan.instances = 3;
    decisions.observe({now - 5s, TimePassed{}}, {PublishPlan{plan}});
    dashboard.publish(lively(now));
  }

  std::shared_ptr<KeptReply> ask(std::string target, std::string method = "GET", HttpHeaders headers = {}) {
    HttpRequest request;
    request.method = std::move(method);
    const std::size_t query = target.find('?');
    request.path = target.substr(0, query);
    if (query != std::string::npos) request.query = target.substr(query + 1);
    request.headers = std::move(headers);
    if (find_header(request.headers, "Host").empty()) request.headers.emplace_back("Host", "localhost:9325");
    auto reply = std::make_shared<KeptReply>();
    dashboard.handler()(std::move(request), reply);
    return reply;
  }
  json::value ask_json(const std::string& target) { return json::parse(ask(target)->response.body); }
  /// The data of the last event in a stream.
  static json::value last_event(const std::string& stream) {
    const std::size_t at = stream.rfind("data: ");
    return json::parse(stream.substr(at + 6));
  }

  FixedNames names;
  TimePoint now = time_point_us(1'772'373'730'000'000);
  Metrics metrics{{.version = "1.2.3"}, names};
  DecisionLog decisions{{}, names};
  Dashboard dashboard{{.version = "1.2.3", .streams_max = 2, .unsent_max_bytes = 1000},
                      {.metrics = &metrics,
                       .decisions = &decisions,
                       .logs = [](const LogQuery& query) -> Result<std::vector<LogEntry>> {
                         if (query.message == "none") return error(ErrorCode::NotFound, "no run is known");
                         return std::vector<LogEntry>(
                             std::min<std::size_t>(query.limit, 3),
                             {{}, std::string(query.function), InstanceId(4), RunId(), "", "a\x1b[2J"});
                       }}};
};

TEST_F(DashboardTest, EveryJsonAnswerIsWhatTheOpenApiDocumentSays) {
  const json::value document = ask_json("/v1/openapi.json");
  const SchemaChecker checker(document.as_object());
  std::size_t checked = 0;
  for (const auto& [path, methods] : document.at("paths").as_object()) {
    std::string target(path);
    if (const std::size_t at = target.find("{name}"); at != std::string::npos)
      target.replace(at, 6, "orders");
    dashboard.set_ready(true);
    const auto& content = methods.at("get").at("responses").at("200").at("content").as_object();
    if (!content.contains("application/json")) continue;
    const auto reply = ask(target);
    ASSERT_EQ(reply->response.status, 200U) << target;
    EXPECT_EQ(reply->header("Content-Type"), "application/json");
    const auto& schema = content.at("application/json").at("schema").as_object();
    EXPECT_EQ(checker.check(schema, json::parse(reply->response.body)), "") << target << reply->response.body;
    ++checked;
  }
  EXPECT_EQ(checked, 8U);
}

TEST_F(DashboardTest, TheSchemaCheckerFindsFaults) {
  const json::value document = ask_json("/v1/openapi.json");
  const SchemaChecker checker(document.as_object());
  const auto& queue = document.at("components").at("schemas").at("Queue").as_object();
  json::value value = ask_json("/v1/queues").at("queues").at(0);
  ASSERT_EQ(checker.check(queue, value), "");
  value.as_object()["ready"] = "two";
  EXPECT_NE(checker.check(queue, value), "");
  value.as_object().erase("ready");
  EXPECT_EQ(checker.check(queue, value), "$ lacks \"ready\"");
}

TEST_F(DashboardTest, TheDocumentDescribesEveryRouteItsParametersAndProblems) {
  const json::value document = ask_json("/v1/openapi.json");
  EXPECT_EQ(document.at("openapi").as_string(), "3.1.0");
  EXPECT_EQ(document.at("info").at("version").as_string(), "1.2.3");
  EXPECT_EQ(document.at("paths").as_object().size(), dashboard.routes().all().size());
  const auto& get = document.at("paths").at("/v1/queues/{name}/decisions").at("get");
  EXPECT_EQ(get.at("parameters").as_array().size(), 5U);
  EXPECT_EQ(get.at("parameters").at(0).at("in").as_string(), "path");
  EXPECT_TRUE(get.at("responses").as_object().contains("404"));
}

TEST_F(DashboardTest, AQueueHasItsForecastPlanAndHistory) {
  const json::value queue = ask_json("/v1/queues/orders");
  EXPECT_EQ(queue.at("forecast").at("p95").at(0).as_double(), 6.5);
  EXPECT_EQ(queue.at("plan").at("instances").as_int64(), 3);
  EXPECT_EQ(queue.at("history").at("busy").at(0).as_int64(), 2);
  EXPECT_EQ(queue.at("history").at("steps").at("arrivals").at(0).as_int64(), 12);
  EXPECT_TRUE(queue.at("history").at("steps").at("p50").at(0).is_null());  // nothing was forecast before it
  EXPECT_TRUE(ask_json("/v1/queues/a%2Fb%22%3Cc%3E").at("forecast").is_null());
}

TEST_F(DashboardTest, WhatTheForecastSaidBeforeAStepIsShownWhenItHasClosed) {
  // SetUp's forecast covers two steps from `now` on; only the second had not begun when it was seen.
  Snapshot closed = lively(now + 20s);
  closed.queues[0].step_start = now + 10s;
  dashboard.publish(closed);
  const json::value steps = ask_json("/v1/queues/orders").at("history").at("steps");
  ASSERT_EQ(steps.at("start").as_array().size(), 2U);
  EXPECT_TRUE(steps.at("p50").at(0).is_null());
  EXPECT_EQ(steps.at("p50").at(1).as_int64(), 4);
  EXPECT_EQ(steps.at("p95").at(1).as_int64(), 7);
}

TEST_F(DashboardTest, DecisionsAreSelectedAndWrongParametersAreExplained) {
  EXPECT_EQ(ask_json("/v1/queues/orders/decisions?kind=plan&limit=5").as_array().size(), 1U);
  EXPECT_EQ(ask_json("/v1/queues/orders/decisions?kind=move").as_array().size(), 0U);
  EXPECT_EQ(ask_json("/v1/queues/orders/decisions?from=2026-03-01T14:02:20Z").as_array().size(), 0U);
  for (const char* wrong : {"kind=dance", "from=soon", "to=-", "limit=0", "limit=1001", "limit=x"}) {
    const auto reply = ask("/v1/queues/orders/decisions?" + std::string(wrong));
    EXPECT_EQ(reply->response.status, 400U) << wrong;
    EXPECT_EQ(reply->header("Content-Type"), "application/problem+json");
    EXPECT_NE(json::parse(reply->response.body).at("detail").as_string().find("expected a"),
              json::string::npos);
  }
}

TEST_F(DashboardTest, WhatDoesNotExistIsAProblemThatSaysWhereToLook) {
  for (const char* target :
       {"/nothing", "/v1/queues/none", "/v1/queues/none/decisions", "/v1/queues/", "/v1//queues"}) {
    const auto reply = ask(target);
    EXPECT_EQ(reply->response.status, 404U) << target;
    EXPECT_EQ(json::parse(reply->response.body).at("status").as_int64(), 404) << target;
  }
  const auto reply = ask("/v1/queues", "DELETE");
  EXPECT_EQ(reply->response.status, 405U);
  EXPECT_EQ(reply->header("Allow"), "GET, HEAD");
}

TEST_F(DashboardTest, OnlyThisMachinesNamesAreServedOnLoopback) {
  for (const char* host : {"localhost", "LOCALHOST:9325", "127.0.0.1:9325", "[::1]:9325", "box.localhost"})
    EXPECT_EQ(ask("/healthz", "GET", {{"Host", host}})->response.status, 200U) << host;
  for (const char* host :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example:9325", "10.0.0.1", "[::2]"})
    EXPECT_EQ(ask("/healthz", "GET", {{"Host", host}})->response.status, 403U) << host;
  EXPECT_EQ(ask("/healthz", "GET", {{"Origin", "http://localhost:9325"}})->response.status, 200U);
  for (const char* origin : {"http://evil.example", "null", "localhost"})
    EXPECT_EQ(ask("/healthz", "GET", {{"Origin", origin}})->response.status, 403U) << origin;
}

TEST_F(DashboardTest, ReadinessFollowsTheServer) {
  EXPECT_EQ(ask("/readyz")->response.status, 503U);
  dashboard.set_ready(true);
  EXPECT_EQ(ask("/readyz")->response.status, 200U);
  EXPECT_EQ(ask("/healthz")->response.status, 200U);
}

TEST_F(DashboardTest, ThePageIsEmbeddedCachedByTagAndRunsNoForeignScript) {
  const auto page = ask("/");
  EXPECT_EQ(page->response.status, 200U);
  EXPECT_NE(page->response.body.find("/assets/app.js"), std::string::npos);
  const std::string_view policy = page->header("Content-Security-Policy");
  EXPECT_NE(policy.find("default-src 'none'"), std::string_view::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string_view::npos);
  EXPECT_EQ(page->response.body.find("<script>"), std::string::npos);
  const auto again = ask("/", "GET", {{"If-None-Match", std::string(page->header("ETag"))}});
  EXPECT_EQ(again->response.status, 304U);
  EXPECT_TRUE(again->response.body.empty());
  EXPECT_EQ(ask("/assets/app.js")->header("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(assets().size(), 4U);
}

TEST_F(DashboardTest, MetricsAreServedAsText) {
  const auto reply = ask("/metrics");
  EXPECT_TRUE(reply->header("Content-Type").starts_with("text/plain; version=0.0.4"));
  EXPECT_NE(reply->response.body.find("forewarm_build_info{version=\"1.2.3\"} 1"), std::string::npos);
}

TEST_F(DashboardTest, LogLinesAreEscaped) {
  const json::value lines = ask_json("/v1/logs?function=ship&limit=2");
  ASSERT_EQ(lines.as_array().size(), 2U);
  EXPECT_EQ(lines.at(0).at("function").as_string(), "ship");
  EXPECT_TRUE(lines.at(0).at("run").is_null());
  EXPECT_EQ(ask("/v1/logs")->response.body.find('\x1b'), std::string::npos);
}

TEST_F(DashboardTest, AStreamGetsEverythingAtFirstAndThenASmallEventASecond) {
  const auto page = ask("/v1/stream?queue=orders");
  EXPECT_EQ(page->header("Content-Type"), "text/event-stream");
  EXPECT_NE(page->stream.find("event: hello\n"), std::string::npos);
  const json::value hello = last_event(page->stream);
  EXPECT_EQ(hello.at("queue").at("history").at("at").as_array().size(), 1U);
  EXPECT_EQ(hello.at("decisions").as_array().size(), 1U);
  EXPECT_TRUE(hello.at("queues").at(0).as_object().contains("sparkline"));
  dashboard.publish(lively(now + 1s));
  EXPECT_NE(page->stream.find("event: tick\n"), std::string::npos);
  const json::value tick = last_event(page->stream);
  EXPECT_EQ(tick.at("queue").at("history").at("at").as_array().size(), 0U);
  EXPECT_EQ(tick.at("decisions").as_array().size(), 0U);
  EXPECT_EQ(tick.at("queue").at("name").as_string(), "orders");
}

TEST_F(DashboardTest, ADecisionReachesAStreamExactlyOnce) {
  const auto page = ask("/v1/stream?queue=orders");
  ScalingPlan plan;
  plan.queue = QueueId(1);
  plan.instances = 9;
  decisions.observe({now, TimePassed{}}, {PublishPlan{plan}});  // at the very time of the last snapshot
  std::size_t seen = 0;
  for (int second = 1; second <= 3; ++second) {
    dashboard.publish(lively(now + std::chrono::seconds(second)));
    seen += last_event(page->stream).at("decisions").as_array().size();
  }
  EXPECT_EQ(seen, 1U);
}

TEST_F(DashboardTest, AStreamWithoutAQueueShowsTheBusiest) {
  const auto page = ask("/v1/stream");
  EXPECT_EQ(last_event(page->stream).at("queue").at("name").as_string(), "orders");
}

TEST_F(DashboardTest, ASlowReaderIsSkippedAndThenGetsEverythingAgain) {
  const auto page = ask("/v1/stream?queue=orders");
  const std::size_t before = page->stream.size();
  page->waiting = 5000;
  dashboard.publish(lively(now + 1s));
  dashboard.publish(lively(now + 2s));
  EXPECT_EQ(page->stream.size(), before);
  page->waiting = 0;
  dashboard.publish(lively(now + 3s));
  EXPECT_EQ(last_event(page->stream).at("queue").at("history").at("at").as_array().size(), 4U);
}

TEST_F(DashboardTest, StreamsAreBoundedAndClosedOnesMakeRoom) {
  const auto first = ask("/v1/stream");
  const auto second = ask("/v1/stream");
  EXPECT_EQ(ask("/v1/stream")->response.status, 503U);
  first->close();
  EXPECT_EQ(dashboard.streams(), 1U);
  EXPECT_EQ(ask("/v1/stream")->response.status, 200U);
}

TEST_F(DashboardTest, WhatIsNotFiniteIsNullAndHeadOpensNoStream) {
  Snapshot snapshot = lively(now + 1s);
  snapshot.queues[0].arrivals_last_step = std::numeric_limits<double>::quiet_NaN();
  snapshot.queues[0].forecast.p50[0] = std::numeric_limits<float>::infinity();
  dashboard.publish(snapshot);
  EXPECT_TRUE(ask_json("/v1/queues/orders").at("forecast").at("p50").at(0).is_null());
  EXPECT_EQ(ask("/v1/queues", "HEAD")->response.status, 200U);
}

}  // namespace
}  // namespace forewarm
