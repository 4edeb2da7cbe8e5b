#include "app/admin_routes.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <optional>
#include <vector>

#include "app/admin_answers.h"
#include "app/directive_routes.h"
#include "app/queue_routes.h"
#include "app/triage_routes.h"
#include "edge/observe/snapshot_json.h"
#include "edge/observe/words.h"

namespace forewarm {
namespace {

namespace json = boost::json;

/// What a body asks of a queue's scaling.
Result<QueueService::OrderRequest> order_in(const json::object& body) {
  constexpr std::array kKinds{OrderKind::None, OrderKind::PauseIn, OrderKind::PauseOut, OrderKind::Force};
  const std::string said = text_in(body, "order");
  const auto kind = std::ranges::find_if(kKinds, [&](OrderKind each) { return word(each) == said; });
  if (kind == kKinds.end())
    return error(ErrorCode::Invalid, "order must be one of none, pause_in, pause_out and force");
  QueueService::OrderRequest order{.kind = *kind, .instances = 0, .lasts = {}};
  const json::value* instances = body.if_contains("instances");
  if ((instances != nullptr) != (*kind == OrderKind::Force))
    return error(ErrorCode::Invalid, "instances goes with the order force, and force with instances");
  if (instances != nullptr) {
    if (!instances->is_int64() || instances->as_int64() < 0 || instances->as_int64() > 10'000)
      return error(ErrorCode::Invalid, "instances must be a whole number from 0 to 10000");
    order.instances = static_cast<std::uint32_t>(instances->as_int64());
  }
  if (!body.contains("for")) return order;
  const Result<Duration> lasts = parse_duration(text_in(body, "for"));
  if (!lasts) return error(ErrorCode::Invalid, "for: " + lasts.error().message);
  if (*lasts <= Duration(0)) return error(ErrorCode::Invalid, "for must be longer than nothing");
  order.lasts = *lasts;
  return order;
}

constexpr const char* kNamed =
    R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})";

}  // namespace

AdminRoutes::AdminRoutes(Routes& routes, Sources sources) : sources_(std::move(sources)) {
  const RouteParameter name{"name", "its name"};
  add_directive_routes(routes, *sources_.queues, *sources_.core);
  routes.add(
      {.method = "PUT",
       .path = "/v1/functions/{name}",
       .id = "putFunction",
       .summary = "Adds a function, or replaces it: running instances of the old version finish first",
       .parameters = {name},
       .request_schema =
           R"({"type":"object","properties":{"toml":{"type":"string","description":"one [[function]] table with its [[mapping]] tables"}},"required":["toml"]})",
       .schema = kNamed,
       .problems = {400, 409, 503},
       .handle = [this](const RouteRequest& request, const Reply& reply) { put_function(request, reply); }});
  routes.add({.method = "DELETE",
              .path = "/v1/functions/{name}",
              .id = "removeFunction",
              .summary = "Removes a function: its running instances finish, its queues keep their messages",
              .parameters = {name},
              .schema = kNamed,
              .problems = {404, 409, 503},
              .handle = [this](const RouteRequest& request, const Reply& reply) {
                remove_function(request, reply);
              }});
  routes.add(
      {.path = "/v1/functions/{name}",
       .id = "getFunction",
       .summary = "A function with its settings as TOML",
       .parameters = {name},
       .schema =
           R"({"type":"object","properties":{"name":{"type":"string"},"version":{"type":"integer"},"toml":{"type":"string"}},"required":["name","version","toml"]})",
       .handle = [this](const RouteRequest& request, const Reply& reply) { show_function(request, reply); }});
  routes.add(
      {.method = "POST",
       .path = "/v1/functions/{name}/invocations",
       .id = "invokeFunction",
       .summary =
           "Runs a function once on an instance of its own, outside any queue, and answers its response",
       .parameters = {name},
       .request_schema = R"({})",
       .schema = R"({})",
       .problems = {502, 503},
       .handle = [this](const RouteRequest& request, const Reply& reply) { invoke(request, reply); }});
  add_queue_routes(routes, *sources_.queues);
  add_triage_routes(routes, *sources_.queues, *sources_.functions, *sources_.core);
  routes.add(
      {.method = "POST",
       .path = "/v1/queues/{name}/redrive",
       .id = "redriveQueue",
       .summary = "Moves available messages of this queue to another, their attempts forgotten",
       .parameters = {name},
       .request_schema =
           R"({"type":"object","properties":{"to":{"type":"string","description":"default: the queue that names this one as its dead-letter queue"},"max":{"type":"integer","minimum":1}}})",
       .schema =
           R"({"type":"object","properties":{"from":{"type":"string"},"to":{"type":"string"}},"required":["from","to"]})",
       .problems = {400, 409, 503},
       .handle = [this](const RouteRequest& request, const Reply& reply) { redrive(request, reply); }});
  add_scaling(routes);
}

