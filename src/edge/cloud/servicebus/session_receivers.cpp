#include "edge/cloud/servicebus/session_receivers.h"

#include <proton/connection.h>
#include <proton/terminus.h>

#include <algorithm>
#include <utility>

#include "edge/cloud/servicebus/session_attach.h"

namespace forewarm {
namespace {

// The service refuses a link for which it has found no session for so long; the next one waits again.
constexpr std::chrono::seconds kNextWithin{30};
constexpr std::chrono::seconds kNextOverdue{15};
// Sooner it is no waiting: something is wrong there, and is not asked for again at once.
constexpr std::chrono::seconds kWaitedSome{1};
constexpr std::chrono::seconds kRenewAgain{1};
// A session that is accepted has messages, so it is not believed at once that it has none.
constexpr std::chrono::seconds kFirstWithin{1};

const char* link_name(const BusReceiver& receiver) {
  return pn_link_name(receiver.link());
}

}  // namespace

SessionReceivers::SessionReceivers(pn_connection_t* connection, const ServiceBusOptions& options,
                                   std::string place, Heard heard, Hands hands)
    : connection_(connection),
      options_(options),
      place_(std::move(place)),
      heard_(std::move(heard)),
      hands_(std::move(hands)),
      backoff_(static_cast<std::uint64_t>(Clock::now().time_since_epoch().count())) {}

SessionReceivers::Number SessionReceivers::number_of(const pn_link_t* link) const {
  const auto found = std::ranges::find_if(
      served_, [link](const auto& each) { return each.second.line.receiver->link() == link; });
  return found == served_.end() ? 0 : found->first;
}

bool SessionReceivers::owns(const pn_link_t* link) const {
  const auto is_it = [link](const Line& line) { return line.receiver->link() == link; };
  return (next_ && is_it(*next_)) || number_of(link) != 0 || std::ranges::any_of(ended_, is_it);
}

void SessionReceivers::take(const pn_link_t* link, pn_delivery_t* delivery) {
  if (const Number number = number_of(link)) served_.at(number).line.receiver->take(delivery);
}

// A link for which there is no session is answered without a source, or without a session in it, and then
// ended with the reason.
void SessionReceivers::attached(const pn_link_t* link) {
  if (!next_ || next_->receiver->link() != link || !next_->receiver->attached()) return;
  const auto id = session_in_filter(pn_terminus_filter(pn_link_remote_source(next_->receiver->link())));
  if (!id) return;
  const auto now = Clock::now();
  Served served;
  served.line = std::move(*next_);
  next_.reset();
  served.id = *id;
  served.since = now;
  served.busy_at = now;
  served.length =
      heard_.lock_left(session_locked_until(pn_link_remote_properties(served.line.receiver->link())));
  served.until = now + served.length;
  served_.emplace(last_number_, std::move(served));
  answered_ = true;
  backoff_.reset();
}

// That there is no session for us is said by a timeout. A session whose link ends is left, and what is wrong
// with the queue is what the next link is told.
bool SessionReceivers::closed(const pn_link_t* link, const std::string& condition) {
  const auto now = Clock::now();
  if (const Number number = number_of(link)) {
    leave(number, condition.empty() ? "the service ended its link" : condition);
    return true;
  }
  const auto ended =
      std::ranges::find_if(ended_, [link](const Line& line) { return line.receiver->link() == link; });
  if (ended != ended_.end()) {
    Line line = std::move(*ended);
    ended_.erase(ended);
    use_again(std::move(line));
    return true;
  }
  answered_ = true;
  const bool waited = next_since_ + kWaitedSome <= now;
  stop_waiting();
  const bool none = condition.empty() || condition.starts_with("com.microsoft:timeout") ||
                    condition.starts_with("com.microsoft:session-cannot-be-locked") ||
                    condition.starts_with("amqp:link:detach-forced");
  next_at_ = none && waited ? now : now + backoff_.next();
  if (none && waited) backoff_.reset();
  // What is ours need not end for it; when nothing is, it is said.
  return none || !served_.empty();
}

bool SessionReceivers::closed(const pn_session_t* channel, const std::string& condition) {
  const auto is_it = [channel](const Line& line) { return line.channel.get() == channel; };
  if (next_ && is_it(*next_)) return closed(next_->receiver->link(), condition);
  const auto served =
      std::ranges::find_if(served_, [&](const auto& each) { return is_it(each.second.line); });
  const bool fine = served == served_.end() || closed(served->second.line.receiver->link(), condition);
  std::erase_if(ended_, is_it);
  std::erase_if(channels_, [channel](const Channel& each) { return each.get() == channel; });
  return fine;
}

void SessionReceivers::want(std::uint32_t window, Clock::time_point now) {
  places_ = std::min(options_.sessions, window);
  window_ = window;
  // Less than the whole is for those that are here, so that the next one finds room.
  const auto shares = static_cast<std::uint32_t>(served_.size() + 1);
  share_ = places_ == 0 ? 0 : options_.keeps_order ? std::max(1U, window / shares) : 1;
  std::vector<Number> over_now;
  for (auto& [number, served] : served_) {
    served.line.receiver->expire(now);
    if (over(served, now)) {
      over_now.push_back(number);
      continue;
    }
    give_credit(served, now);
    // What is lent is prolonged by whoever has it.
    if (served.lent.empty() && served.until - now < served.length / 2) renew(number, served);
  }
  for (const Number number : over_now) leave(number, "its time was over");
  lend();
  // More than there is room for: those that have nothing out, until there is.
  for (auto each = served_.begin(); each != served_.end() && served_.size() > places_;) {
    const auto [number, quiet] = std::pair(each->first, each->second.quiet());
    ++each;
    if (quiet) leave(number, "there is no room for it");
  }
  wait_for_next(now);
}

/// Lost, or left because somebody else may need the place.
bool SessionReceivers::over(Served& served, Clock::time_point now) {
  if (served.lost || served.until <= now) return true;
  if (!served.quiet() || !served.waiting.empty()) {
    served.busy_at = now;
    served.draining = false;
  }
  if (crowded() && served.since + options_.session_turn <= now) served.leaving = true;
  if (!served.quiet()) return false;
  if (served.leaving || share_ == 0) return true;
  if (!served.waiting.empty()) return false;
  pn_link_t* link = served.line.receiver->link();
  const bool dry = served.draining && !pn_link_draining(link) && pn_link_credit(link) == 0;
  return (dry && crowded()) || served.busy_at + options_.session_idle <= now;
}

// The next one is of who has least, and of those of who has waited longest: a session whose messages all wait
// for its first one's retry takes nothing from others but what it has.
void SessionReceivers::lend() {
  std::size_t lent = 0;
  for (const auto& [number, served] : served_) lent += served.lent.size();
  const auto has_less = [](const Served* one, const Served* other) {
    return std::pair(one->lent.size(), one->lent_at) < std::pair(other->lent.size(), other->lent_at);
  };
  for (; lent < window_; ++lent) {
    Served* next = nullptr;
    for (auto& [number, served] : served_) {
      const bool may = !served.leaving && !served.waiting.empty() && served.lent.size() < share_;
      if (may && (next == nullptr || has_less(&served, next))) next = &served;
    }
    if (next == nullptr) return;
    LentMessage message = std::move(next->waiting.front());
    next->waiting.pop_front();
    next->lent.insert(message.token);
    next->lent_at = ++lendings_;
    heard_.arrived(std::move(message), next->until);
  }
}

// Where every place is taken, a session without messages is asked whether there are none: the service answers
// a drained link with what it has, and then with no credit.
void SessionReceivers::give_credit(Served& served, Clock::time_point now) {
  if (served.leaving || share_ == 0) return served.line.receiver->want(0, 0);
  const bool asks = crowded() && served.quiet() && served.waiting.empty() &&
                    (served.came || served.since + kFirstWithin <= now) &&
                    pn_link_credit(served.line.receiver->link()) > 0;
  if (asks && !served.draining) {
    served.draining = true;
    pn_link_drain(served.line.receiver->link(), 0);
  }
  if (served.draining && pn_link_draining(served.line.receiver->link())) return;
  served.draining = false;
  const auto ours = static_cast<std::uint32_t>(served.lent.size() + served.waiting.size());
  served.line.receiver->want(share_ + 1 > ours ? share_ + 1 - ours : 0, share_ + 1);
}

void SessionReceivers::arrived(Number number, LentMessage message) {
  Served& served = served_.at(number);
  message.group = served.id;
  // A session that is left adds nothing to the count, so that the first is not known from a second.
  if (message.deliveries == 1) message.deliveries = 0;
  served.came = true;
  served.waiting.push_back(std::move(message));
}

void SessionReceivers::unlocked(Number number, const std::string& token) {
  const auto found = served_.find(number);
  if (found == served_.end()) return;
  found->second.lent.erase(token);
  std::erase_if(found->second.waiting, [&](const LentMessage& each) { return each.token == token; });
  heard_.unlocked(token);
}

bool SessionReceivers::settle(const Settlement& settlement, const Taken& taken) {
  for (auto& [number, served] : served_) {
    if (!served.lent.contains(settlement.token) && !served.settling.contains(settlement.token)) continue;
    served.lent.erase(settlement.token);
    served.settling.insert(settlement.token);
    return served.line.receiver->settle(settlement,
                                        [this, token = settlement.token, taken](const Result<void>& result) {
                                          settled(token, result);
                                          taken(result);
                                        });
  }
  return false;
}

void SessionReceivers::settled(const std::string& token, const Result<void>& result) {
  // That is tried again.
  if (!result && (result.error().code == ErrorCode::Io || result.error().code == ErrorCode::Exhausted))
    return;
  for (auto& [number, served] : served_) {
    if (served.settling.erase(token) == 0) continue;
    if (!result && result.error().message.find("session-lock-lost") != std::string::npos) served.lost = true;
  }
}

std::optional<std::string> SessionReceivers::session_of(const std::string& token) const {
  for (const auto& [number, served] : served_) {
    if (served.lent.contains(token) || served.settling.contains(token)) return served.id;
  }
  return std::nullopt;
}

void SessionReceivers::extend(const std::vector<std::string>& tokens) {
  for (auto& [number, served] : served_) {
    if (std::ranges::any_of(tokens, [&](const auto& token) { return served.lent.contains(token); }))
      renew(number, served);
  }
}

void SessionReceivers::renew(Number number, Served& served) {
  const auto now = Clock::now();
  if (served.renewing || now < served.renew_at) return;
  served.renewing = true;
  hands_.renew(
      served.id, link_name(*served.line.receiver),
      [this, number, now](const Result<std::vector<TimePoint>>& until) { renewed(number, now, until); });
}

// From when it was asked, not from the answer: the service's clock starts in between.
void SessionReceivers::renewed(Number number, Clock::time_point asked,
                               const Result<std::vector<TimePoint>>& until) {
  const auto found = served_.find(number);
  if (found == served_.end()) return;
  Served& served = found->second;
  served.renewing = false;
  if (!until) {
    served.renew_at = Clock::now() + kRenewAgain;
    if (until.error().code == ErrorCode::Closed) served.lost = true;
    return;
  }
  served.length = heard_.lock_left(until->empty() ? std::nullopt : std::optional(until->front()));
  served.until = std::max(served.until, asked + served.length);
  if (!served.lent.empty())
    heard_.prolonged(std::vector<std::string>(served.lent.begin(), served.lent.end()), served.until);
}

void SessionReceivers::leave(Number number, const std::string& why) {
  auto gone = served_.extract(number);
  Served& served = gone.mapped();
  served.line.receiver->end({ErrorCode::Closed, place_ + ": session \"" + served.id +
                                                    "\" is not ours any more (" + why +
                                                    "); its messages come again if they were not settled"});
  if (!served.lent.empty()) heard_.ended(std::vector<std::string>(served.lent.begin(), served.lent.end()));
  put_away(std::move(served.line));
}

// Proton sends nothing more on a connection on which it is told to forget a link that the service has not
// answered. And it gives a channel's number away before the service has said that the channel is over, which
// not everybody on the other side understands: so channels are kept and used again.
void SessionReceivers::put_away(Line line) {
  line.receiver->close();
  if ((pn_link_state(line.receiver->link()) & PN_REMOTE_CLOSED) != 0) return use_again(std::move(line));
  ended_.push_back(std::move(line));
}

void SessionReceivers::use_again(Line line) {
  line.receiver.reset();
  if ((pn_session_state(line.channel.get()) & PN_REMOTE_CLOSED) == 0)
    channels_.push_back(std::move(line.channel));
}

void SessionReceivers::stop_waiting() {
  if (next_) put_away(std::move(*std::exchange(next_, std::nullopt)));
}

void SessionReceivers::wait_for_next(Clock::time_point now) {
  if (crowded()) return stop_waiting();
  if (next_ && next_since_ + kNextWithin + kNextOverdue <= now) stop_waiting();
  if (next_ || now < next_at_) return;
  const Number number = ++last_number_;
  next_since_ = now;
  Line line;
  if (channels_.empty()) {
    line.channel.reset(pn_session(connection_));
    pn_session_open(line.channel.get());
  } else {
    line.channel = std::move(channels_.back());
    channels_.pop_back();
  }
  line.receiver = std::make_unique<BusReceiver>(
      line.channel.get(), options_.queue, "session" + std::to_string(number), place_,
      BusReceiver::Heard{
          .arrived = [this, number](LentMessage message) { arrived(number, std::move(message)); },
          .unlocked = [this, number](const std::string& token) { unlocked(number, token); }},
      [](pn_link_t* link) {
        ask_for_any_session(pn_terminus_filter(pn_link_source(link)), pn_link_properties(link), kNextWithin);
      });
  next_ = std::move(line);
}

std::size_t SessionReceivers::settling() const {
  std::size_t count = 0;
  for (const auto& [number, served] : served_) count += served.line.receiver->settling();
  return count;
}

void SessionReceivers::end(const Error& why) {
  stop_waiting();
  while (!served_.empty()) leave(served_.begin()->first, why.message);
}

}  // namespace forewarm
