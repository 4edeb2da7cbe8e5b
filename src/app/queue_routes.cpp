#include "app/queue_routes.h"

#include <boost/json.hpp>
#include <charconv>

#include "app/admin_answers.h"
#include "edge/observe/clock_text.h"

namespace forewarm {
namespace {

namespace json = boost::json;
using RouteReply = std::shared_ptr<HttpReply>;

constexpr std::size_t kPeekedDefault = 10;
constexpr std::size_t kPeekedMax = 1000;

std::string_view word_of(MessageState state) {
  constexpr std::string_view kWords[] = {"ready", "delayed", "in_flight", "running"};
  return kWords[static_cast<std::size_t>(state)];
}

std::optional<std::size_t> limit_in(const RouteRequest& request) {
  const std::string_view text = request.parameter("limit");
  if (text.empty()) return kPeekedDefault;
  std::size_t limit = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (failed != std::errc() || end != text.data() + text.size() || limit == 0 || limit > kPeekedMax)
    return std::nullopt;
  return limit;
}

json::object to_json(const QueueService::Peeked& peeked) {
  const Message& message = peeked.view.message;
  json::object out{{"message_id", peeked.id},
                   {"state", word_of(peeked.view.state)},
                   {"sent", utc_text(message.sent)},
                   {"visible_at", utc_text(message.visible_at)},
                   {"deadline", utc_text(message.deadline)},
                   {"receive_count", message.receive_count},
                   {"priority", message.priority},
                   {"bytes", message.bytes}};
  if (peeked.unreadable.empty())
    out["body"] = peeked.body;
  else
    out["unreadable"] = peeked.unreadable;
  return out;
}

void peek(QueueService& queues, const RouteRequest& request, const RouteReply& reply) {
  const std::optional<std::size_t> limit = limit_in(request);
  if (!limit) return reply->send(problem(400, "limit must be a whole number from 1 to 1000"));
  const auto found = queues.peek(request.parameter("name"), *limit);
  if (!found) return reply->send(refusal(found.error()));
  json::array out;
  for (const QueueService::Peeked& peeked : *found) out.push_back(to_json(peeked));
  reply->send(json_response(json::serialize(out)));
}

/// As a client of the SQS API would, so that its checks and limits hold.
void send_message(QueueService& queues, const RouteRequest& request, const RouteReply& reply) {
  const std::optional<json::object> body = object_of(request, reply);
  if (!body) return;
  const std::string name(request.parameter("name"));
  if (queues.directory().find(name) == nullptr)
    return reply->send(problem(404, "there is no queue named " + name));
  sqs::SendMessage message{.queue_url = "/0/" + name, .entry = {}};
  message.entry.body = text_in(*body, "body");
  message.entry.group_id = text_in(*body, "group");
  message.entry.deduplication_id = text_in(*body, "deduplication_id");
  if (const json::value* delay = body->if_contains("delay_seconds")) {
    if (!delay->is_int64()) return reply->send(problem(400, "delay_seconds must be a whole number"));
    message.entry.delay_seconds = delay->as_int64();
  }
  queues.handle(message, {}, [reply](const sqs::SqsResult<sqs::Response>& answer) {
    if (!answer) return reply->send(problem(sqs::names(answer.error().fault).status, answer.error().message));
    reply->send(json_response(
        json::serialize(json::object{{"message_id", std::get<sqs::Sent>(*answer).message_id}})));
  });
}

void pause(QueueService& queues, const RouteRequest& request, const RouteReply& reply) {
  const std::optional<json::object> body = object_of(request, reply);
  if (!body) return;
  const json::value* paused = body->if_contains("paused");
  if (paused == nullptr || !paused->is_bool())
    return reply->send(problem(400, "paused must be true or false"));
  const std::string name(request.parameter("name"));
  const Result<void> begun = queues.order_pause(
      name, paused->as_bool(), [reply, name, paused = paused->as_bool()](const Result<void>& done) {
        if (!done) return reply->send(refusal(done.error()));
        reply->send(json_response(json::serialize(json::object{{"name", name}, {"paused", paused}})));
      });
  if (!begun) reply->send(refusal(begun.error()));
}

}  // namespace

void add_queue_routes(Routes& routes, QueueService& queues) {
  routes.add(
      {.path = "/v1/queues/{name}/messages",
       .id = "peekQueue",
       .summary = "The first messages of a queue with their bodies, in the order in which they came, without "
                  "receiving them",
       .parameters = {{"name", "its name"},
                      {"limit", "at most so many",
                       R"({"type":"integer","minimum":1,"maximum":1000,"default":10})"}},
       .schema =
           R"({"type":"array","items":{"type":"object","required":["message_id","state","sent"],"properties":{"message_id":{"type":"string"},"state":{"type":"string","enum":["ready","delayed","in_flight","running"]},"sent":{"type":"string"},"visible_at":{"type":"string"},"deadline":{"type":"string"},"receive_count":{"type":"integer"},"priority":{"type":"integer"},"bytes":{"type":"integer"},"body":{"type":"string"},"unreadable":{"type":"string"}}}})",
       .problems = {400, 404},
       .handle = [&queues](const RouteRequest& request, const RouteReply& reply) {
         peek(queues, request, reply);
       }});
  routes.add(
      {.method = "POST",
       .path = "/v1/queues/{name}/messages",
       .id = "sendMessage",
       .summary = "Sends one message, to try a queue and its function out",
       .parameters = {{"name", "its name"}},
       .request_schema =
           R"({"type":"object","properties":{"body":{"type":"string","minLength":1},"delay_seconds":{"type":"integer","minimum":0,"maximum":900},"group":{"type":"string","description":"of a FIFO queue"},"deduplication_id":{"type":"string","description":"of a FIFO queue"}},"required":["body"]})",
       .schema =
           R"({"type":"object","properties":{"message_id":{"type":"string"}},"required":["message_id"]})",
       .problems = {400, 404, 503},
       .handle = [&queues](const RouteRequest& request, const RouteReply& reply) {
         send_message(queues, request, reply);
       }});
  routes.add(
      {.method = "POST",
       .path = "/v1/queues/{name}/pause",
       .id = "pauseQueue",
       .summary = "Stops handing out messages of a queue, to receivers and its function, or goes on",
       .parameters = {{"name", "its name"}},
       .request_schema =
           R"({"type":"object","properties":{"paused":{"type":"boolean"}},"required":["paused"]})",
       .schema =
           R"({"type":"object","properties":{"name":{"type":"string"},"paused":{"type":"boolean"}},"required":["name","paused"]})",
       .problems = {400, 404, 503},
       .handle = [&queues](const RouteRequest& request, const RouteReply& reply) {
         pause(queues, request, reply);
       }});
}

}  // namespace forewarm
