#include "app/queue_service.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "app/scaling_record.h"
#include "edge/sqs/base64.h"
#include "edge/sqs/lambda_event.h"
#include "edge/sqs/limits.h"
#include "edge/sqs/parse.h"
#include "edge/sqs/payload.h"

namespace forewarm {
namespace {

constexpr std::string_view kSecretKey = "secret";

template <class Part, class Request>
constexpr bool kHandles = std::is_invocable_v<Part&, const Request&, const RequestContext&, QueueReply>;

}  // namespace

Result<bool> QueueService::recover(std::string_view key, std::string_view value) {
  if (key == kSecretKey) {
    const std::optional<std::string> secret = sqs::base64_decode(value);
    if (!secret || secret->size() != sqs::Identity::kSecretBytes) {
      return error(ErrorCode::Corrupt,
                   "the record secret is damaged: receipt handles could not be told from forged ones");
    }
    context_.identity.emplace(*secret);
    return true;
  }
  const Result<bool> queue = context_.directory.recover(key, value);
  if (!queue || *queue) return queue;
  const Result<bool> task = move_tasks_.recover(key, value);
  if (!task || *task) return task;
  const Result<bool> failure = context_.dead_letters.recover(key, value);
  if (!failure || *failure) return failure;
  const auto scaling = read_scaling_record(key, value);
  if (!scaling) return std::unexpected(scaling.error());
  if (*scaling) {
    ordered_.push_back(**scaling);
    return true;
  }
  return context_.deduplication.recover(key, value);
}

Result<void> QueueService::attach(CoreGate& gate) {
  context_.gate = &gate;
  for (const ScalingOrdered& ordered : std::exchange(ordered_, {})) {
    if (Result<void> told = gate.submit(ordered, [](const Actions&, const Result<void>&) {}); !told)
      return told;
  }
  bool all_told = true;
  context_.directory.visit("", [&](const QueueEntry& queue) {
    if (queue.rules.paused) all_told = pause(queue.id, true).has_value();
    return all_told;
  });
  if (!all_told)
    return error(ErrorCode::Exhausted, "there are more paused queues than the core's input holds");
  if (context_.options.wants_ticks) context_.options.wants_ticks();
  if (context_.identity) return {};
  std::array<char, sqs::Identity::kSecretBytes> random{};
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return error(ErrorCode::Io, "the operating system gave no random numbers for the store's secret");
  }
  const std::string secret(random.data(), random.size());
  context_.identity.emplace(secret);
  // Before every message: commits are in order, so no handle is out before its secret is durable.
  return gate.send({}, {PutRecord{std::string(kSecretKey), sqs::base64_encode(secret)}},
                   [](const Result<void>&) {});
}

/// What would be done to the messages of another engine can only be done there.
std::optional<sqs::SqsError> QueueService::refuse_elsewhere(const sqs::Request& request) const {
  if (!context_.options.elsewhere) return std::nullopt;
  const std::string_view url = std::visit(
      []<class Asked>(const Asked& asked) -> std::string_view {
        constexpr bool kThere =
            std::is_same_v<Asked, sqs::SendMessage> || std::is_same_v<Asked, sqs::SendMessageBatch> ||
            std::is_same_v<Asked, sqs::PurgeQueueRequest> || std::is_same_v<Asked, sqs::DeleteQueue>;
        if constexpr (kThere) {
          return asked.queue_url;
        } else {
          return {};
        }
      },
      request);
  if (url.empty()) return std::nullopt;
  const auto queue = context_.find(url);
  const std::string place = queue ? context_.options.elsewhere((*queue)->id) : std::string();
  if (place.empty()) return std::nullopt;
  return sqs::SqsError{sqs::Fault::UnsupportedOperation, "The messages of queue '" + (*queue)->name +
                                                             "' live at " + place + ". Do this there."};
}

