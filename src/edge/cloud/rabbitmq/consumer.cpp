#include "edge/cloud/rabbitmq/consumer.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "edge/cloud/rabbitmq/prefetch.h"

namespace forewarm {
namespace {

constexpr std::chrono::seconds kBeginWithin{10};

}  // namespace

RabbitMqConsumer::RabbitMqConsumer(AmqpLink& link, const RabbitMqOptions& options,
                                   const MessageSource::Listener& listener, std::uint64_t connection)
    : link_(link), options_(options), listener_(listener), prefix_(std::to_string(connection) + "-") {}

Result<void> RabbitMqConsumer::settle(const Settlement& settlement, bool dead_letters) {
  const auto tag = tag_of(settlement.token);
  const auto lent = tag ? lent_.find(*tag) : lent_.end();
  if (lent == lent_.end()) {
    listener_.settled(
        settlement.token, settlement.kind,
        error(ErrorCode::Closed, link_.place() + ": this delivery is not ours any more; the message "
                                                 "comes again if it was not settled"));
    return {};
  }
  forget(lent);
  if (settlement.kind == SettleKind::DeadLetter && !dead_letters) {
    listener_.settled(
        settlement.token, settlement.kind,
        error(ErrorCode::Conflict,
              link_.place() + ": queue \"" + options_.queue +
                  "\" is not known to have a dead-letter exchange, and would drop what is rejected; "
                  "give it one (x-dead-letter-exchange) and say so, or give the management URL. The "
                  "message was given back"));
    return reject(*tag, true);
  }
  sent_.push_back({settlement.token, settlement.kind});
  if (settlement.kind != SettleKind::Acknowledge) return reject(*tag, settlement.kind == SettleKind::Release);
  amqp_basic_ack_t ack{*tag, 0};
  return link_.send(kChannel, AMQP_BASIC_ACK_METHOD, &ack);
}

Result<void> RabbitMqConsumer::take(const amqp_frame_t& frame) {
  if (frame.frame_type == AMQP_FRAME_METHOD) return take_method(frame.payload.method);
  if (!coming_) return {};
  if (frame.frame_type == AMQP_FRAME_HEADER) coming_->take_properties(frame);
  if (frame.frame_type == AMQP_FRAME_BODY) coming_->take_body(frame.payload.body_fragment);
  if (coming_->complete()) take_content();
  return {};
}

Result<void> RabbitMqConsumer::take_method(const amqp_method_t& method) {
  switch (method.id) {
    case AMQP_BASIC_DELIVER_METHOD: {
      const auto& deliver = *static_cast<amqp_basic_deliver_t*>(method.decoded);
      coming_.emplace();
      coming_->redelivered = deliver.redelivered != 0;
      coming_->delivery_tag = deliver.delivery_tag;
      const auto tag = amqp_view(deliver.consumer_tag);
      std::from_chars(tag.data(), tag.data() + tag.size(), coming_->consumer);
      return {};
    }
    case AMQP_BASIC_QOS_OK_METHOD: {
      const auto answered = std::move(asked_.front());
      asked_.pop_front();
      for (const auto& sent : answered) listener_.settled(sent.token, sent.kind, {});
      return {};
    }
    case AMQP_BASIC_CONSUME_OK_METHOD:
      consuming_by_.reset();
      return {};
    case AMQP_BASIC_CANCEL_METHOD:
      return error(ErrorCode::NotFound,
                   link_.place() + " ended the consumer of queue \"" + options_.queue +
                       "\": it was deleted, or its leader is gone; it is tried again until it is back");
    case AMQP_CHANNEL_CLOSE_METHOD: {
      const auto& close = *static_cast<amqp_channel_close_t*>(method.decoded);
      return std::unexpected(link_.closed(close.reply_code, amqp_view(close.reply_text)));
    }
    default:
      return {};
  }
}

void RabbitMqConsumer::take_content() {
  held_.push_back(std::move(*coming_));
  coming_.reset();
}

Result<void> RabbitMqConsumer::flush(Clock::time_point now) {
  // A quorum queue without a leader is declared, but nobody answers for it.
  if (consuming_by_ && now > *consuming_by_) {
    return error(ErrorCode::Io,
                 link_.place() + ": queue \"" + options_.queue +
                     "\" does not let a consumer begin; check that it is running and has a leader "
                     "(rabbitmq-queues quorum_status). It is tried again until it does");
  }
  if (window_ == 0) {
    if (auto given = give_back_held(); !given) return given;
  }
  lend();
  if (auto followed = follow_window(); !followed) return followed;
  if (auto given = give_back_old(now); !given) return given;
  return ask_for_answer();
}

void RabbitMqConsumer::lend() {
  std::vector<LentMessage> messages;
  while (!held_.empty() && lent_.size() < window_) {
    AmqpContent& content = held_.front();
    Unsettled& unsettled = lent_[content.delivery_tag];
    unsettled.consumer = content.consumer;
    unsettled.since = Clock::now();
    content.message.token = token(content.delivery_tag);
    name(content.message, unsettled);
    messages.push_back(std::move(content.message));
    held_.pop_front();
  }
  if (!messages.empty()) listener_.lent(std::move(messages));
}

// Equal messages without ids may stand for each other, so any order among those that are here at a time will
// do.
void RabbitMqConsumer::name(LentMessage& message, Unsettled& unsettled) {
  if (!message.id.empty()) return;
  const std::string digest = content_digest(message);
  std::string id = digest;
  for (int ordinal = 2; digest_ids_.contains(id); ++ordinal) id = digest + "-" + std::to_string(ordinal);
  digest_ids_.insert(id);
  unsettled.digest_id = id;
  message.id = std::move(id);
}

Result<void> RabbitMqConsumer::follow_window() {
  const auto former = [this](std::uint64_t consumer) { return prefetch_ == 0 || consumer != consumer_; };
  std::size_t of_former = 0;
  for (const auto& [tag, unsettled] : lent_) of_former += former(unsettled.consumer) ? 1 : 0;
  for (const auto& content : held_) of_former += former(content.consumer) ? 1 : 0;
  const auto prefetch = next_prefetch({.window = window_,
                                       .prefetch = prefetch_,
                                       .outstanding = static_cast<std::uint32_t>(lent_.size() + held_.size()),
                                       .of_former = static_cast<std::uint32_t>(of_former)});
  if (!prefetch) return {};
  if (prefetch_ != 0) {
    if (auto cancelled = cancel(); !cancelled) return cancelled;
  }
  return *prefetch == 0 ? Result<void>() : consume(*prefetch);
}

// Not global: quorum queues know only a prefetch for each consumer, which is that of its beginning.
Result<void> RabbitMqConsumer::consume(std::uint16_t prefetch) {
  prefetch_ = prefetch;
  amqp_basic_qos_t qos{0, prefetch, 0};
  if (auto sent = link_.send(kChannel, AMQP_BASIC_QOS_METHOD, &qos); !sent) return sent;
  asked_.push_back(std::exchange(sent_, {}));
  const std::string tag = std::to_string(++consumer_);
  amqp_basic_consume_t begin{};
  begin.queue = amqp_borrow(options_.queue);
  begin.consumer_tag = amqp_borrow(tag);
  consuming_by_ = Clock::now() + kBeginWithin;
  return link_.send(kChannel, AMQP_BASIC_CONSUME_METHOD, &begin);
}

Result<void> RabbitMqConsumer::cancel() {
  prefetch_ = 0;
  const std::string tag = std::to_string(consumer_);
  amqp_basic_cancel_t end{amqp_borrow(tag), 0};
  return link_.send(kChannel, AMQP_BASIC_CANCEL_METHOD, &end);
}

// The newest first: a queue puts each back at its head, or where it was.
Result<void> RabbitMqConsumer::give_back_held() {
  while (!held_.empty()) {
    const auto tag = held_.back().delivery_tag;
    held_.pop_back();
    if (auto rejected = reject(tag, true); !rejected) return rejected;
  }
  return {};
}

Result<void> RabbitMqConsumer::give_back_old(Clock::time_point now) {
  const auto timeout = options_.consumer_timeout;
  const auto oldest = now - (timeout - std::min<std::chrono::seconds>(timeout / 10, std::chrono::minutes(1)));
  std::vector<std::string> lost;
  while (!lent_.empty() && lent_.begin()->second.since < oldest) {
    const auto tag = lent_.begin()->first;
    lost.push_back(token(tag));
    forget(lent_.begin());
    if (auto rejected = reject(tag, true); !rejected) return rejected;
  }
  if (!lost.empty()) listener_.lost(lost);
  return {};
}

// The channel handles its methods in order, so the answer to a harmless question that has one says that the
// acknowledgements before it were read. One question at a time: what is settled meanwhile shares the next.
Result<void> RabbitMqConsumer::ask_for_answer() {
  if (sent_.empty() || !asked_.empty()) return {};
  amqp_basic_qos_t qos{0, static_cast<std::uint16_t>(prefetch_), 0};
  if (auto sent = link_.send(kChannel, AMQP_BASIC_QOS_METHOD, &qos); !sent) return sent;
  asked_.push_back(std::exchange(sent_, {}));
  return {};
}

Result<void> RabbitMqConsumer::reject(std::uint64_t tag, bool requeue) {
  amqp_basic_reject_t reject{tag, requeue ? 1 : 0};
  return link_.send(kChannel, AMQP_BASIC_REJECT_METHOD, &reject);
}

void RabbitMqConsumer::end(const Error& why) {
  asked_.push_back(std::exchange(sent_, {}));
  for (const auto& sent : std::exchange(asked_, {})) {
    for (const auto& one : sent) listener_.settled(one.token, one.kind, std::unexpected(why));
  }
  std::vector<std::string> lost;
  lost.reserve(lent_.size());
  for (const auto& [tag, unsettled] : lent_) lost.push_back(token(tag));
  lent_.clear();
  if (!lost.empty()) listener_.lost(lost);
}

std::string RabbitMqConsumer::token(std::uint64_t tag) const {
  return prefix_ + std::to_string(tag);
}

std::optional<std::uint64_t> RabbitMqConsumer::tag_of(std::string_view token) const {
  if (!token.starts_with(prefix_)) return std::nullopt;
  token.remove_prefix(prefix_.size());
  std::uint64_t tag = 0;
  const auto [end, failure] = std::from_chars(token.data(), token.data() + token.size(), tag);
  if (failure != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return tag;
}

void RabbitMqConsumer::forget(std::map<std::uint64_t, Unsettled>::iterator lent) {
  if (!lent->second.digest_id.empty()) digest_ids_.erase(lent->second.digest_id);
  lent_.erase(lent);
}

}  // namespace forewarm
