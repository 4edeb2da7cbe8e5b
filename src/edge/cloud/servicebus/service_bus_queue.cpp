#include "edge/cloud/servicebus/service_bus_queue.h"

#include <algorithm>
#include <utility>

namespace forewarm {
namespace {

constexpr std::chrono::milliseconds kTurn{250};
// What Azure gives a queue that says nothing else is a minute; the portal's form has begun with half of it.
constexpr Duration kLockUnknown = 30s;
constexpr Duration kLockMost = 5min;
constexpr std::size_t kRenewedAtOnce = 100;
// What a session has lent ends with it, all at once; leases that end by themselves are for when nobody looks.
constexpr Duration kSessionFirst = 5s;

TimePoint bus_wall_now() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

}  // namespace

ServiceBusQueue::ServiceBusQueue(ServiceBusOptions options) : options_(std::move(options)) {
  traits_.counts_deliveries = !options_.has_sessions;
  traits_.dead_letters = true;
  traits_.lease = kLockUnknown;
}

ServiceBusQueue::~ServiceBusQueue() {
  asking_.request_stop();
  thread_.stop();
}

void ServiceBusQueue::start(Listener listener) {
  listener_ = std::move(listener);
  thread_.start({.connect = [this] { return connect(); },
                 .serve = [this](const std::stop_token& stop) { return serve(stop); },
                 .state = listener_.state,
                 .close = [this] { close(); },
                 .interrupt = [this] { hurry_ = true; }});
}

void ServiceBusQueue::set_window(std::uint32_t unsettled_max) {
  thread_.post([this, unsettled_max] { window_ = unsettled_max; });
}

void ServiceBusQueue::settle(std::vector<Settlement> settlements) {
  thread_.post([this, settlements = std::move(settlements)] {
    for (const auto& settlement : settlements) accept(settlement);
    // Between connections nothing else looks at them.
    if (!session_) end_locks(Clock::now());
  });
}

void ServiceBusQueue::extend(std::vector<std::string> tokens) {
  thread_.post([this, tokens = std::move(tokens)] {
    to_renew_.insert(to_renew_.end(), tokens.begin(), tokens.end());
    if (!session_) end_locks(Clock::now());
  });
}

void ServiceBusQueue::observe(std::function<void(Result<QueueDepth>)> done) {
  thread_.post([this, done = std::move(done)] {
    observers_.push_back(done);
    if (observers_.size() == 1) ask_depth_apart();
  });
}

void ServiceBusQueue::publish(LentMessage message, std::function<void(Result<void>)> done) {
  thread_.post([this, message = std::move(message), done = std::move(done)] {
    if (!session_) return done(std::unexpected(not_connected()));
    session_->publish(message, done);
  });
}

EngineTraits ServiceBusQueue::traits() const {
  const std::lock_guard lock(traits_mutex_);
  return traits_;
}

Result<void> ServiceBusQueue::connect() {
  end_locks(Clock::now());
  if (!described_) describe();
  return attach(true);
}

Result<void> ServiceBusQueue::attach(bool again) {
  auto connection = ProtonConnection::open(options_, hurry_);
  if (!connection) return std::unexpected(connection.error());
  auto session = std::make_unique<BusSession>(
      std::move(*connection), options_,
      BusReceiver::Heard{.arrived = [this](LentMessage message) { take(std::move(message)); },
                         .unlocked = [this](const std::string& token) { lose(token); }},
      by_sessions() ? std::optional(of_sessions()) : std::nullopt);
  if (auto opened = session->open(); !opened) {
    // What has gone wrong with this connection is said already.
    session->end(opened.error());
    // Who may not read the description is told by the link whether there are sessions.
    if (!session->other_kind() || options_.has_sessions || !again) return opened;
    take_sessions(!requires_session_);
    return attach(false);
  }
  session_ = std::move(session);
  return {};
}

void ServiceBusQueue::take_sessions(bool required) {
  requires_session_ = required;
  const std::lock_guard lock(traits_mutex_);
  traits_.counts_deliveries = !by_sessions();
}

bool ServiceBusQueue::by_sessions() const {
  return options_.has_sessions || requires_session_;
}

SessionReceivers::Heard ServiceBusQueue::of_sessions() {
  return {.arrived =
              [this](LentMessage message, Clock::time_point until) {
                hold(std::move(message), std::chrono::duration_cast<Duration>(until - Clock::now()),
                     kSessionFirst);
              },
          .unlocked = [this](const std::string& token) { lose(token); },
          .prolonged =
              [this](const std::vector<std::string>& tokens, Clock::time_point until) {
                for (const auto& token : tokens) prolong(token, until, kSessionFirst);
              },
          .ended =
              [this](const std::vector<std::string>& tokens) {
                for (const auto& token : tokens) lose(token);
              },
          .lock_left =
              [this](const std::optional<TimePoint>& until) {
                const Duration length = lock_left(until);
                note_lease(length);
                return length;
              }};
}

// Once: who may not read it consumes all the same, and whoever observes the queue is told what is wrong.
void ServiceBusQueue::describe() {
  described_ = true;
  if (options_.management.empty()) return;
  if (const auto description = ask_queue_description(options_, {})) learn(*description);
}

void ServiceBusQueue::learn(const BusQueueDescription& description) {
  if (description.lock_duration && *description.lock_duration > Duration(0))
    lock_duration_ = std::min(*description.lock_duration, kLockMost);
  take_sessions(description.requires_session);
  const std::lock_guard lock(traits_mutex_);
  if (lock_duration_) traits_.lease = *lock_duration_;
  traits_.deliveries_max = description.deliveries_max;
}

Error ServiceBusQueue::serve(const std::stop_token& stop) {
  while (true) {
    thread_.commands().run();
    flush(Clock::now());
    const auto turned = session_->turn();
    if (stop.stop_requested()) return not_connected();
    if (!turned) {
      const auto ended = std::exchange(session_, nullptr);
      // Whatever the reason is, another connection may take what this one has not.
      ended->end({ErrorCode::Io, turned.error().message});
      // What it had of sessions is lost with it.
      end_locks(Clock::now());
      return turned.error();
    }
    flush(Clock::now());
    thread_.commands().wait(session_->socket(), kTurn, session_->wants_to_write());
  }
}

void ServiceBusQueue::flush(Clock::time_point now) {
  end_locks(now);
  lend();
  give_back_held(now);
  renew_locks(std::exchange(to_renew_, {}));
  send_settlements(now);
  if (!extended_.empty()) listener_.extended(std::exchange(extended_, {}));
  const auto ours = static_cast<std::uint32_t>(book_.size() + held_.size());
  session_->want(window_ > ours ? window_ - ours : 0, window_);
}

void ServiceBusQueue::take(LentMessage message) {
  const Duration left = lock_left(message.lent_until);
  note_lease(left);
  hold(std::move(message), left, Duration(0));
}

// Whoever renews locks goes by what the last one was.
void ServiceBusQueue::note_lease(Duration length) {
  if (lock_duration_) return;
  const std::lock_guard lock(traits_mutex_);
  traits_.lease = length;
}

void ServiceBusQueue::hold(LentMessage message, Duration left, Duration longer) {
  message.lent_until = bus_wall_now() + left;
  held_.push_back({std::move(message), Clock::now() + left + longer, left});
}

// By the queue's own lock duration, from now: the service's clock need not be ours. Without it by what both
// clocks say, within what Service Bus allows.
Duration ServiceBusQueue::lock_left(const std::optional<TimePoint>& until) const {
  if (lock_duration_) return *lock_duration_;
  if (!until) return kLockUnknown;
  return std::clamp<Duration>(*until - bus_wall_now(), 1s, kLockMost);
}

void ServiceBusQueue::lend() {
  std::vector<LentMessage> messages;
  while (!held_.empty() && book_.size() < window_) {
    Held held = std::move(held_.front());
    held_.pop_front();
    const auto now = Clock::now();
    // It came again before its lock was over here: the former one is not ours any more.
    const auto former =
        book_.add({held.message, {}}, now, std::chrono::duration_cast<Duration>(held.until - now));
    if (former) lost_.push_back(*former);
    messages.push_back(std::move(held.message));
  }
  if (!lost_.empty()) listener_.lost(std::exchange(lost_, {}));
  if (!messages.empty()) listener_.lent(std::move(messages));
}

// What waits here beyond the window is given back while there is time, and at once when no window is left.
void ServiceBusQueue::give_back_held(Clock::time_point now) {
  std::erase_if(held_, [&](const Held& held) {
    // Those of a session go back with it.
    if (session_->has_sessions() || (window_ != 0 && held.until - now > held.length / 3)) return false;
    session_->settle({.token = held.message.token, .kind = SettleKind::Release}, [](const Result<void>&) {});
    return true;
  });
}

void ServiceBusQueue::end_locks(Clock::time_point now) {
  for (auto& token : book_.take_ended(now)) lost_.push_back(std::move(token));
  if (!lost_.empty()) listener_.lost(std::exchange(lost_, {}));
  std::vector<std::string> late;
  for (const auto& [token, unsettled] : unsettled_) {
    if (!unsettled.sent && unsettled.until <= now) late.push_back(token);
  }
  for (const auto& token : late) {
    const auto kind = unsettled_.extract(token).mapped().settlement.kind;
    listener_.settled(token, kind,
                      error(ErrorCode::Closed, "Service Bus, queue \"" + options_.queue +
                                                   "\": the lock ended before the settlement reached it; the "
                                                   "message comes again"));
  }
}

void ServiceBusQueue::accept(Settlement settlement) {
  const auto lease = book_.take(settlement.token);
  if (!lease) {
    return listener_.settled(
        settlement.token, settlement.kind,
        error(ErrorCode::Closed, "Service Bus, queue \"" + options_.queue +
                                     "\": this delivery is not ours any more; the message comes again if it "
                                     "was not settled"));
  }
  const std::string token = settlement.token;
  unsettled_[token] = {.settlement = std::move(settlement), .until = lease->until};
}

void ServiceBusQueue::send_settlements(Clock::time_point now) {
  // What cannot be sent at all is answered at once, and then is here no more.
  std::vector<std::string> due;
  for (const auto& [token, unsettled] : unsettled_) {
    if (!unsettled.sent && unsettled.not_before <= now) due.push_back(token);
  }
  for (const auto& token : due) {
    Unsettled& unsettled = unsettled_.at(token);
    unsettled.sent = true;
    session_->settle(unsettled.settlement,
                     [this, token](const Result<void>& taken) { answered(token, taken); });
  }
}

// A settlement that had no answer is sent again while its lock holds: one that was taken already is then told
// as lost, and the message does not come again.
void ServiceBusQueue::answered(const std::string& token, const Result<void>& taken) {
  const auto found = unsettled_.find(token);
  if (found == unsettled_.end()) return;
  Unsettled& unsettled = found->second;
  const auto now = Clock::now();
  const bool again =
      !taken && (taken.error().code == ErrorCode::Io || taken.error().code == ErrorCode::Exhausted);
  if (again && unsettled.until > now) {
    unsettled.sent = false;
    unsettled.not_before = now + std::chrono::milliseconds(200) * (1 << std::min(unsettled.tries++, 5));
    return;
  }
  const auto kind = unsettled.settlement.kind;
  unsettled_.erase(found);
  listener_.settled(token, kind, taken);
}

void ServiceBusQueue::renew_locks(const std::vector<std::string>& tokens) {
  if (session_->has_sessions()) return session_->extend_sessions(tokens);
  std::vector<std::string> ours;
  for (const auto& token : tokens) {
    if (book_.find(token) != nullptr) ours.push_back(token);
    if (ours.size() < kRenewedAtOnce && &token != &tokens.back()) continue;
    if (ours.empty()) continue;
    session_->renew(ours, [this, ours, asked = Clock::now()](const Result<std::vector<TimePoint>>& until) {
      renewed(ours, asked, until);
    });
    ours.clear();
  }
}

// From when it was asked, not from the answer: the service's clock starts in between.
void ServiceBusQueue::renewed(const std::vector<std::string>& tokens, Clock::time_point asked,
                              const Result<std::vector<TimePoint>>& until) {
  if (!until) {
    // Whoever asked asks again in time when the service has said no; an answer that a link or a connection
    // took with it is asked for by another.
    if (until.error().code == ErrorCode::Io) to_renew_.insert(to_renew_.end(), tokens.begin(), tokens.end());
    if (until.error().code != ErrorCode::Closed) return;
    // One lock that is lost fails them all.
    if (tokens.size() == 1) return lose(tokens.front());
    for (const auto& token : tokens) {
      if (session_) renew_locks({token});
    }
    return;
  }
  for (std::size_t i = 0; i < tokens.size(); ++i)
    prolong(tokens[i], asked + lock_left((*until)[i]), Duration(0));
}

void ServiceBusQueue::prolong(const std::string& token, Clock::time_point until, Duration longer) {
  for (auto& held : held_) {
    if (held.message.token == token) held.until = std::max(held.until, until + longer);
  }
  if (!book_.prolong(token, until + longer)) return;
  extended_.emplace_back(token, bus_wall_now() + std::chrono::duration_cast<Duration>(until - Clock::now()));
}

void ServiceBusQueue::lose(const std::string& token) {
  std::erase_if(held_, [&](const Held& held) { return held.message.token == token; });
  if (book_.take(token)) lost_.push_back(token);
}

void ServiceBusQueue::ask_depth_apart() {
  asking_ = std::jthread([this](const std::stop_token& stop) {
    auto description = options_.management.empty()
                           ? Result<BusQueueDescription>(error(
                                 ErrorCode::NotFound, "there is no management API to ask for the depth"))
                           : ask_queue_description(options_, stop);
    thread_.post([this, description = std::move(description)] {
      if (description) learn(*description);
      for (auto& done : std::exchange(observers_, {})) {
        if (description) {
          done(QueueDepth{
              .waiting = description->active, .in_flight = {}, .oldest_wait = {}, .arrived_total = {}});
        } else {
          done(std::unexpected(description.error()));
        }
      }
    });
  });
}

void ServiceBusQueue::close() {
  if (!session_) return;
  const auto give_back = [this](const std::string& token) {
    session_->settle({.token = token, .kind = SettleKind::Release}, [](const Result<void>&) {});
  };
  send_settlements(Clock::time_point::max());
  if (!session_->has_sessions()) {
    for (const auto& token : book_.tokens()) give_back(token);
    for (const auto& held : held_) give_back(held.message.token);
  }
  session_->close();
  session_.reset();
}

Error ServiceBusQueue::not_connected() const {
  return {ErrorCode::Closed, "Service Bus at " + options_.host + ":" + std::to_string(options_.port) +
                                 " is not connected; it is tried again until it is back"};
}

std::unique_ptr<MessageSource> make_service_bus_source(ServiceBusOptions options) {
  return std::make_unique<ServiceBusQueue>(std::move(options));
}

}  // namespace forewarm