void QueueService::handle(const sqs::Request& request, const RequestContext& from, QueueReply reply) {
  reply = audited(request, from, std::move(reply));
  if (!context_.finish()) {
    return reply(sqs::refuse(sqs::Fault::RequestThrottled,
                             "The server is still busy with changes to queues; try again."));
  }
  if (stopping_ && std::holds_alternative<sqs::ReceiveMessage>(request)) {
    return reply(sqs::refuse(sqs::Fault::ServiceUnavailable,
                             "The server is shutting down and hands out no more messages; try again."));
  }
  if (auto refused = refuse_elsewhere(request)) return reply(std::unexpected(std::move(*refused)));
  std::visit(
      [&]<class Asked>(const Asked& asked) {
        if constexpr (kHandles<QueueActions, Asked>) {
          actions_(asked, from, std::move(reply));
        } else if constexpr (kHandles<MessageSender, Asked>) {
          sender_(asked, from, std::move(reply));
        } else if constexpr (kHandles<MoveTasks, Asked>) {
          move_tasks_(asked, from, std::move(reply));
        } else {
          receiver_(asked, from, std::move(reply));
        }
      },
      request);
}

Result<std::vector<QueueService::Peeked>> QueueService::peek(std::string_view queue, std::size_t limit) {
  const QueueEntry* entry = context_.directory.find(queue);
  if (!entry) return error(ErrorCode::NotFound, "there is no queue named " + std::string(queue));
  std::vector<Peeked> found;
  for (MessageView& view : context_.gate->core().messages(entry->id, limit)) {
    Peeked peeked{
        .view = view, .id = context_.identity->message_id(view.message.id), .body = {}, .unreadable = {}};
    const Result<std::string> bytes = context_.gate->store().payload(view.message.id);
    const Result<sqs::Payload> payload = bytes ? sqs::decode(*bytes) : std::unexpected(bytes.error());
    (payload ? peeked.body : peeked.unreadable) = payload ? payload->body : payload.error().message;
    found.push_back(std::move(peeked));
  }
  return found;
}

Result<void> QueueService::order_pause(std::string_view queue, bool paused,
                                       std::function<void(const Result<void>&)> done) {
  const QueueEntry* entry = context_.directory.find(queue);
  if (!entry) return error(ErrorCode::NotFound, "there is no queue named " + std::string(queue));
  actions_(sqs::SetQueueAttributes{.queue_url = "/" + context_.options.names.account + "/" + entry->name,
                                   .attributes = {{"ForewarmPaused", paused ? "true" : "false"}}},
           {}, [done = std::move(done)](const sqs::SqsResult<sqs::Response>& answer) {
             done(answer ? Result<void>() : error(ErrorCode::Exhausted, answer.error().message));
           });
  return {};
}

bool QueueService::tick() {
  constexpr std::size_t kRemovedPerTick = 2000;
  std::vector<Write> removals = context_.dead_letters.take_removals(kRemovedPerTick);
  const bool more = !removals.empty();
  // What the store has no room for is left to the next start.
  if (more) (void)context_.gate->store().submit(std::move(removals), Durability::Written, [](const auto&) {});
  const bool polls = receiver_.tick();
  return move_tasks_.tick() || polls || more;
}

void QueueService::accompany(const Action& action, TimePoint now, std::vector<Write>& writes) {
  context_.dead_letters.accompany(action, now, writes);
  move_tasks_.observe(action);
  if (std::holds_alternative<Purge>(action) && context_.options.wants_ticks) context_.options.wants_ticks();
}

