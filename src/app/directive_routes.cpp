#include "app/directive_routes.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "app/directive_json.h"
#include "app/target_models.h"
#include "edge/observe/clock_text.h"

namespace forewarm {
namespace {

constexpr const char* kDirectivesSchema =
    R"({"type":"object","required":["schema","queue","target","decided","set","directives"],"properties":{)"
    R"("schema":{"const":1,"description":"rises when a member changes its meaning or goes"},)"
    R"("queue":{"type":"string"},"target":{"type":"string"},)"
    R"("decided":{"type":"string","format":"date-time"},)"
    R"("set":{"type":"integer","description":"instances in force now"},)"
    R"("directives":{"type":"array","items":{"$ref":"#/components/schemas/Directive"}},)"
    R"("tiers":{"type":"object","description":"with prices only","required":["committed","saves"],"properties":{)"
    R"("committed":{"type":"integer","description":"the lowest so many instances are cheaper paid for all the time"},)"
    R"("saves":{"type":"number","description":"over the horizon, in the currency of the prices"}}}}})";

/// The prices of tiers that a request names; none where it names none.
Result<std::optional<TierPrices>> tier_prices(const RouteRequest& request) {
  TierPrices prices;
  bool any = false;
  for (const auto& [name, price] : {std::pair{"idle_second", &prices.idle_second},
                                    {"busy_second", &prices.busy_second},
                                    {"committed_second", &prices.committed_second},
                                    {"committed_busy_second", &prices.committed_busy_second}}) {
    const std::string_view text = request.parameter(name);
    if (text.empty()) continue;
    any = true;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), *price);
    if (failure != std::errc() || end != text.data() + text.size() || !(*price >= 0 && *price <= 1e6))
      return error(ErrorCode::Invalid, std::string(name) + ": expected a price from 0 to 1000000, got '" +
                                           std::string(text) + "'");
  }
  if (!any) return std::optional<TierPrices>();
  return std::optional(prices);
}

void answer(const QueueService& queues, const Orchestrator& core, const RouteRequest& request,
            const std::shared_ptr<HttpReply>& reply) {
  const std::string name(request.parameter("name"));
  const std::vector<QueueService::Listing> all = queues.list();
  const auto queue = std::ranges::find(all, name, &QueueService::Listing::name);
  if (queue == all.end()) return reply->send(problem(404, "there is no queue '" + name + "'"));
  const std::string_view wanted = request.parameter("target");
  const TargetModel* target = find_target_model(wanted.empty() ? "process" : wanted);
  if (target == nullptr)
    return reply->send(problem(
        400, "target: expected one of " + target_kinds(false) + ", got '" + std::string(wanted) + "'"));
  const Result<std::optional<TierPrices>> prices = tier_prices(request);
  if (!prices) return reply->send(problem(400, prices.error().message));
  std::string text;
  JsonWriter json(text);
  json.open_object().member("schema", 1).member("queue", name).member("target", target->kind);
  json.member("decided", utc_text(queue->view.plan.at)).member("set", queue->view.plan.instances);
  json.key("directives").open_array();
  const DirectiveCourse course = core.directives(queue->id, target->actuator, *prices);
  for (const Directive& directive : course.directives) write_directive(name, directive, json);
  json.close_array();
  if (*prices) {
    json.key("tiers").open_object().member("committed", course.tiers.committed);
    json.member("saves", course.tiers.saves).close_object();
  }
  json.close_object();
  reply->send(json_response(std::move(text)));
}

}  // namespace

void add_directive_routes(Routes& routes, const QueueService& queues, const Orchestrator& core) {
  routes.add_schema("Directive", kDirectiveSchema);
  routes.add(
      {.path = "/v1/queues/{name}/directives",
       .id = "listDirectives",
       .summary = "What to set at a target for this queue, and when, over the forecast's horizon",
       .parameters = {{"name", "its name"},
                      {"target", "kind of target: " + target_kinds(false)},
                      {"idle_second", "price of an idle instance's second"},
                      {"busy_second", "price of a busy one's"},
                      {"committed_second", "price of a committed one's, whatever it does"},
                      {"committed_busy_second", "on top while it is busy"}},
       .schema = kDirectivesSchema,
       .problems = {400},
       .handle = [&queues, &core](const RouteRequest& request, const std::shared_ptr<HttpReply>& reply) {
         answer(queues, core, request, reply);
       }});
}

}  // namespace forewarm
