#include "edge/observe/routes.h"

#include <algorithm>
#include <optional>

#include "edge/net/http_text.h"
#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

std::string_view title_of(unsigned status) {
  switch (status) {
    case 400:
      return "Bad request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not found";
    case 405:
      return "Method not allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Too large";
    case 429:
      return "Too many requests";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Not available now";
    default:
      return "Error";
  }
}

/// The next path segment without its slash; `path` becomes the rest.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

using Parameters = std::map<std::string, std::string, std::less<>>;

/// The parameters in `path` if it fits the template.
std::optional<Parameters> match(std::string_view pattern, std::string_view path) {
  Parameters parameters;
  while (!pattern.empty() && !path.empty()) {
    if (pattern.front() != '/' || path.front() != '/') return std::nullopt;
    const std::string_view wanted = take_segment(pattern), given = take_segment(path);
    if (wanted.starts_with('{')) {
      if (given.empty()) return std::nullopt;
      parameters.emplace(wanted.substr(1, wanted.size() - 2), percent_decode(given, false));
    } else if (wanted != given) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return parameters;
}

/// Sends the head of the answer alone, for HEAD.
class HeadReply : public HttpReply {
 public:
  explicit HeadReply(std::shared_ptr<HttpReply> reply) : reply_(std::move(reply)) {}
  void send(HttpResponse response) override { reply_->send(std::move(response)); }
  void start_stream(HttpResponse head) override { reply_->send(std::move(head)); }
  void write(std::string_view) override {}
  void finish() override {}
  std::size_t unsent() const override { return 0; }
  void on_closed(std::function<void()> closed) override { reply_->on_closed(std::move(closed)); }

 private:
  std::shared_ptr<HttpReply> reply_;
};

/// Tells the status of the answer that passes through.
class ToldReply : public HttpReply {
 public:
  ToldReply(std::shared_ptr<HttpReply> reply, std::function<void(unsigned)> tell)
      : reply_(std::move(reply)), tell_(std::move(tell)) {}
  void send(HttpResponse response) override {
    tell_(response.status);
    reply_->send(std::move(response));
  }
  void start_stream(HttpResponse head) override {
    tell_(head.status);
    reply_->start_stream(std::move(head));
  }
  void write(std::string_view bytes) override { reply_->write(bytes); }
  void finish() override { reply_->finish(); }
  std::size_t unsent() const override { return reply_->unsent(); }
  void on_closed(std::function<void()> closed) override { reply_->on_closed(std::move(closed)); }

 private:
  std::shared_ptr<HttpReply> reply_;
  std::function<void(unsigned)> tell_;
};

std::string quoted(std::string_view text) {
  std::string out;
  write_json_string(text.substr(0, 200), out);
  return out;
}

}  // namespace

std::string_view RouteRequest::parameter(std::string_view name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string_view() : found->second;
}

HttpResponse problem(unsigned status, std::string_view detail) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/problem+json"},
                      {"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"}};
  JsonWriter json(response.body);
  json.open_object().member("type", "about:blank").member("title", title_of(status));
  json.member("status", status).member("detail", detail).close_object();
  response.body += '\n';
  return response;
}

HttpResponse json_response(std::string body, unsigned status) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"},
                      {"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"}};
  response.body = std::move(body);
  response.body += '\n';
  return response;
}

Routes::Routes(Options options) : options_(std::move(options)) {
  add_schema("Problem",
             R"({"type":"object","description":"RFC 9457","required":["type","title","status","detail"],)"
             R"("properties":{"type":{"type":"string"},"title":{"type":"string"},)"
             R"("status":{"type":"integer"},"detail":{"type":"string"}}})");
}

void Routes::add(Route route) {
  routes_.push_back(std::move(route));
}

void Routes::add_schema(std::string name, std::string schema) {
  schemas_[std::move(name)] = std::move(schema);
}

HttpHandler Routes::handler() {
  return [this](HttpRequest request, std::shared_ptr<HttpReply> reply) {
    handle(std::move(request), std::move(reply));
  };
}