namespace {

/// What a request changes about a queue, for who will ask.
struct Changed {
  std::string queue;
  std::string details = {};
};

std::string shown(const sqs::StringMap& map) {
  std::string text;
  for (const auto& [name, value] : map) {
    if (!text.empty()) text += ", ";
    text.append(name).append("=").append(sqs::excerpt(value));
  }
  return text;
}

std::string queue_of_url(std::string_view url) {
  return std::string(sqs::queue_name(url));
}

/// Nothing for what only looks, or is about single messages.
struct ChangeOf {
  std::optional<Changed> operator()(const sqs::CreateQueue& asked) const {
    return Changed{asked.name, shown(asked.attributes)};
  }
  std::optional<Changed> operator()(const sqs::SetQueueAttributes& asked) const {
    return Changed{queue_of_url(asked.queue_url), shown(asked.attributes)};
  }
  std::optional<Changed> operator()(const sqs::DeleteQueue& asked) const {
    return Changed{queue_of_url(asked.queue_url)};
  }
  std::optional<Changed> operator()(const sqs::PurgeQueueRequest& asked) const {
    return Changed{queue_of_url(asked.queue_url)};
  }
  std::optional<Changed> operator()(const sqs::TagQueue& asked) const {
    return Changed{queue_of_url(asked.queue_url), shown(asked.tags)};
  }
  std::optional<Changed> operator()(const sqs::UntagQueue& asked) const {
    sqs::StringMap removed;
    for (const std::string& key : asked.keys) removed[key];
    return Changed{queue_of_url(asked.queue_url), shown(removed)};
  }
  std::optional<Changed> operator()(const sqs::AddPermission& asked) const {
    return Changed{queue_of_url(asked.queue_url), asked.label};
  }
  std::optional<Changed> operator()(const sqs::RemovePermission& asked) const {
    return Changed{queue_of_url(asked.queue_url), asked.label};
  }
  std::optional<Changed> operator()(const sqs::StartMessageMoveTask& asked) const {
    return Changed{std::string(sqs::queue_name_of_arn(asked.source_arn)),
                   "to " + asked.destination_arn.value_or("its sources")};
  }
  std::optional<Changed> operator()(const sqs::CancelMessageMoveTask& asked) const {
    return Changed{queue_of_task(asked.task_handle)};
  }
  template <class Asked>
  std::optional<Changed> operator()(const Asked& /*asked*/) const {
    return std::nullopt;
  }
};

}  // namespace

QueueReply QueueService::audited(const sqs::Request& request, const RequestContext& from,
                                 QueueReply reply) const {
  // Without a client it is the server's own doing, from its configuration.
  if (!context_.options.changed || from.base_url.empty()) return reply;
  std::optional<Changed> change = std::visit(ChangeOf{}, request);
  if (!change) return reply;
  return [this, action = sqs::action_name(request), change = std::move(*change), sender = from.sender_id,
          reply = std::move(reply)](sqs::SqsResult<sqs::Response> answer) {
    context_.options.changed(
        {.action = action,
         .queue = change.queue,
         .sender_id = sender,
         .details = sqs::printable(change.details),
         .refusal = answer ? std::string_view() : std::string_view(answer.error().message)});
    reply(std::move(answer));
  };
}

Result<void> QueueService::pause(QueueId queue, bool paused) {
  return context_.gate->submit(ConsumptionPaused{queue, paused}, [](const Actions&, const Result<void>&) {});
}

void QueueService::stop_consumption() {
  stopping_ = true;
  receiver_.answer_held();
  context_.directory.visit("", [&](const QueueEntry& queue) {
    ++pausing_;
    const auto heard = [this](const Actions&, const Result<void>&) { --pausing_; };
    if (!context_.gate->submit(ConsumptionPaused{queue.id, true}, heard)) --pausing_;
    return true;
  });
}

std::vector<QueueService::Listing> QueueService::list() const {
  std::vector<Listing> listings;
  context_.directory.visit("", [&](const QueueEntry& queue) {
    Listing listing{.id = queue.id,
                    .name = queue.name,
                    .view = context_.gate->core().queue(queue.id),
                    .dead_letter_queue = {}};
    if (const auto policy = read_redrive_policy(queue.attributes); policy && *policy) {
      listing.dead_letter_queue = sqs::queue_name_of_arn((*policy)->target_arn);
    }
    listings.push_back(std::move(listing));
    return true;
  });
  return listings;
}

