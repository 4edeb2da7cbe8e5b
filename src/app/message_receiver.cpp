#include "app/message_receiver.h"

#include <algorithm>
#include <array>
#include <utility>

#include "edge/sqs/digest.h"
#include "edge/sqs/limits.h"

namespace forewarm {
namespace {

using sqs::Fault;
using sqs::SqsResult;

constexpr std::array<std::string_view, 10> kSystemAttributes = {"All",
                                                                "SenderId",
                                                                "SentTimestamp",
                                                                "ApproximateReceiveCount",
                                                                "ApproximateFirstReceiveTimestamp",
                                                                "SequenceNumber",
                                                                "MessageDeduplicationId",
                                                                "MessageGroupId",
                                                                "AWSTraceHeader",
                                                                "DeadLetterQueueSourceArn"};

std::string milliseconds(TimePoint time) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

bool is_wanted(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names, [&](const std::string& each) { return each == name || each == "All"; });
}

/// "All", "*", ".*", a name, or a prefix that ends with ".*".
bool matches(std::string_view pattern, std::string_view name) {
  if (pattern == "All" || pattern == "*" || pattern == name) return true;
  return pattern.ends_with(".*") && name.starts_with(pattern.substr(0, pattern.size() - 2));
}

sqs::Attributes select(sqs::Attributes attributes, const std::vector<std::string>& patterns) {
  std::erase_if(attributes, [&](const auto& attribute) {
    return std::ranges::none_of(
        patterns, [&](const std::string& pattern) { return matches(pattern, attribute.first); });
  });
  return attributes;
}

/// A ReceiveMessage that waits for messages, while its client is there.
struct Waiting {
  ReceiverId receiver;
  bool answered = false;
  bool closed = false;
};

}  // namespace

void MessageReceiver::operator()(const sqs::ReceiveMessage& request, const RequestContext& from,
                                 QueueReply reply) {
  const auto found = context_.find(request.queue_url);
  if (!found) return reply(std::unexpected(found.error()));
  const QueueEntry& queue = **found;
  for (const std::string& name : request.system_attribute_names) {
    if (std::ranges::find(kSystemAttributes, name) == kSystemAttributes.end() && !is_attribute_name(name)) {
      return reply(
          sqs::refuse(Fault::InvalidAttributeName, "Unknown Attribute " + name.substr(0, 128) + "."));
    }
  }
  if (context_.options.receivable && !context_.options.receivable(queue.id)) {
    return reply(sqs::refuse(Fault::UnsupportedOperation,
                             "The queue " + queue.name +
                                 " is consumed by a function. Set shared_consumers = true in its "
                                 "mapping to receive from it as well."));
  }
  if (!request.attempt_id.empty()) {
    if (!queue.rules.fifo) {
      return reply(std::unexpected(
          sqs::invalid_value(request.attempt_id, "ReceiveRequestAttemptId",
                             "The request include parameter that is not valid for this queue type.")));
    }
    const TimePoint at = context_.gate->now();
    auto leases = context_.receive_attempts.find(queue.id, request.attempt_id, at, context_.gate->core());
    if (!leases.empty()) return deliver_again(queue, std::move(leases), request, std::move(reply));
  }
  const Duration wait =
      request.wait_seconds ? Duration(std::chrono::seconds(*request.wait_seconds)) : queue.rules.receive_wait;
  Held poll{.queue = queue.id,
            .request = request,
            .from = from,
            .reply = std::move(reply),
            .wait_until = context_.gate->now() + wait};
  if (may_deliver(queue.id)) return ask(std::move(poll));
  if (wait > Duration(0)) return hold(std::move(poll));
  if (queue.rules.fifo) return poll.reply(sqs::Received{});
  poll.reply(sqs::refuse(Fault::OverLimit, "Too many messages in flight: a queue can have 120000."));
}

bool MessageReceiver::may_deliver(QueueId queue) const {
  return context_.gate->core().queue(queue).in_flight < context_.options.in_flight_max;
}

/// The service does not refuse long polls: they wait for room as they wait for messages.
void MessageReceiver::hold(Held poll) {
  const auto held = std::make_shared<Held>(std::move(poll));
  held_.push_back(held);
  if (held->from.on_closed) held->from.on_closed([held] { held->closed = true; });
  if (context_.options.wants_ticks) context_.options.wants_ticks();
}