void Routes::handle(HttpRequest request, std::shared_ptr<HttpReply> reply) const {
  if (!is_from_here(request)) {
    reply->send(
        problem(403,
                "The Host or Origin header names another machine than this one. Ask for localhost or "
                "127.0.0.1, or start the server with a listener and authentication for other hosts."));
    return;
  }
  const bool head = request.method == "HEAD";
  if (head) reply = std::make_shared<HeadReply>(std::move(reply));
  const std::string_view method = head ? std::string_view("GET") : std::string_view(request.method);
  std::string allowed;
  for (const Route& route : routes_) {
    std::optional<Parameters> parameters = match(route.path, request.path);
    if (!parameters) continue;
    if (route.method != method) {
      allowed += (allowed.empty() ? "" : ", ") + route.method + (route.method == "GET" ? ", HEAD" : "");
      continue;
    }
    for (auto& [name, value] : parse_query(request.query))
      parameters->emplace(std::move(name), std::move(value));
    perform(route, RouteRequest{std::move(request), std::move(*parameters)}, std::move(reply));
    return;
  }
  if (allowed.empty()) {
    reply->send(problem(
        404, "There is nothing at " + quoted(request.path) + ". /v1/openapi.json lists what there is."));
    return;
  }
  HttpResponse response =
      problem(405, "Expected one of " + allowed + ", got " + quoted(request.method) + ".");
  response.headers.emplace_back("Allow", allowed);
  reply->send(std::move(response));
}

void Routes::perform(const Route& route, RouteRequest request, std::shared_ptr<HttpReply> reply) const {
  if (options_.answered) {
    HttpRequest told{
        .method = request.http.method, .path = request.http.path, .headers = request.http.headers};
    constexpr std::size_t kToldBodyBytes = 1024;  // orders are short; what is long is not for a log
    if (request.http.body.size() <= kToldBodyBytes) told.body = request.http.body;
    reply = std::make_shared<ToldReply>(
        std::move(reply),
        [this, &route, told = std::move(told)](unsigned status) { options_.answered(told, route, status); });
  }
  if (options_.guard) {
    if (std::optional<HttpResponse> refused = options_.guard(request.http, route))
      return reply->send(std::move(*refused));
  }
  route.handle(std::move(request), std::move(reply));
}

bool Routes::is_allowed_host(std::string_view host) const {
  if (names_this_machine(host)) return true;
  std::string name(host.substr(0, host.rfind(':')));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return std::find(options_.hosts.begin(), options_.hosts.end(), name) != options_.hosts.end();
}

bool Routes::is_from_here(const HttpRequest& request) const {
  const std::string_view host = find_header(request.headers, "Host");
  if (options_.loopback && !is_allowed_host(host)) return false;
  const std::string_view origin = find_header(request.headers, "Origin");
  if (origin.empty()) return true;
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view from = origin.substr(scheme + 3);
  // Elsewhere a page must come from the very server that it asks.
  return options_.loopback ? is_allowed_host(from) : from == host;
}

std::string Routes::openapi() const {
  std::string text;
  JsonWriter json(text);
  const auto write_problem = [&](unsigned status) {
    json.key(std::to_string(status)).open_object().member("description", title_of(status)).key("content");
    json.raw(R"({"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}})")
        .close_object();
  };
  const auto write_route = [&](const Route& route) {
    std::string method = route.method;
    std::transform(method.begin(), method.end(), method.begin(),
                   [](char c) { return static_cast<char>(c | 0x20); });
    json.key(method).open_object().member("operationId", route.id).member("summary", route.summary);
    json.key("parameters").open_array();
    for (const RouteParameter& parameter : route.parameters) {
      const bool in_path = route.path.find("{" + parameter.name + "}") != std::string::npos;
      json.open_object().member("name", parameter.name).member("in", in_path ? "path" : "query");
      json.member("required", in_path).member("description", parameter.description);
      json.key("schema").raw(parameter.schema).close_object();
    }
    json.close_array();
    if (!route.request_schema.empty()) {
      json.key("requestBody").open_object().member("required", true).key("content").open_object();
      json.key("application/json").open_object().key("schema").raw(route.request_schema).close_object();
      json.close_object().close_object();
    }
    json.key("responses").open_object();
    json.key(std::to_string(route.status)).open_object().member("description", route.summary).key("content");
    json.open_object().key(route.content_type).open_object().key("schema").raw(route.schema).close_object();
    json.close_object().close_object();
    for (const unsigned status : route.problems) write_problem(status);
    if (options_.loopback) write_problem(403);
    json.close_object().close_object();
  };
  json.open_object().member("openapi", "3.1.0").key("info").open_object();
  json.member("title", options_.title).member("version", options_.version);
  json.key("license").raw(R"({"name":"Apache-2.0","identifier":"Apache-2.0"})").close_object();
  json.key("paths").open_object();
  std::vector<std::string_view> done;
  for (const Route& route : routes_) {
    if (std::find(done.begin(), done.end(), route.path) != done.end()) continue;
    done.push_back(route.path);
    json.key(route.path).open_object();
    for (const Route& other : routes_)
      if (other.path == route.path) write_route(other);
    json.close_object();
  }
  json.close_object().key("components").open_object().key("schemas").open_object();
  for (const auto& [name, schema] : schemas_) json.key(name).raw(schema);
  json.close_object().close_object().close_object();
  return text;
}

}  // namespace forewarm
