#include "app/message_sender.h"

#include <algorithm>
#include <memory>

#include "edge/sqs/digest.h"
#include "edge/sqs/limits.h"
#include "edge/sqs/message_metadata.h"
#include "edge/sqs/payload.h"

namespace forewarm {
namespace {

using sqs::Fault;
using sqs::SqsError;

std::optional<SqsError> find_deduplication_fault(const sqs::SendMessageEntry& entry,
                                                 const QueueRules& rules) {
  if (!entry.deduplication_id.empty() || rules.content_deduplication) return std::nullopt;
  return SqsError{Fault::InvalidParameterValue,
                  "The queue should either have ContentBasedDeduplication enabled or "
                  "MessageDeduplicationId provided explicitly"};
}

/// What is wrong with the entry for this kind of queue.
std::optional<SqsError> find_queue_fault(const sqs::SendMessageEntry& entry, const QueueRules& rules) {
  if (sqs::size_bytes(entry) > rules.message_bytes_max) {
    return SqsError{Fault::InvalidParameterValue,
                    "One or more parameters are invalid. Reason: Message must be shorter "
                    "than " +
                        std::to_string(rules.message_bytes_max) + " bytes."};
  }
  constexpr std::string_view kWrongType =
      "The request include parameter that is not valid for this queue type.";
  if (!rules.fifo) {
    if (entry.deduplication_id.empty()) return std::nullopt;
    return sqs::invalid_value(entry.deduplication_id, "MessageDeduplicationId", kWrongType);
  }
  if (entry.group_id.empty()) return sqs::missing_parameter("MessageGroupId");
  if (entry.delay_seconds.value_or(0) != 0) {
    return sqs::invalid_value(std::to_string(*entry.delay_seconds), "DelaySeconds", kWrongType);
  }
  return find_deduplication_fault(entry, rules);
}

/// Of a batch to a FIFO queue each entry must say its group and what it may repeat, or the service takes
/// none.
std::optional<SqsError> find_batch_fault(const sqs::SendMessageBatch& request, const QueueRules& rules) {
  if (!rules.fifo) return std::nullopt;
  for (const sqs::SendMessageEntry& entry : request.entries) {
    if (entry.group_id.empty()) {
      return SqsError{Fault::InvalidParameterValue, sqs::missing_parameter("MessageGroupId").message};
    }
    if (auto fault = find_deduplication_fault(entry, rules)) return fault;
  }
  return std::nullopt;
}

/// The message's own, else its request's, as SQS has it.
std::string trace_header(const sqs::SendMessageEntry& entry, const RequestContext& from) {
  const auto found = entry.system_attributes.find("AWSTraceHeader");
  return found == entry.system_attributes.end() ? from.trace_header : found->second.value;
}

std::string_view text_attribute(const sqs::SendMessageEntry& entry, const char* name) {
  const auto found = entry.attributes.find(name);
  return found == entry.attributes.end() ? std::string_view() : std::string_view(found->second.value);
}

}  // namespace

void MessageSender::operator()(const sqs::SendMessage& request, const RequestContext& from,
                               QueueReply reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  Sending sending{.queue = **queue,
                  .from = from,
                  .now = context_.gate->now(),
                  .messages = {},
                  .load = {},
                  .records = {},
                  .deduplicated = {},
                  .repeated = {}};
  auto sent = take(request.entry, sending);
  if (!sent) return reply(std::unexpected(sent.error()));
  store(std::move(sending),
        [this, reply = std::move(reply), sent = std::move(*sent)](const Result<void>& durable) mutable {
          if (!durable) return reply(std::unexpected(refusal(durable.error())));
          reply(std::move(sent));
        });
}

void MessageSender::operator()(const sqs::SendMessageBatch& request, const RequestContext& from,
                               QueueReply reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  if (auto fault = find_batch_fault(request, (*queue)->rules))
    return reply(std::unexpected(std::move(*fault)));
  Sending sending{.queue = **queue,
                  .from = from,
                  .now = context_.gate->now(),
                  .messages = {},
                  .load = {},
                  .records = {},
                  .deduplicated = {},
                  .repeated = {}};
  sqs::SentBatch batch;
  for (const sqs::SendMessageEntry& entry : request.entries) {
    auto sent = take(entry, sending);
    if (sent) {
      sent->id = entry.id;
      batch.successful.push_back(std::move(*sent));
    } else {
      batch.failed.push_back({.id = entry.id, .error = std::move(sent.error())});
    }
  }
  store(std::move(sending),
        [this, reply = std::move(reply), batch = std::move(batch)](const Result<void>& durable) mutable {
          if (!durable) return reply(std::unexpected(refusal(durable.error())));
          reply(std::move(batch));
        });
}

/// Adds the entry to what is to be stored, unless it repeats an earlier message, which then answers for it.
sqs::SqsResult<sqs::Sent> MessageSender::take(const sqs::SendMessageEntry& entry, Sending& sending) {
  const QueueRules& rules = sending.queue.rules;
  if (auto fault = sqs::find_fault(entry)) return std::unexpected(std::move(*fault));
  if (auto fault = find_queue_fault(entry, rules)) return std::unexpected(std::move(*fault));
  const Duration delay =
      entry.delay_seconds && !rules.fifo ? Duration(std::chrono::seconds(*entry.delay_seconds)) : rules.delay;
  const TimePoint visible_at = sending.now + delay;
  const auto metadata = sqs::read_metadata(entry, rules.fifo, visible_at);
  if (!metadata) return std::unexpected(metadata.error());

  const std::string deduplication_id =
      rules.fifo && entry.deduplication_id.empty() ? sqs::sha256_hex(entry.body) : entry.deduplication_id;
  std::string key;
  if (rules.fifo) {
    key = Deduplication::key(sending.queue.id, rules.deduplication_per_group ? entry.group_id : "",
                             deduplication_id);
    if (const auto original = find_original(key, sending)) return answer(entry, *original, true);
  }
  const QueueLoad with_this{sending.load.messages + 1, sending.load.bytes + sqs::size_bytes(entry)};
  if (rules.messages_max > 0 || rules.bytes_max > 0) {
    const QueueView view = context_.gate->core().queue(sending.queue.id);
    if (auto fault = limits_.find_fault(sending.queue, view, with_this))
      return std::unexpected(std::move(*fault));
  }
  const MessageId id = context_.gate->store().next_message_id();
  if (rules.fifo) {
    auto record = context_.deduplication.add(key, id, sending.now);
    if (!record) return std::unexpected(to_sqs_error(record.error()));
    sending.records.emplace_back(std::in_place_type<PutRecord>, std::move(*record));
    sending.deduplicated.emplace_back(std::move(key), id);
  }
  const Message message{.id = id,
                        .queue = sending.queue.id,
                        .type = metadata->type,
                        .sent = sending.now,
                        .visible_at = visible_at,
                        .deadline = metadata->deadline,
                        .tenant = metadata->tenant,
                        .group = rules.fifo ? GroupId(sqs::name_hash(entry.group_id)) : GroupId{},
                        .bytes = static_cast<std::uint32_t>(sqs::size_bytes(entry)),
                        .receive_count = 0,
                        .priority = metadata->priority};
  sending.load = with_this;
  std::string header = trace_header(entry, sending.from);
  trace(id, entry, header);
  sending.messages.push_back({.message = message,
                              .payload = sqs::encode({.sent_to = sending.queue.id,
                                                      .sent = sending.now,
                                                      .body = entry.body,
                                                      .attributes = entry.attributes,
                                                      .trace_header = std::move(header),
                                                      .group_id = entry.group_id,
                                                      .deduplication_id = deduplication_id,
                                                      .sender_id = sending.from.sender_id})});
  return answer(entry, id, rules.fifo);
}

void MessageSender::trace(MessageId message, const sqs::SendMessageEntry& entry,
                          const std::string& header) const {
  if (context_.options.traced)
    context_.options.traced(message, text_attribute(entry, "traceparent"),
                            text_attribute(entry, "tracestate"), header);
}

/// The message that had this deduplication id first. If its commit is still on its way, a write of this
/// request goes after it: commits are in order, so the answer cannot come before the original's fate is
/// known.
std::optional<MessageId> MessageSender::find_original(const std::string& key, Sending& sending) {
  const auto original = context_.deduplication.find(key, sending.now, sending.queue.purged);
  if (!original) return std::nullopt;
  if (!original->durable) {
    sending.records.push_back(PutRecord{.key = std::string(Deduplication::kBarrierKey), .value = {}});
    sending.repeated.emplace_back(key, original->message);
  }
  return original->message;
}

sqs::Sent MessageSender::answer(const sqs::SendMessageEntry& entry, MessageId message, bool fifo) const {
  return {.id = {},
          .message_id = context_.identity->message_id(message),
          .md5_of_body = sqs::md5_hex(entry.body),
          .md5_of_attributes = sqs::md5_of_attributes(entry.attributes),
          .md5_of_system_attributes = sqs::md5_of_attributes(entry.system_attributes),
          .sequence_number = fifo ? sqs::sequence_number(message) : std::string()};
}

void MessageSender::store(Sending sending, Stored done) {
  if (sending.messages.empty() && sending.records.empty()) return done({});
  forget_expired(sending.now);
  limits_.tidy(context_.directory);
  limits_.accept(sending.queue.id, sending.load);
  // One copy of what answers, however often the callback is handed on.
  const auto stored =
      std::make_shared<Stored>([this, done = std::move(done), deduplicated = std::move(sending.deduplicated),
                                repeated = std::move(sending.repeated), queue = sending.queue.id,
                                load = sending.load](const Result<void>& durable) {
        if (!durable) limits_.take_back(queue, load);
        settle(deduplicated, durable.has_value());
        if (durable && !still_there(repeated)) {
          return done(error(ErrorCode::Exhausted,
                            "the first message with this deduplication id could not be stored; send "
                            "it again"));
        }
        done(durable);
      });
  if (auto taken = context_.gate->send(std::move(sending.messages), std::move(sending.records),
                                       [stored](const Result<void>& durable) { (*stored)(durable); });
      !taken) {
    (*stored)(taken);
  }
}

/// A full disk is not throttling: it takes somebody's doing, and clients need not slow down for it.
SqsError MessageSender::refusal(const Error& failure) const {
  SqsError refused = to_sqs_error(failure);
  if (context_.gate->store().full()) refused.fault = Fault::ServiceUnavailable;
  return refused;
}

void MessageSender::settle(const KeyedMessages& deduplicated, bool durable) {
  for (const auto& [key, message] : deduplicated) {
    if (durable) {
      context_.deduplication.mark_durable(key, message);
    } else {
      context_.deduplication.remove(key, message);
    }
  }
}

bool MessageSender::still_there(const KeyedMessages& repeated) const {
  return std::ranges::all_of(
      repeated, [&](const auto& each) { return context_.deduplication.holds(each.first, each.second); });
}

void MessageSender::forget_expired(TimePoint now) {
  std::vector<Write> writes;
  for (RemoveRecord& record : context_.deduplication.take_expired(now)) writes.push_back(std::move(record));
  if (writes.empty()) return;
  // Only tidying: what is not written now is found expired at the next start and removed then.
  (void)context_.gate->store().submit(std::move(writes), Durability::Written, [](const Result<void>&) {});
}

}  // namespace forewarm