bool MessageReceiver::tick() {
  for (const auto& held : std::exchange(held_, {})) {
    if (held->closed) continue;
    if (!context_.directory.find(held->queue)) {
      held->reply(sqs::refuse(Fault::QueueDoesNotExist, "The specified queue does not exist."));
    } else if (may_deliver(held->queue)) {
      ask(std::move(*held));
    } else if (held->wait_until <= context_.gate->now()) {
      held->reply(sqs::Received{});
    } else {
      held_.push_back(held);
    }
  }
  return !held_.empty();
}

void MessageReceiver::answer_held() {
  for (const auto& held : std::exchange(held_, {})) {
    if (!held->closed) held->reply(sqs::Received{});
  }
}

void MessageReceiver::ask(Held poll) {
  const QueueEntry& queue = *context_.directory.find(poll.queue);
  const Duration visibility_timeout = poll.request.visibility_timeout
                                          ? Duration(std::chrono::seconds(*poll.request.visibility_timeout))
                                          : queue.rules.visibility_timeout;
  const ReceiveRequested event{.receiver = {},
                               .queue = queue.id,
                               .messages_max = static_cast<std::uint16_t>(poll.request.messages_max),
                               .visibility_timeout = visibility_timeout,
                               .wait_until = std::max(poll.wait_until, context_.gate->now())};
  const bool waits = event.wait_until > context_.gate->now();
  const auto waiting = std::make_shared<Waiting>();
  // Shared, because the reply answers a refusal too.
  const auto answer = std::make_shared<const QueueReply>(std::move(poll.reply));
  auto delivered = [this, waiting, queue_id = queue.id, request = std::move(poll.request), answer](
                       const Result<void>& recorded, const std::vector<Lease>& leases) {
    waiting->answered = true;
    if (!recorded) return (*answer)(std::unexpected(to_sqs_error(recorded.error())));
    if (waiting->closed) return give_back(leases);
    deliver(queue_id, leases, request, *answer);
  };
  const Result<ReceiverId> receiver = context_.gate->receive(event, std::move(delivered));
  if (!receiver) return (*answer)(std::unexpected(to_sqs_error(receiver.error())));
  waiting->receiver = *receiver;
  if (!waits || waiting->answered || !poll.from.on_closed) return;
  poll.from.on_closed([this, waiting] {
    if (waiting->answered) return;
    waiting->closed = true;
    context_.gate->cancel(waiting->receiver);
  });
}

void MessageReceiver::deliver(QueueId queue, const std::vector<Lease>& leases,
                              const sqs::ReceiveMessage& wanted, const QueueReply& reply) {
  sqs::Received response;
  response.messages.reserve(leases.size());
  for (const Lease& lease : leases) {
    if (auto message = read(queue, lease, wanted)) {
      response.messages.push_back(std::move(*message));
    } else if (context_.options.warn) {
      context_.options.warn("message " + std::to_string(lease.message.value()) +
                            " cannot be delivered: " + message.error().message);
    }
  }
  if (!wanted.attempt_id.empty() && !leases.empty())
    context_.receive_attempts.note(queue, wanted.attempt_id, leases, context_.gate->now());
  reply(std::move(response));
}

/// The same messages with the same handles, for as long as this request asks from now on.
void MessageReceiver::deliver_again(const QueueEntry& queue, std::vector<Lease> leases,
                                    const sqs::ReceiveMessage& wanted, QueueReply reply) {
  const Duration timeout = wanted.visibility_timeout
                               ? Duration(std::chrono::seconds(*wanted.visibility_timeout))
                               : queue.rules.visibility_timeout;
  Join join(
      [this, id = queue.id, leases, wanted, reply = std::move(reply)](const Result<void>& recorded) mutable {
        if (!recorded) return reply(std::unexpected(to_sqs_error(recorded.error())));
        for (Lease& lease : leases) {
          if (const Message* message = context_.gate->core().message(lease.message))
            lease.visible_at = message->visible_at;
        }
        deliver(id, leases, wanted, reply);
      });
  for (const Lease& lease : leases) {
    const VisibilityChanged event{
        .message = lease.message, .receive_count = lease.receive_count, .timeout = timeout};
    const auto part = join.part();
    const auto done = [part](const Actions&, const Result<void>& durable) { part(durable); };
    if (auto taken = context_.gate->submit(event, done); !taken) part(taken);
  }
  join.close();
}

/// Nobody saw these messages: the next receiver need not wait for the visibility timeout.
void MessageReceiver::give_back(const std::vector<Lease>& leases) {
  for (const Lease& lease : leases) {
    const VisibilityChanged event{
        .message = lease.message, .receive_count = lease.receive_count, .timeout = Duration(0)};
    (void)context_.gate->submit(event, [](const Actions&, const Result<void>&) {});
  }
}