Result<void> QueueService::redrive(std::string_view from, std::string_view to, std::uint32_t messages_max,
                                   std::function<void(const Result<void>&)> done) {
  const QueueEntry* source = context_.directory.find(from);
  const QueueEntry* target = context_.directory.find(to);
  if (!source || !target) {
    return error(ErrorCode::NotFound, "there is no queue named " + std::string(source ? to : from));
  }
  if (source == target) return error(ErrorCode::Conflict, "a queue cannot be redriven to itself");
  if (source->rules.fifo != target->rules.fifo) {
    return error(ErrorCode::Conflict,
                 "messages move between queues of the same kind only (FIFO or standard)");
  }
  if (move_tasks_.active(source->id)) {
    return error(ErrorCode::Conflict, "a message move task takes the messages of " + source->name +
                                          " already; cancel it or wait for its end");
  }
  const RedriveRequested event{.from = source->id, .to = target->id, .messages_max = messages_max};
  return context_.gate->submit(
      event,
      [done = std::move(done)](const Actions& /*actions*/, const Result<void>& durable) { done(durable); });
}

Result<void> QueueService::order_scaling(std::string_view queue, const OrderRequest& request,
                                         std::function<void(const Result<ScalingOrder>&)> done) {
  const QueueEntry* entry = context_.directory.find(queue);
  if (!entry) return error(ErrorCode::NotFound, "there is no queue named " + std::string(queue));
  ScalingOrdered event{entry->id, {.kind = request.kind, .instances = request.instances}};
  if (request.lasts) event.order.until = saturating_add(context_.gate->now(), *request.lasts);
  return context_.gate->send(
      {}, {scaling_record(event)}, [this, event, done = std::move(done)](const Result<void>& stored) {
        if (!stored) return done(std::unexpected(stored.error()));
        const auto told = [order = event.order, done](const Actions&, const Result<void>& durable) {
          if (!durable) return done(std::unexpected(durable.error()));
          done(order);
        };
        if (const Result<void> taken = context_.gate->submit(event, told); !taken)
          done(std::unexpected(taken.error()));
      });
}

Result<QueueMessages> QueueService::function_messages(QueueId queue, std::span<const Lease> leases) {
  const QueueEntry* entry = context_.directory.find(queue);
  if (!entry) return error(ErrorCode::NotFound, "the queue was deleted meanwhile");
  const sqs::ReceiveMessage everything{.queue_url = {},
                                       .messages_max = 1,
                                       .visibility_timeout = {},
                                       .wait_seconds = {},
                                       .system_attribute_names = {"All"},
                                       .attribute_names = {"All"},
                                       .attempt_id = {}};
  std::vector<sqs::ReceivedMessage> messages;
  for (const Lease& lease : leases) {
    Result<sqs::ReceivedMessage> message = receiver_.read(queue, lease, everything);
    if (message) {
      messages.push_back(std::move(*message));
      continue;
    }
    unreadable_.insert(lease.message);
    if (context_.options.warn) {
      context_.options.warn("message " + std::to_string(lease.message.value()) +
                            " cannot be given to its function: " + message.error().message);
    }
  }
  if (messages.empty()) return error(ErrorCode::Corrupt, "none of the run's messages can be read");
  return QueueMessages{.queue = entry->name,
                       .arn = context_.directory.arn(*entry),
                       .retention = entry->rules.retention,
                       .visible_again = leases.front().visible_at,
                       .messages = std::move(messages)};
}

std::vector<MessageId> QueueService::failed_messages(std::span<const Lease> leases,
                                                     std::string_view response) {
  std::vector<std::string> ids;
  for (const Lease& lease : leases) ids.push_back(context_.identity->message_id(lease.message));
  const sqs::BatchOutcome outcome = sqs::read_batch_response(response, ids);
  std::vector<MessageId> failed;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const bool listed = std::ranges::find(outcome.failed, ids[i]) != outcome.failed.end();
    const bool unseen = unreadable_.erase(leases[i].message) > 0;
    if (outcome.all_failed || listed || unseen) failed.push_back(leases[i].message);
  }
  return failed;
}

}  // namespace forewarm
