#include "edge/cloud/nats/nats_session.h"

#include <algorithm>

namespace forewarm {
namespace {

constexpr const char* kSubjectHeader = "Nats-Subject";
constexpr const char* kIdHeader = "Nats-Msg-Id";

TimePoint wall_now() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

Result<void> stored(const Result<std::string>& answer, const std::string& place) {
  if (!answer) return std::unexpected(answer.error());
  const auto failure = parse_error(*answer);
  if (!failure) return {};
  return error(ErrorCode::Exhausted,
               place + " did not take the message: " + failure->description + "; check the stream's limits");
}

}  // namespace

NatsSession::NatsSession(std::unique_ptr<NatsLink> link, const NatsOptions& options, Facts facts,
                         const MessageSource::Listener& listener, const NatsRequests::Post& post,
                         std::uint64_t connection)
    : link_(std::move(link)),
      options_(options),
      facts_(std::move(facts)),
      listener_(listener),
      prefix_(std::to_string(connection) + "-"),
      requests_(*link_, post),
      pulls_(*link_, options_, facts_.consumer, post,
             {.take = [this](const NatsMessage& message,
                             const DeliveryFacts& delivery) { take(message, delivery); },
              .fail =
                  [this](Error why) {
                    if (!failure) failure = std::move(why);
                  },
              .refused = listener.state}) {}

void NatsSession::take(const NatsMessage& message, const DeliveryFacts& delivery) {
  Held held;
  held.unsettled.reply_subject = nats_reply_subject(message);
  held.unsettled.id = std::to_string(delivery.sequence);
  held.unsettled.lease = facts_.consumer.lease(delivery.deliveries);
  held.unsettled.until = Clock::now() + held.unsettled.lease;
  LentMessage& lent = held.message;
  lent.id = held.unsettled.id;
  lent.token = prefix_ + held.unsettled.reply_subject;
  lent.body = nats_data(message);
  lent.attributes = nats_headers(message);
  if (std::ranges::find(lent.attributes, kSubjectHeader, &NatsHeaders::value_type::first) ==
      lent.attributes.end()) {
    lent.attributes.emplace_back(kSubjectHeader, natsMsg_GetSubject(message.get()));
  }
  lent.deliveries = delivery.deliveries;
  lent.sent = delivery.stored;
  lent.lent_until = wall_now() + held.unsettled.lease;
  held_.push_back(std::move(held));
}

void NatsSession::lend() {
  std::vector<LentMessage> messages;
  std::vector<std::string> lost;
  while (!held_.empty() && lent_.size() < window_) {
    Held held = std::move(held_.front());
    held_.pop_front();
    // It came again before its lease was over here: the former delivery is not ours any more.
    if (const auto former = tokens_.find(held.unsettled.id); former != tokens_.end()) {
      lost.push_back(former->second);
      forget(lent_.find(former->second));
    }
    tokens_[held.unsettled.id] = held.message.token;
    lent_[held.message.token] = std::move(held.unsettled);
    messages.push_back(std::move(held.message));
  }
  if (!lost.empty()) listener_.lost(lost);
  if (!messages.empty()) listener_.lent(std::move(messages));
}

void NatsSession::forget(std::map<std::string, Unsettled>::iterator lent) {
  tokens_.erase(lent->second.id);
  lent_.erase(lent);
}

void NatsSession::settle(const Settlement& settlement) {
  const auto lent = lent_.find(settlement.token);
  if (lent == lent_.end()) {
    return listener_.settled(
        settlement.token, settlement.kind,
        error(ErrorCode::Closed, link_->place() + ": this delivery is not ours any more; the message "
                                                  "comes again if it was not settled"));
  }
  const Unsettled unsettled = lent->second;
  forget(lent);
  switch (settlement.kind) {
    case SettleKind::Acknowledge:
      return answer(unsettled.reply_subject, "+ACK", settlement.token, settlement.kind);
    case SettleKind::Release:
      return answer(unsettled.reply_subject, negative_acknowledgement(settlement.delay), settlement.token,
                    settlement.kind);
    case SettleKind::DeadLetter:
      return dead_letter(settlement, unsettled);
  }
}

// The server answers each kind of acknowledgement that asks for it.
void NatsSession::answer(const std::string& reply_subject, const std::string& data, const std::string& token,
                         SettleKind kind) {
  requests_.send(reply_subject, data, [this, token, kind](const Result<std::string>& answered) {
    listener_.settled(token, kind, answered ? Result<void>() : std::unexpected(answered.error()));
  });
}

// Stored first and ended then: killed between, the server has it twice rather than not at all, and the id
// lets the dead letters' stream drop the second within its duplicate window.
void NatsSession::dead_letter(const Settlement& settlement, const Unsettled& unsettled) {
  const auto refuse = [&](const Error& why) {
    hand_back(unsettled.reply_subject);
    listener_.settled(settlement.token, settlement.kind, std::unexpected(why));
  };
  if (options_.dead_letter_subject.empty()) {
    return refuse({ErrorCode::Conflict,
                   link_->place() +
                       ": there is no dead_letter_subject to publish the dead letters of "
                       "stream \"" +
                       options_.stream + "\" to; set one that a stream takes. The message was given back"});
  }
  if (!settlement.message) {
    return refuse(
        {ErrorCode::Invalid, "a dead letter for NATS needs the message, to be published. It was given back"});
  }
  NatsHeaders headers;
  for (const auto& header : settlement.message->attributes) {
    if (header.first != kIdHeader) headers.push_back(header);
  }
  headers.emplace_back(kIdHeader, options_.stream + "." + options_.consumer + "." + unsettled.id + ".dead");
  headers.emplace_back("Nats-Stream", options_.stream);
  headers.emplace_back("Nats-Sequence", unsettled.id);
  if (!settlement.reason.empty()) headers.emplace_back("Dead-Letter-Reason", settlement.reason);
  requests_.send(
      options_.dead_letter_subject, settlement.message->body,
      [this, token = settlement.token,
       reply_subject = unsettled.reply_subject](const Result<std::string>& answered) {
        if (auto taken = stored(answered, link_->place()); !taken) {
          hand_back(reply_subject);
          return listener_.settled(token, SettleKind::DeadLetter, taken);
        }
        answer(reply_subject, "+TERM", token, SettleKind::DeadLetter);
      },
      headers);
}

void NatsSession::hand_back(const std::string& reply_subject) {
  if (auto sent = link_->publish(reply_subject, "", "-NAK"); !sent && !failure) failure = sent.error();
}

void NatsSession::extend(const std::string& token) {
  const auto lent = lent_.find(token);
  if (lent == lent_.end()) return;
  // From when it was asked, not from the answer: the server's clock starts in between.
  const auto until = Clock::now() + lent->second.lease;
  const auto until_wall = wall_now() + lent->second.lease;
  requests_.send(lent->second.reply_subject, "+WPI",
                 [this, token, until, until_wall](const Result<std::string>& answered) {
                   const auto still = lent_.find(token);
                   if (!answered || still == lent_.end()) return;
                   still->second.until = std::max(still->second.until, until);
                   extended_.emplace_back(token, until_wall);
                 });
}

void NatsSession::observe(Observed done) {
  const std::string name = options_.stream + "." + options_.consumer;
  requests_.send(
      "$JS.API.CONSUMER.INFO." + name, "",
      [this, done = std::move(done)](const Result<std::string>& answered) {
        if (!answered) return done(std::unexpected(answered.error()));
        if (const auto failed = parse_error(*answered)) {
          return done(error(ErrorCode::NotFound, link_->place() + ", consumer \"" + options_.consumer +
                                                     "\" of stream \"" + options_.stream +
                                                     "\": " + failed->description));
        }
        const auto consumer = parse_consumer(*answered);
        if (!consumer) return done(std::unexpected(consumer.error()));
        QueueDepth depth;
        depth.waiting = consumer->pending;
        depth.in_flight = consumer->unacknowledged;
        observe_stream(depth, *consumer, done);
      });
}

// With a filter the stream's sequence counts what is for others, too.
void NatsSession::observe_stream(QueueDepth depth, const ConsumerFacts& consumer, const Observed& done) {
  if (!consumer.filter_subject.empty()) return observe_oldest(depth, consumer, done);
  requests_.send("$JS.API.STREAM.INFO." + options_.stream, "",
                 [this, depth, consumer, done](const Result<std::string>& answered) mutable {
                   const auto stream = answered ? parse_stream(*answered) : std::unexpected(answered.error());
                   if (!stream) return done(std::unexpected(stream.error()));
                   depth.arrived_total = stream->last_sequence;
                   observe_oldest(depth, consumer, done);
                 });
}

void NatsSession::observe_oldest(QueueDepth depth, const ConsumerFacts& consumer, const Observed& done) {
  if (consumer.pending == 0) return done(depth);
  requests_.send("$JS.API.STREAM.MSG.GET." + options_.stream,
                 next_message_json(consumer.delivered_sequence + 1, consumer.filter_subject),
                 [done, depth](const Result<std::string>& answered) mutable {
                   // It may have been taken meanwhile.
                   const auto time = answered ? parse_stored(*answered) : std::unexpected(answered.error());
                   if (time) depth.oldest_wait = std::max(Duration(0), wall_now() - *time);
                   done(depth);
                 });
}

void NatsSession::publish(const LentMessage& message, std::function<void(Result<void>)> done) {
  std::string subject = facts_.subject;
  NatsHeaders headers;
  for (const auto& header : message.attributes) {
    if (header.first == kSubjectHeader) {
      subject = header.second;
    } else if (header.first != kIdHeader) {
      headers.push_back(header);
    }
  }
  if (subject.empty()) {
    return done(error(ErrorCode::Invalid, "stream \"" + options_.stream +
                                              "\" has no single subject to publish to; name one "
                                              "with the option subject, or with the attribute Nats-Subject"));
  }
  if (!message.id.empty()) headers.emplace_back(kIdHeader, message.id);
  requests_.send(
      subject, message.body,
      [this, done = std::move(done)](const Result<std::string>& answered) {
        done(stored(answered, link_->place()));
      },
      headers);
}

// Answered before anything is pulled: the server takes acknowledgements and pull requests in by different
// ways, and one that came late would be for the delivery that follows.
void NatsSession::give_back(const std::vector<NatsLeftBehind>& left_behind) {
  const auto now = Clock::now();
  for (const auto& left : left_behind) {
    if (left.until <= now) continue;
    ++giving_back_;
    requests_.send(left.reply_subject, "-NAK", [this](const Result<std::string>&) { --giving_back_; });
  }
}

void NatsSession::flush(Clock::time_point now) {
  requests_.expire(now);
  end_leases(now);
  lend();
  if (!extended_.empty()) listener_.extended(std::exchange(extended_, {}));
  if (pulls_.silent(now)) ask_after_silence();
  if (giving_back_ > 0) return;
  pulls_.follow_window(window_, static_cast<std::uint32_t>(lent_.size() + held_.size()), now);
}

// The word that a consumer is gone may be lost with it, or never said: JetStream that was turned off says
// nothing. A server that knows no heartbeats of pull requests is asked now and then while nothing comes.
void NatsSession::ask_after_silence() {
  if (std::exchange(asking_, true)) return;
  requests_.send("$JS.API.CONSUMER.INFO." + options_.stream + "." + options_.consumer, "",
                 [this](const Result<std::string>& answered) {
                   asking_ = false;
                   pulls_.end_silence(Clock::now());
                   const auto refused = answered ? parse_error(*answered) : std::nullopt;
                   if ((answered && !refused) || failure) return;
                   failure = answered ? Error{ErrorCode::NotFound, link_->place() + ", consumer \"" +
                                                                       options_.consumer + "\" of stream \"" +
                                                                       options_.stream +
                                                                       "\": " + refused->description +
                                                                       "; it is tried again until it is back"}
                                      : answered.error();
                 });
}

void NatsSession::end_leases(Clock::time_point now) {
  // What is held back is given back while there is time, and at once when no window is left.
  std::erase_if(held_, [&](const Held& held) {
    if (window_ != 0 && held.unsettled.until - now > held.unsettled.lease / 3) return false;
    if (held.unsettled.until > now) hand_back(held.unsettled.reply_subject);
    return true;
  });
  std::vector<std::string> lost;
  for (auto lent = lent_.begin(); lent != lent_.end();) {
    const auto one = lent++;
    if (one->second.until > now) continue;
    lost.push_back(one->first);
    forget(one);
  }
  if (!lost.empty()) listener_.lost(lost);
}

void NatsSession::hand_back_all() {
  for (const auto& [token, unsettled] : lent_) hand_back(unsettled.reply_subject);
  for (const auto& held : held_) hand_back(held.unsettled.reply_subject);
}

std::vector<NatsLeftBehind> NatsSession::end(const Error& why) {
  requests_.end(why);
  std::vector<std::string> lost;
  std::vector<NatsLeftBehind> left_behind;
  for (const auto& [token, unsettled] : lent_) {
    lost.push_back(token);
    left_behind.push_back({unsettled.reply_subject, unsettled.until});
  }
  for (const auto& held : held_) left_behind.push_back({held.unsettled.reply_subject, held.unsettled.until});
  lent_.clear();
  if (!lost.empty()) listener_.lost(lost);
  return left_behind;
}

}  // namespace forewarm