Result<sqs::ReceivedMessage> MessageReceiver::read(QueueId queue, const Lease& lease,
                                                   const sqs::ReceiveMessage& wanted) {
  const QueueEntry* entry = context_.directory.find(queue);
  if (!entry) return error(ErrorCode::NotFound, "its queue was deleted meanwhile");
  const Result<std::string> bytes = context_.gate->store().payload(lease.message);
  if (!bytes) return std::unexpected(bytes.error());
  Result<sqs::Payload> payload = sqs::decode(*bytes);
  if (!payload) return std::unexpected(payload.error());
  sqs::ReceivedMessage message;
  message.message_id = context_.identity->message_id(lease.message);
  message.receipt_handle = context_.identity->receipt_handle(
      {.message = lease.message, .queue = queue, .receive_count = lease.receive_count});
  message.md5_of_body = sqs::md5_hex(payload->body);
  message.system_attributes = system_attributes(wanted, *entry, lease, *payload);
  message.attributes = select(std::move(payload->attributes), wanted.attribute_names);
  message.md5_of_attributes = sqs::md5_of_attributes(message.attributes);
  message.body = std::move(payload->body);
  return message;
}

sqs::StringMap MessageReceiver::system_attributes(const sqs::ReceiveMessage& wanted, const QueueEntry& queue,
                                                  const Lease& lease, const sqs::Payload& payload) {
  const TimePoint first =
      context_.receive_times.note(lease.message, lease.receive_count, context_.gate->now());
  sqs::StringMap attributes;
  if (wanted.system_attribute_names.empty()) return attributes;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty() && is_wanted(wanted.system_attribute_names, name)) attributes.emplace(name, value);
  };
  add("SenderId", payload.sender_id);
  const Message* known = context_.gate->core().message(lease.message);
  // With a visibility timeout of 0 it may be in a dead-letter queue by now.
  const Message* message = known != nullptr && known->queue == queue.id ? known : nullptr;
  add("SentTimestamp", milliseconds(message ? message->sent : payload.sent));
  add("ApproximateReceiveCount",
      std::to_string(lease.receive_count + (message ? message->received_before : 0)));
  add("ApproximateFirstReceiveTimestamp", milliseconds(first));
  add("MessageGroupId", payload.group_id);
  add("MessageDeduplicationId", payload.deduplication_id);
  add("AWSTraceHeader", payload.trace_header);
  if (queue.rules.fifo) add("SequenceNumber", sqs::sequence_number(lease.message));
  if (const QueueEntry* source = message ? context_.directory.find(message->dead_letter_source) : nullptr) {
    add("DeadLetterQueueSourceArn", context_.directory.arn(*source));
  }
  return attributes;
}

void MessageReceiver::operator()(const sqs::DeleteMessage& request, const RequestContext& /*from*/,
                                 QueueReply reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  remove(**queue, request.entry, [reply = std::move(reply)](const SqsResult<void>& outcome) {
    if (!outcome) return reply(std::unexpected(outcome.error()));
    reply(sqs::Empty{});
  });
}

void MessageReceiver::operator()(const sqs::DeleteMessageBatch& request, const RequestContext& /*from*/,
                                 QueueReply reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  each_of_batch(request.entries, std::move(reply), [&](const sqs::DeleteEntry& entry, EntryDone done) {
    remove(**queue, entry, std::move(done));
  });
}

void MessageReceiver::operator()(const sqs::ChangeMessageVisibility& request, const RequestContext& /*from*/,
                                 QueueReply reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  change_visibility(**queue, request.entry, [reply = std::move(reply)](const SqsResult<void>& outcome) {
    if (!outcome) return reply(std::unexpected(outcome.error()));
    reply(sqs::Empty{});
  });
}

void MessageReceiver::operator()(const sqs::ChangeMessageVisibilityBatch& request,
                                 const RequestContext& /*from*/, QueueReply reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  each_of_batch(request.entries, std::move(reply), [&](const sqs::VisibilityEntry& entry, EntryDone done) {
    change_visibility(**queue, entry, std::move(done));
  });
}

SqsResult<sqs::Receipt> MessageReceiver::open(const QueueEntry& queue,
                                              const std::string& receipt_handle) const {
  const std::optional<sqs::Receipt> receipt = context_.identity->open(receipt_handle);
  if (!receipt || receipt->queue != queue.id) {
    return sqs::refuse(
        Fault::ReceiptHandleIsInvalid,
        "The input receipt handle \"" + receipt_handle.substr(0, 128) + "\" is not a valid receipt handle.");
  }
  return *receipt;
}

