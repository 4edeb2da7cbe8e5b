#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/net/http.h"

namespace forewarm {

/// One parameter of a route, in the path (where the template has it in braces) or in the query.
struct RouteParameter {
  std::string name;
  std::string description;
  std::string schema = R"({"type":"string"})";  ///< JSON Schema
};

struct RouteRequest {
  HttpRequest http;
  std::map<std::string, std::string, std::less<>> parameters;  ///< of path and query, decoded

  /// Empty where there is none.
  std::string_view parameter(std::string_view name) const;
};

/// What the server answers at one method and path. The OpenAPI document is made of these, so it cannot drift
/// from them.
struct Route {
  std::string method = "GET";
  std::string path;  ///< "/v1/queues/{name}"
  std::string id;    ///< operationId
  std::string summary;
  std::vector<RouteParameter> parameters = {};
  std::string request_schema = {};  ///< of a JSON body; empty: none is taken
  unsigned status = 200;            ///< of success
  std::string content_type = "application/json";
  std::string schema = R"({"type":"string"})";  ///< JSON Schema of what success answers
  std::vector<unsigned> problems = {};          ///< other statuses than 403, 404, 405, each with problem+json
  std::function<void(RouteRequest, std::shared_ptr<HttpReply>)> handle;
};

/// A problem+json answer (RFC 9457). `detail` is product text: what was expected, what came, what to do.
HttpResponse problem(unsigned status, std::string_view detail);
/// A JSON answer that nobody may keep.
HttpResponse json_response(std::string body, unsigned status = 200);

/// The route table of the admin port, and the handler that serves it.
///
/// On a loopback listener only requests whose Host (and Origin, where there is one) names this machine are
/// taken: a page of another site that has made a name of its own point at 127.0.0.1 (DNS rebinding) gets 403.
class Routes {
 public:
  struct Options {
    std::string title = "forewarm";
    std::string version = "0";
    bool loopback = true;
    std::vector<std::string> hosts = {};  ///< further names that a Host may have, without port
    /// Asked before a route's handler: what to refuse the request with, or nothing.
    std::function<std::optional<HttpResponse>(const HttpRequest&, const Route&)> guard = {};
    /// Told of every answer of a route, refusals by `guard` too.
    std::function<void(const HttpRequest&, const Route&, unsigned status)> answered = {};
  };
  explicit Routes(Options options);

  /// All routes before the handler is used.
  void add(Route route);
  /// A schema that routes refer to as {"$ref":"#/components/schemas/NAME"}.
  void add_schema(std::string name, std::string schema);
  /// The handler refers to this object.
  HttpHandler handler();
  /// An OpenAPI 3.1 document.
  std::string openapi() const;
  const std::vector<Route>& all() const { return routes_; }
  const std::map<std::string, std::string>& schemas() const { return schemas_; }

 private:
  void handle(HttpRequest request, std::shared_ptr<HttpReply> reply) const;
  void perform(const Route& route, RouteRequest request, std::shared_ptr<HttpReply> reply) const;
  bool is_allowed_host(std::string_view host_and_port) const;
  bool is_from_here(const HttpRequest& request) const;

  Options options_;
  std::vector<Route> routes_;
  std::map<std::string, std::string> schemas_;
};

}  // namespace forewarm
