#include "app/triage_routes.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <map>

#include "app/admin_answers.h"
#include "app/triage.h"
#include "edge/observe/clock_text.h"
#include "edge/observe/words.h"
#include "edge/sqs/limits.h"

namespace forewarm {
namespace {

namespace json = boost::json;
using TriageReply = std::shared_ptr<HttpReply>;

constexpr std::size_t kSampleIds = 3;
constexpr std::size_t kGroupsShown = 100;
constexpr std::int64_t kRateDefault = 50;

struct TriageSources {
  QueueService* queues = nullptr;
  const FunctionDirectory* functions = nullptr;
  const Orchestrator* core = nullptr;
};

FailureCause most_frequent(const DeadLetters::Group& group) {
  const auto most = std::ranges::max_element(group.causes);
  return static_cast<FailureCause>(most - group.causes.begin());
}

TriageFacts facts_of(const TriageSources& sources, const DeadLetters::Group& group) {
  const FailureRecord& newest = group.newest;
  const FunctionEntry* function = sources.functions->find(newest.last.function);
  return {.error = newest.decision.error,
          .cause = most_frequent(group),
          .reason = newest.reason,
          .succeeded_since = group.succeeded_since,
          .version_then = newest.last.version,
          .version_now = function != nullptr ? function->version : 0,
          .odds = sources.core->rerun_odds(group.source, {.error = newest.decision.error,
                                                          .fingerprint = group.fingerprint,
                                                          .attempts = newest.decision.attempt,
                                                          .at = newest.last.at})};
}

json::object group_json(const TriageSources& sources, const DeadLetters::Group& group) {
  const FailureRecord& newest = group.newest;
  const TriageVerdict verdict = judge(facts_of(sources, group));
  json::array samples;
  const auto any = [](MessageId) { return true; };
  for (const MessageId id :
       sources.queues->dead_letters().oldest(group.queue, group.fingerprint, group.source, kSampleIds, any))
    samples.push_back(json::string(sources.queues->public_id(id)));
  json::object out{{"fingerprint", fingerprint_text(group.fingerprint)},
                   {"source", group.source_name},
                   {"messages", group.messages},
                   {"first", utc_text(group.first)},
                   {"last", utc_text(group.last)},
                   {"error", word(newest.decision.error)},
                   {"error_type", newest.last.type},
                   {"error_message", newest.last.message},
                   {"function", newest.last.function},
                   {"function_version", newest.last.version},
                   {"instance", newest.last.instance.value()},
                   {"attempts", newest.decision.attempt},
                   {"reason", word(newest.reason)},
                   {"cause", word(verdict.cause)},
                   {"why", verdict.why},
                   {"success_odds", nullptr},
                   {"odds_from", verdict.odds_from},
                   {"failure_odds_then", nullptr},
                   {"succeeded_since", group.succeeded_since},
                   {"samples", std::move(samples)}};
  if (verdict.success_odds) out["success_odds"] = *verdict.success_odds;
  if (newest.reason == MoveReason::FailureOdds || newest.reason == MoveReason::AttemptsUsed)
    out["failure_odds_then"] = newest.decision.failure_odds;
  return out;
}

json::object progress_json(const MoveTasks::GroupProgress& task) {
  return {{"id", task.id},
          {"fingerprint", fingerprint_text(task.fingerprint)},
          {"to", task.to},
          {"status", task.status},
          {"reason", task.reason},
          {"moved", task.moved},
          {"to_move", task.to_move},
          {"rate", task.per_second},
          {"canaries", task.canaries},
          {"testing", task.testing},
          {"succeeded", task.succeeded},
          {"failed", task.failed},
          {"under_way", task.under_way},
          {"started", utc_text(task.started)}};
}

const QueueEntry* queue_named(const TriageSources& sources, const RouteRequest& request,
                              const TriageReply& reply) {
  const std::string_view name = request.parameter("name");
  const QueueEntry* queue = sources.queues->directory().find(name);
  if (queue == nullptr) reply->send(problem(404, "there is no queue named " + std::string(name)));
  return queue;
}

void triage(const TriageSources& sources, const RouteRequest& request, const TriageReply& reply) {
  const QueueEntry* queue = queue_named(sources, request, reply);
  if (queue == nullptr) return;
  const DeadLetters& letters = sources.queues->dead_letters();
  json::array groups;
  const auto found = letters.groups(queue->id);
  for (std::size_t i = 0; i < std::min(found.size(), kGroupsShown); ++i)
    groups.push_back(group_json(sources, found[i]));
  const std::uint64_t messages = sources.core->queue(queue->id).messages;
  const std::uint64_t known = letters.known(queue->id);
  json::array redrives;
  for (const auto& task : sources.queues->move_tasks().groups(queue->id))
    redrives.push_back(progress_json(task));
  reply->send(
      json_response(json::serialize(json::object{{"queue", queue->name},
                                                 {"messages", messages},
                                                 {"not_recorded", messages - std::min(messages, known)},
                                                 {"groups_in_all", found.size()},
                                                 {"groups", std::move(groups)},
                                                 {"redrives", std::move(redrives)}})));
}

/// A whole number of the body in these bounds; `otherwise` where there is none of that name.
Result<std::int64_t> whole_in(const json::object& body, std::string_view name, std::int64_t most,
                              std::int64_t least, std::int64_t otherwise) {
  const json::value* given = body.if_contains(name);
  if (given == nullptr) return otherwise;
  if (!given->is_int64() || given->as_int64() < least || given->as_int64() > most)
    return error(ErrorCode::Invalid, std::string(name) + " must be a whole number from " +
                                         std::to_string(least) + " to " + std::to_string(most));
  return given->as_int64();
}

void redrive_group(const TriageSources& sources, const RouteRequest& request, const TriageReply& reply) {
  const std::optional<json::object> body = object_of(request, reply);
  if (!body) return;
  const Result<std::uint64_t> fingerprint = parse_fingerprint(request.parameter("fingerprint"));
  if (!fingerprint) return reply->send(refusal(fingerprint.error()));
  const auto rate = whole_in(*body, "rate", sqs::kMovesPerSecondMax, 1, kRateDefault);
  if (!rate) return reply->send(refusal(rate.error()));
  const auto canaries = whole_in(*body, "canaries", GroupRedrive::kCanariesMax, 0, GroupRedrive::kCanaries);
  if (!canaries) return reply->send(refusal(canaries.error()));
  const std::string name(request.parameter("name"));
  const MoveTasks::GroupRequest asked{.queue = name,
                                      .fingerprint = *fingerprint,
                                      .to = text_in(*body, "to"),
                                      .per_second = *rate,
                                      .canaries = static_cast<std::uint32_t>(*canaries)};
  const auto begun =
      sources.queues->move_tasks().start_group(asked, [reply, name](const Result<std::uint64_t>& id) {
        reply->send(id ? json_response(json::serialize(json::object{{"queue", name}, {"id", *id}}))
                       : refusal(id.error()));
      });
  if (!begun) reply->send(refusal(begun.error()));
}

void cancel_redrive(const TriageSources& sources, const RouteRequest& request, const TriageReply& reply) {
  const std::string_view text = request.parameter("id");
  std::uint64_t id = 0;
  const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (failed != std::errc() || stop != text.data() + text.size())
    return reply->send(problem(400, "the id of a redrive is a whole number"));
  const std::string name(request.parameter("name"));
  const auto begun = sources.queues->move_tasks().cancel_group(name, id, answer_with_name(name, reply));
  if (!begun) reply->send(refusal(begun.error()));
}

/// Queues that others name as their dead-letter queue.
void list_dead_letter_queues(const QueueService& queues, const TriageReply& reply) {
  const std::vector<QueueService::Listing> all = queues.list();
  std::map<std::string, json::array> sources;
  for (const auto& queue : all) {
    if (!queue.dead_letter_queue.empty())
      sources[queue.dead_letter_queue].push_back(json::string(queue.name));
  }
  json::array out;
  for (const auto& queue : all) {
    const auto found = sources.find(queue.name);
    if (found == sources.end()) continue;
    out.push_back({{"name", queue.name},
                   {"messages", queue.view.ready + queue.view.delayed + queue.view.in_flight},
                   {"groups", queues.dead_letters().errors(queue.id)},
                   {"sources", found->second}});
  }
  reply->send(json_response(json::serialize(out)));
}

constexpr const char* kTriageSchema =
    R"({"type":"object","required":["queue","messages","not_recorded","groups","redrives"],"properties":{"queue":{"type":"string"},"messages":{"type":"integer"},"not_recorded":{"type":"integer","description":"messages of which nothing is known"},"groups_in_all":{"type":"integer"},"groups":{"type":"array","description":"the largest hundred","items":{"type":"object","required":["fingerprint","source","messages","cause"],"properties":{"fingerprint":{"type":"string"},"source":{"type":"string"},"messages":{"type":"integer"},"first":{"type":"string"},"last":{"type":"string"},"error":{"type":"string"},"error_type":{"type":"string"},"error_message":{"type":"string"},"function":{"type":"string"},"function_version":{"type":"integer"},"instance":{"type":"integer"},"attempts":{"type":"integer"},"reason":{"type":"string"},"cause":{"type":"string","enum":["unknown","poison_message","outage","outage_over","bad_deploy","deploy_over","timeout","unhandled"]},"why":{"type":"string"},"success_odds":{"type":["number","null"]},"odds_from":{"type":"string"},"failure_odds_then":{"type":["number","null"]},"succeeded_since":{"type":"integer"},"samples":{"type":"array","items":{"type":"string"}}}}},"redrives":{"type":"array","items":{"type":"object","properties":{"id":{"type":"integer"},"fingerprint":{"type":"string"},"to":{"type":"string"},"status":{"type":"string"},"reason":{"type":"string"},"moved":{"type":"integer"},"to_move":{"type":"integer"},"rate":{"type":"integer"},"canaries":{"type":"integer"},"testing":{"type":"boolean"},"succeeded":{"type":"integer"},"failed":{"type":"integer"},"under_way":{"type":"integer"},"started":{"type":"string"}}}}}})";

void add_redrive_routes(Routes& routes, const TriageSources& sources) {
  routes.add(
      {.method = "POST",
       .path = "/v1/dead-letter-queues/{name}/groups/{fingerprint}/redrive",
       .id = "redriveGroup",
       .summary = "Sends the dead letters of one error back: canaries first, the others at a rate, and stops "
                  "when more than one in five fails again",
       .parameters = {{"name", "of the dead-letter queue"}, {"fingerprint", "of the error"}},
       .request_schema =
           R"({"type":"object","properties":{"to":{"type":"string","description":"default: the queue that each came from"},"rate":{"type":"integer","minimum":1,"maximum":500,"default":50,"description":"messages a second"},"canaries":{"type":"integer","minimum":0,"maximum":100,"default":5}}})",
       .schema =
           R"({"type":"object","properties":{"queue":{"type":"string"},"id":{"type":"integer"}},"required":["queue","id"]})",
       .problems = {400, 404, 409, 503},
       .handle = [sources](const RouteRequest& request, const TriageReply& reply) {
         redrive_group(sources, request, reply);
       }});
  routes.add({.method = "DELETE",
              .path = "/v1/dead-letter-queues/{name}/redrives/{id}",
              .id = "cancelGroupRedrive",
              .summary = "Sends nothing more back; what was sent back stays where it is",
              .parameters = {{"name", "of the dead-letter queue"}, {"id", "of the redrive"}},
              .schema = R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})",
              .problems = {400, 404, 409, 503},
              .handle = [sources](const RouteRequest& request, const TriageReply& reply) {
                cancel_redrive(sources, request, reply);
              }});
}

}  // namespace

