#include "app/control_routes.h"

#include <utility>

#include "app/admin_access.h"
#include "app/alert_service.h"
#include "app/control_lead.h"
#include "app/controlled.h"
#include "app/directive_json.h"
#include "edge/observe/routes.h"

namespace forewarm {
namespace {

using Reply = std::shared_ptr<HttpReply>;

class ControlRouteTable : public ControlRoutes {
 public:
  ControlRouteTable(const Endpoint& admin, AdminAccess access, Sources sources)
      : access_(std::move(access)), sources_(std::move(sources)), routes_(options(admin)) {
    routes_.add_schema("Directive", kDirectiveSchema);
    routes_.add_schema("Controlled", kControlledSchema);
    routes_.add_schema("ControlLeader", kControlLeaderSchema);
    add_health();
    add_plan();
    sources_.alerts->add_route(routes_);
    access_.add_routes(routes_);
  }
  HttpHandler handler() override { return routes_.handler(); }

 private:
  Routes::Options options(const Endpoint& admin) {
    Routes::Options options{
        .title = "forewarm control", .version = FOREWARM_VERSION, .loopback = is_loopback(admin)};
    options.guard = [this](const HttpRequest& request, const Route& route) {
      return access_.refusal(request, route);
    };
    return options;
  }
  void add_health();
  void add_plan();

  AdminAccess access_;
  Sources sources_;
  Routes routes_;
};

void ControlRouteTable::add_health() {
  constexpr const char* kStatus =
      R"({"type":"object","required":["status"],"properties":{"status":{"type":"string"}}})";
  routes_.add({.path = "/healthz",
               .id = "getHealth",
               .summary = "The process runs",
               .schema = kStatus,
               .handle = [](const RouteRequest&, const Reply& reply) {
                 reply->send(json_response(R"({"status":"ok"})"));
               }});
  routes_.add({.path = "/readyz",
               .id = "getReadiness",
               .summary = "The history of all queues is back",
               .schema = kStatus,
               .problems = {503},
               .handle = [this](const RouteRequest&, const Reply& reply) {
                 reply->send(sources_.ready()
                                 ? json_response(R"({"status":"ready"})")
                                 : problem(503, "The history of the queues is still being read."));
               }});
  routes_.add({.path = "/metrics",
               .id = "getMetrics",
               .summary = "Metrics in the Prometheus text format",
               .content_type = "text/plain; version=0.0.4",
               .handle = [this](const RouteRequest&, const Reply& reply) {
                 HttpResponse response;
                 response.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"},
                                     {"Cache-Control", "no-store"}};
                 response.body = sources_.metrics();
                 reply->send(std::move(response));
               }});
}

void ControlRouteTable::add_plan() {
  routes_.add(
      {.path = "/v1/plan",
       .id = "getControlPlan",
       .summary = "What is known of each queue, what is wanted at its target, and what became of it",
       .schema =
           R"({"type":"object","required":["schema","leader","queues"],"properties":{"schema":{"const":1},"leader":{"$ref":"#/components/schemas/ControlLeader"},"queues":{"type":"array","items":{"$ref":"#/components/schemas/Controlled"}}}})",
       .handle = [this](const RouteRequest&, const Reply& reply) {
         reply->send(json_response(sources_.plan()));
       }});
  routes_.add(
      {.path = "/v1/keda/{name}",
       .id = "getKedaValue",
       .summary = "The number of instances for KEDA's metrics-api scaler",
       .parameters = {{"name", "of the queue"}},
       .schema = R"({"type":"object","required":["value"],"properties":{"value":{"type":"integer"}}})",
       .problems = {503},
       .handle = [this](const RouteRequest& request, const Reply& reply) {
         const std::string name(request.parameter("name"));
         const KedaNumber number = sources_.keda(name);
         if (number.state == KedaNumber::State::Known)
           return reply->send(json_response("{\"value\": " + std::to_string(number.instances) + "}"));
         reply->send(problem(number.state == KedaNumber::State::Unknown ? 404 : 503, number.why));
       }});
}

}  // namespace

Result<std::unique_ptr<ControlRoutes>> ControlRoutes::make(const Endpoint& admin,
                                                           const std::vector<AdminTokenConfig>& tokens,
                                                           Sources sources) {
  auto access = AdminAccess::read(tokens, {});
  if (!access) return std::unexpected(access.error());
  return std::make_unique<ControlRouteTable>(admin, std::move(*access), std::move(sources));
}

}  // namespace forewarm