void AdminRoutes::add_scaling(Routes& routes) {
  routes.add(
      {.method = "POST",
       .path = "/v1/queues/{name}/scaling",
       .id = "orderScaling",
       .summary = "Pauses a queue's scaling in or out, forces a number of instances, or resumes as planned",
       .parameters = {{"name", "its name"}},
       .request_schema =
           R"({"type":"object","properties":{"order":{"type":"string","enum":["none","pause_in","pause_out","force"],"description":"none resumes; pause_in stops nothing; pause_out starts nothing but the one that a message without any needs"},"instances":{"type":"integer","minimum":0,"maximum":10000,"description":"force: exactly so many"},"for":{"type":"string","description":"a duration such as 2h; default: until it is changed"}},"required":["order"]})",
       .schema =
           R"({"type":"object","properties":{"name":{"type":"string"},"order":{"type":"string"},"instances":{"type":"integer"},"until":{"type":["number","null"],"description":"seconds since 1970; null: until it is changed"}},"required":["name","order","instances","until"]})",
       .problems = {400, 404, 503},
       .handle = [this](const RouteRequest& request, const Reply& reply) { scale(request, reply); }});
}

void AdminRoutes::put_function(const RouteRequest& request, const Reply& reply) {
  const std::optional<json::object> body = object_of(request, reply);
  if (!body) return;
  const std::string name(request.parameter("name"));
  const std::string toml = text_in(*body, "toml");
  const Result<ServerConfig> read = read_config(toml, "request");
  if (!read) return reply->send(refusal(read.error()));
  if (read->functions.size() != 1 || read->functions[0].name != name) {
    return reply->send(problem(400, "toml must define the one function '" + name + "'"));
  }
  sources_.put_function(toml, answer_with_name(name, reply));
}

void AdminRoutes::remove_function(const RouteRequest& request, const Reply& reply) {
  const std::string name(request.parameter("name"));
  sources_.remove_function(name, answer_with_name(name, reply));
}

void AdminRoutes::show_function(const RouteRequest& request, const Reply& reply) {
  const FunctionEntry* function = sources_.functions->find(request.parameter("name"));
  if (function == nullptr)
    return reply->send(problem(404, "there is no function '" + std::string(request.parameter("name")) + "'"));
  reply->send(
      json_response(json::serialize(json::object{{"name", function->config.name},
                                                 {"version", function->version},
                                                 {"toml", to_toml(function->config, function->mappings)}})));
}

void AdminRoutes::invoke(const RouteRequest& request, const Reply& reply) {
  const FunctionEntry* function = sources_.functions->find(request.parameter("name"));
  if (function == nullptr)
    return reply->send(problem(404, "there is no function '" + std::string(request.parameter("name")) + "'"));
  sources_.invoke(*function, request.http.body, [reply](const Result<std::string>& response) {
    if (response) return reply->send(json_response(*response));
    const bool ending = response.error().code == ErrorCode::Closed;
    reply->send(problem(ending ? 503 : 502, response.error().message));
  });
}

void AdminRoutes::redrive(const RouteRequest& request, const Reply& reply) {
  const std::optional<json::object> body = object_of(request, reply);
  if (!body) return;
  const std::string from(request.parameter("name"));
  std::string to = text_in(*body, "to");
  std::vector<std::string> sources;
  for (const auto& queue : sources_.queues->list()) {
    if (queue.dead_letter_queue == from) sources.push_back(queue.name);
  }
  if (to.empty() && sources.size() == 1) to = sources.front();
  if (to.empty()) {
    return reply->send(problem(
        400,
        sources.empty()
            ? "no queue names '" + from + "' as its dead-letter queue; say where to with \"to\""
            : "several queues name '" + from + "' as their dead-letter queue; say where to with \"to\""));
  }
  std::int64_t messages_max = 1'000'000;
  if (const json::value* given = body->if_contains("max")) {
    if (!given->is_int64() || given->as_int64() < 1 || given->as_int64() > UINT32_MAX) {
      return reply->send(problem(400, "max must be a whole number from 1 to 4294967295"));
    }
    messages_max = given->as_int64();
  }
  const Result<void> begun = sources_.queues->redrive(
      from, to, static_cast<std::uint32_t>(messages_max), [reply, from, to](const Result<void>& done) {
        reply->send(done ? json_response(json::serialize(json::object{{"from", from}, {"to", to}}))
                         : refusal(done.error()));
      });
  if (!begun) reply->send(refusal(begun.error()));
}

void AdminRoutes::scale(const RouteRequest& request, const Reply& reply) {
  const std::optional<json::object> body = object_of(request, reply);
  if (!body) return;
  const std::string name(request.parameter("name"));
  const Result<QueueService::OrderRequest> order = order_in(*body);
  if (!order) return reply->send(refusal(order.error()));
  const Result<void> begun =
      sources_.queues->order_scaling(name, *order, [reply, name](const Result<ScalingOrder>& done) {
        if (!done) return reply->send(refusal(done.error()));
        json::object answer{
            {"name", name}, {"order", word(done->kind)}, {"instances", done->instances}, {"until", nullptr}};
        if (done->until != kNever) answer["until"] = epoch_seconds(done->until);
        reply->send(json_response(json::serialize(answer)));
      });
  if (!begun) reply->send(refusal(begun.error()));
}

}  // namespace forewarm
