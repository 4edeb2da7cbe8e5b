#include "app/message_story.h"

#include <algorithm>
#include <boost/json.hpp>

#include "app/admin_answers.h"
#include "edge/observe/clock_text.h"
#include "edge/observe/words.h"

namespace forewarm {
namespace {

namespace json = boost::json;

json::object moment_json(const Moment& moment, const std::string& queue, const std::string& function) {
  json::object out{
      {"at", utc_text(moment.at)}, {"what", word(moment.kind)}, {"text", describe(moment, queue, function)}};
  if (!queue.empty()) out["queue"] = queue;
  if (moment.instance) out["instance"] = moment.instance.value();
  if (moment.run) out["request_id"] = request_id(moment.run);
  if (moment.kind == MomentKind::Retry ||
      (moment.kind == MomentKind::Moved && moment.error != ErrorClass::None)) {
    out["error"] = word(moment.error);
    out["attempt"] = moment.attempt;
    out["failure_odds"] = moment.failure_odds;
    out["cause"] = word(moment.cause);
  }
  return out;
}

std::string_view where_now(const Orchestrator& core, const Message* message, TimePoint now) {
  if (message == nullptr) return "gone";
  if (core.in_flight(message->id)) return "in_flight";
  return message->visible_at > now ? "delayed" : "ready";
}

/// Why the time-line does not begin with the message's sending; empty where it does.
std::string missing(const std::vector<Moment>& time_line, const std::optional<TimePoint>& since) {
  if (!time_line.empty() && time_line.front().kind == MomentKind::Sent) return {};
  const std::string kept = "; the newest " + std::to_string(MessageMoments::kMomentsMax) +
                           " moments are kept" +
                           (since ? ", those since " + utc_text(*since) : std::string());
  if (!time_line.empty() && time_line.front().kind == MomentKind::Recovered)
    return "it was sent before the server started: what it went through before is not kept";
  return "what it went through before is not kept any more" + kept;
}

constexpr const char* kStorySchema =
    R"({"type":"object","required":["message_id","state","complete","moments","late"],"properties":{"message_id":{"type":"string"},"state":{"type":"string","enum":["ready","delayed","in_flight","gone"]},"queue":{"type":"string"},"complete":{"type":"boolean","description":"the moments begin with its sending"},"missing":{"type":"string","description":"why they do not"},"moments":{"type":"array","items":{"type":"object","required":["at","what","text"],"properties":{"at":{"type":"string"},"what":{"type":"string"},"text":{"type":"string"},"queue":{"type":"string"},"instance":{"type":"integer"},"request_id":{"type":"string"},"error":{"type":"string"},"attempt":{"type":"integer"},"failure_odds":{"type":"number"},"cause":{"type":"string"}}}},"late":{"type":["object","null"],"description":"why it did not start at once; null where it did, or has not started","required":["waited_seconds","cause","text"],"properties":{"waited_seconds":{"type":"number"},"cause":{"type":"string","enum":["delay","paused","breaker","group","no_receiver","cold_start","no_capacity","unknown"]},"text":{"type":"string"}}}}})";

}  // namespace

void MessageStory::add_routes(Routes& routes, const Orchestrator& core) {
  routes.add({.path = "/v1/messages/{id}",
              .id = "explainMessage",
              .summary = "What a message went through, and why it did not start at once",
              .parameters = {{"id", "its MessageId"}},
              .schema = kStorySchema,
              .problems = {400, 404},
              .handle = [this, &core](const RouteRequest& request, const std::shared_ptr<HttpReply>& reply) {
                tell(request, reply, core);
              }});
}

Result<MessageId> MessageStory::message_of(std::string_view id) const {
  if (const auto message = queues_.message_of_public_id(id)) return *message;
  return error(ErrorCode::Invalid,
               "'" + std::string(id.substr(0, 64)) + "' is not the id of a message of this server");
}

void MessageStory::tell(const RouteRequest& request, const std::shared_ptr<HttpReply>& reply,
                        const Orchestrator& core) const {
  const Result<MessageId> id = message_of(request.parameter("id"));
  if (!id) return reply->send(refusal(id.error()));
  const std::vector<Moment> time_line = moments_.of(*id);
  const Message* message = core.message(*id);
  const std::string why_not_all = missing(time_line, moments_.known_since());
  if (time_line.empty() && message == nullptr)
    return reply->send(
        problem(404, "nothing is known of this message: it is gone, or was never sent, and " + why_not_all));
  json::array moments;
  for (const Moment& moment : time_line)
    moments.push_back(moment_json(moment, names_.queue(moment.queue), names_.function(moment.function)));
  json::object out{{"message_id", request.parameter("id")},
                   {"state", where_now(core, message, queues_.now())},
                   {"complete", why_not_all.empty()},
                   {"moments", std::move(moments)},
                   {"late", nullptr}};
  if (message != nullptr) out["queue"] = names_.queue(message->queue);
  if (!why_not_all.empty()) out["missing"] = why_not_all;
  if (const auto late = moments_.lateness(time_line))
    out["late"] =
        json::object{{"waited_seconds", seconds(late->waited)}, {"cause", late->cause}, {"text", late->text}};
  reply->send(json_response(json::serialize(out)));
}

Result<std::vector<LogEntry>> MessageStory::logs(const FunctionHost& host, const LogQuery& query) const {
  if (query.message.empty()) return host.log_entries(query.function, query.limit);
  const Result<MessageId> id = message_of(query.message);
  if (!id) return std::unexpected(id.error());
  const std::vector<RunId> runs = moments_.runs_of(*id);
  if (runs.empty())
    return error(ErrorCode::NotFound, "no run of message " + std::string(query.message) +
                                          " is known: none was made of late, or since the server started");
  std::vector<LogEntry> lines = host.log_entries(query.function, SIZE_MAX);
  std::erase_if(lines, [&](const LogEntry& line) { return std::ranges::find(runs, line.run) == runs.end(); });
  if (lines.size() > query.limit)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(query.limit));
  return lines;
}

}  // namespace forewarm