void add_triage_routes(Routes& routes, QueueService& queues, const FunctionDirectory& functions,
                       const Orchestrator& core) {
  const TriageSources sources{&queues, &functions, &core};
  routes.add(
      {.path = "/v1/dead-letter-queues",
       .id = "listDeadLetterQueues",
       .summary =
           "Queues that others name as their dead-letter queue, what is in them and where it comes from",
       .schema =
           R"({"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"messages":{"type":"integer"},"groups":{"type":"integer","description":"of messages with one error"},"sources":{"type":"array","items":{"type":"string"}}},"required":["name","messages","sources"]}})",
       .handle = [&queues](const RouteRequest&, const TriageReply& reply) {
         list_dead_letter_queues(queues, reply);
       }});
  routes.add({.path = "/v1/dead-letter-queues/{name}/groups",
              .id = "triageDeadLetters",
              .summary = "The messages of a dead-letter queue by what they failed with: the predicted cause, "
                         "and the odds that they succeed if they are sent back now",
              .parameters = {{"name", "of the dead-letter queue"}},
              .schema = kTriageSchema,
              .problems = {404},
              .handle = [sources](const RouteRequest& request, const TriageReply& reply) {
                triage(sources, request, reply);
              }});
  add_redrive_routes(routes, sources);
}

}  // namespace forewarm