void MessageReceiver::remove(const QueueEntry& queue, const sqs::DeleteEntry& entry, const EntryDone& done) {
  const auto receipt = open(queue, entry.receipt_handle);
  if (!receipt) return done(std::unexpected(receipt.error()));
  const Orchestrator& core = context_.gate->core();
  const QueueId place = core.queue_of(receipt->message);
  // Moved to another queue, or received again since: the service says yes and deletes nothing.
  if (place && place != queue.id) return done({});
  if (place && !core.is_current(receipt->message, receipt->receive_count) && !queue.rules.fifo)
    return done({});
  const bool current = core.is_current(receipt->message, receipt->receive_count);
  if (place && queue.rules.fifo && (!current || !core.in_flight(receipt->message))) {
    return done(std::unexpected(
        sqs::invalid_value(entry.receipt_handle, "ReceiptHandle", "The receipt handle has expired.")));
  }
  // If it is gone already, this still waits until that is durable.
  submit(MessageDeleted{.message = receipt->message, .receive_count = receipt->receive_count}, done);
}

void MessageReceiver::change_visibility(const QueueEntry& queue, const sqs::VisibilityEntry& entry,
                                        const EntryDone& done) {
  if (!entry.visibility_timeout) return done(std::unexpected(sqs::missing_parameter("VisibilityTimeout")));
  const std::int64_t seconds = *entry.visibility_timeout;
  if (seconds < 0 || seconds > sqs::kVisibilitySecondsMax) {
    return done(std::unexpected(sqs::invalid_value(std::to_string(seconds), "VisibilityTimeout",
                                                   "VisibilityTimeout must be >= 0 and <= 43200.")));
  }
  const auto receipt = open(queue, entry.receipt_handle);
  if (!receipt) return done(std::unexpected(receipt.error()));
  const Orchestrator& core = context_.gate->core();
  if (core.queue_of(receipt->message) != queue.id ||
      !core.is_current(receipt->message, receipt->receive_count)) {
    return done(std::unexpected(
        sqs::invalid_value(entry.receipt_handle, "ReceiptHandle",
                           "Message does not exist or is not available for visibility timeout change.")));
  }
  if (!core.in_flight(receipt->message)) {
    return done(sqs::refuse(Fault::MessageNotInflight, "The specified message isn't in flight."));
  }
  const Duration timeout = std::chrono::seconds(seconds);
  const auto received = context_.receive_times.last(receipt->message);
  if (received &&
      context_.gate->now() + timeout > *received + std::chrono::seconds(sqs::kVisibilitySecondsMax) &&
      seconds > 0) {
    return done(std::unexpected(
        sqs::invalid_value(std::to_string(seconds), "VisibilityTimeout",
                           "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")));
  }
  submit(
      VisibilityChanged{
          .message = receipt->message, .receive_count = receipt->receive_count, .timeout = timeout},
      done);
}

void MessageReceiver::submit(Event event, const EntryDone& done) {
  const auto finished = [done](const Actions& /*actions*/, const Result<void>& durable) {
    if (!durable) return done(std::unexpected(to_sqs_error(durable.error())));
    done({});
  };
  if (auto taken = context_.gate->submit(std::move(event), finished); !taken) {
    done(std::unexpected(to_sqs_error(taken.error())));
  }
}

/// Handles each entry on its own and answers when all are done, in the order of the request.
template <class Entries, class Handle>
void MessageReceiver::each_of_batch(const Entries& entries, QueueReply reply, Handle handle) {
  struct Batch {
    std::vector<std::string> ids;
    std::vector<SqsResult<void>> outcomes;
    std::size_t open;
    QueueReply reply;

    void done(std::size_t index, SqsResult<void> outcome) {
      outcomes[index] = std::move(outcome);
      if (--open > 0) return;
      sqs::DoneBatch response;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        if (outcomes[i]) {
          response.successful.push_back(std::move(ids[i]));
        } else {
          response.failed.push_back({.id = std::move(ids[i]), .error = std::move(outcomes[i].error())});
        }
      }
      reply(std::move(response));
    }
  };
  auto batch = std::make_shared<Batch>();
  batch->outcomes.resize(entries.size());
  batch->open = entries.size();
  batch->reply = std::move(reply);
  for (const auto& entry : entries) batch->ids.push_back(entry.id);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    handle(entries[i], [batch, i](SqsResult<void> outcome) { batch->done(i, std::move(outcome)); });
  }
}

}  // namespace forewarm
