#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <utility>

#include "edge/cloud/engine_thread.h"
#include "edge/cloud/lease_book.h"
#include "edge/cloud/polled_engine.h"
#include "edge/cloud/polled_receivers.h"
#include "edge/cloud/settlement_batches.h"

namespace forewarm {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTurn{250};
constexpr std::chrono::seconds kClosePatience{2};
// Stumbles are shorter; a call without an answer is longer already.
constexpr std::chrono::seconds kSaidAfter{1};

class PolledQueue final : public MessageSource {
 public:
  PolledQueue(std::unique_ptr<HttpCalls> calls, std::unique_ptr<PolledEngine> engine)
      : calls_(std::move(calls)), engine_(std::move(engine)) {}

  ~PolledQueue() override { thread_.stop(); }

  void start(Listener listener) override {
    listener_ = std::move(listener);
    thread_.start({.connect = [this] { return connect(); },
                   .serve = [this](const std::stop_token& stop) { return serve(stop); },
                   .state = [this](const Result<void>& connected) { report(connected); },
                   .close = [this] { close(); },
                   .interrupt =
                       [this] {
                         hurry_ = true;
                         calls_->wake();
                       }});
  }

  void set_window(std::uint32_t unsettled_max) override {
    post([this, unsettled_max] { receivers_.set_window(unsettled_max); });
  }

  void settle(std::vector<Settlement> settlements) override {
    post([this, settlements = std::move(settlements)] {
      for (const auto& settlement : settlements) settle_one(settlement);
    });
  }

  void extend(std::vector<std::string> tokens) override {
    post([this, tokens = std::move(tokens)] {
      for (const auto& token : tokens) extend_one(token);
    });
  }

  void observe(std::function<void(Result<QueueDepth>)> done) override {
    post([this, done = std::move(done)] {
      engine_->look([this, done](Result<PolledEngine::Facts> facts) {
        if (!facts) return done(std::unexpected(facts.error()));
        set_traits(facts->traits);
        done(facts->depth);
      });
    });
  }

  void publish(LentMessage message, std::function<void(Result<void>)> done) override {
    post([this, message = std::move(message), done = std::move(done)] { engine_->publish(message, done); });
  }

  EngineTraits traits() const override {
    const std::lock_guard lock(traits_mutex_);
    return traits_;
  }

 private:
  void post(std::function<void()> command) {
    thread_.post(std::move(command));
    calls_->wake();
  }
  void set_traits(const EngineTraits& traits) {
    const std::lock_guard lock(traits_mutex_);
    traits_ = traits;
  }

  Result<void> connect();
  Error serve(const std::stop_token& stop);
  void close();
  void report(const Result<void>& connected);
  void on_received(Result<std::vector<PolledMessage>> received);
  void settle_one(const Settlement& settlement);
  void dead_letter(const Settlement& settlement, const LeaseBook::Lease& lease);
  void extend_one(const std::string& token);
  void end_leases(SteadyClock::time_point now);
  void on_extended(const std::string& token, SteadyClock::time_point until, TimePoint until_wall);
  /// Of a message that has been lent for a while: engines limit the sum.
  Duration within_total(Duration lease, const LeaseBook::Lease& of) const;

  Listener listener_{};
  mutable std::mutex traits_mutex_;
  EngineTraits traits_{};
  std::atomic<bool> hurry_ = false;
  // What follows belongs to the thread.
  const std::unique_ptr<HttpCalls> calls_;
  const std::unique_ptr<PolledEngine> engine_;
  std::optional<Result<void>> reported_{};
  LeaseBook leases_{};
  PolledReceivers receivers_{
      *engine_, [this](Result<std::vector<PolledMessage>> received) { on_received(std::move(received)); }};
  SettlementBatches batches_{*engine_};
  std::vector<std::pair<std::string, TimePoint>> extended_{};
  SteadyClock::time_point leases_looked_at_{};
  EngineThread thread_{};
};

Result<void> PolledQueue::connect() {
  std::optional<Result<PolledEngine::Facts>> looked;
  engine_->look([&looked](Result<PolledEngine::Facts> facts) { looked = std::move(facts); });
  // A stop that lasts too long hurries.
  while (!looked && !hurry_) {
    thread_.commands().run();
    calls_->run(kTurn);
  }
  if (!looked) {
    calls_->drop_all();
    return error(ErrorCode::Closed, "the source is stopped");
  }
  if (!*looked) return std::unexpected(looked->error());
  set_traits((*looked)->traits);
  return {};
}

Error PolledQueue::serve(const std::stop_token& stop) {
  const std::stop_callback woken(stop, [this] { calls_->wake(); });
  while (!stop.stop_requested()) {
    thread_.commands().run();
    const auto now = SteadyClock::now();
    end_leases(now);
    batches_.flush(now);
    receivers_.poll(now, leases_.size());
    if (!extended_.empty()) listener_.extended(std::exchange(extended_, {}));
    const auto due = std::min(batches_.due(), receivers_.due());
    const auto left = due == SteadyClock::time_point::max()
                          ? kTurn
                          : std::chrono::ceil<std::chrono::milliseconds>(due - now);
    calls_->run(std::clamp(left, std::chrono::milliseconds(0), kTurn));
  }
  return {ErrorCode::Closed, "the source is stopped"};
}

// So that others need not wait until the leases are over. A call for messages that still waits is dropped.
void PolledQueue::close() {
  thread_.commands().run();
  for (const auto& token : leases_.tokens()) batches_.release(token, Duration(0), {});
  const auto until = SteadyClock::now() + kClosePatience;
  while (!hurry_ && SteadyClock::now() < until) {
    batches_.flush(SteadyClock::time_point::max());
    if (batches_.idle()) break;
    calls_->run(kTurn);
  }
  calls_->drop_all();
}

void PolledQueue::report(const Result<void>& connected) {
  if (reported_ && *reported_ == connected) return;
  // Again no answer, after another number of milliseconds, is no news.
  const auto no_answer = [](const Result<void>& one) { return !one && one.error().code == ErrorCode::Io; };
  if (reported_ && no_answer(*reported_) && no_answer(connected)) return;
  reported_ = connected;
  listener_.state(connected);
}

void PolledQueue::on_received(Result<std::vector<PolledMessage>> received) {
  if (!received) {
    if (receivers_.failing_for(SteadyClock::now()) >= kSaidAfter ||
        !SettlementBatches::may_pass(received.error()))
      report(std::unexpected(received.error()));
    return;
  }
  report({});
  std::vector<LentMessage> messages;
  std::vector<std::string> lost;
  const auto lease = traits().lease;
  for (auto& polled : *received) {
    messages.push_back(polled.message);
    if (auto former = leases_.add(std::move(polled), SteadyClock::now(), lease))
      lost.push_back(std::move(*former));
  }
  if (!lost.empty()) listener_.lost(lost);
  if (!messages.empty()) listener_.lent(std::move(messages));
}

void PolledQueue::settle_one(const Settlement& settlement) {
  auto lease = leases_.take(settlement.token);
  if (!lease) {
    return listener_.settled(settlement.token, settlement.kind,
                             error(ErrorCode::Closed,
                                   "this delivery is not ours any more (its lease ran out, or the message "
                                   "was given to somebody else); it comes again if it was not settled"));
  }
  const auto taken = [this, token = settlement.token, kind = settlement.kind](const Result<void>& result) {
    listener_.settled(token, kind, result);
  };
  switch (settlement.kind) {
    case SettleKind::Acknowledge:
      return batches_.acknowledge(settlement.token, taken);
    case SettleKind::Release:
      return batches_.release(
          settlement.token,
          within_total(std::clamp(settlement.delay, Duration(0), traits().release_delay_max), *lease), taken);
    case SettleKind::DeadLetter:
      return dead_letter(settlement, *lease);
  }
}

// Copied first and acknowledged then: killed between, the engine has it twice rather than not at all. What
// cannot be copied is left until its lease is over, so that it does not come again and again at once.
void PolledQueue::dead_letter(const Settlement& settlement, const LeaseBook::Lease& lease) {
  PolledMessage message = lease.polled;
  if (settlement.message) message.message = *settlement.message;
  engine_->copy_dead_letter(message, settlement.reason,
                            [this, token = settlement.token](const Result<void>& copied) {
                              if (!copied) return listener_.settled(token, SettleKind::DeadLetter, copied);
                              batches_.acknowledge(token, [this, token](const Result<void>& taken) {
                                listener_.settled(token, SettleKind::DeadLetter, taken);
                              });
                            });
}

void PolledQueue::extend_one(const std::string& token) {
  const auto* lease = leases_.find(token);
  if (lease == nullptr) return;
  const auto length = within_total(traits().lease, *lease);
  if (length < 1s) return;
  batches_.extend(token, length, [this, token, length](SteadyClock::time_point asked, TimePoint asked_wall) {
    // From when it was asked: the engine's clock starts after that.
    if (leases_.prolong(token, asked + length)) extended_.emplace_back(token, asked_wall + length);
  });
}

void PolledQueue::end_leases(SteadyClock::time_point now) {
  if (now - leases_looked_at_ < kTurn) return;
  leases_looked_at_ = now;
  if (const auto lost = leases_.take_ended(now); !lost.empty()) listener_.lost(lost);
}

Duration PolledQueue::within_total(Duration lease, const LeaseBook::Lease& of) const {
  const auto most = traits().lease_total_max;
  if (most == Duration(0)) return lease;
  const auto held = std::chrono::ceil<Duration>(SteadyClock::now() - of.since);
  return std::clamp(most - held, Duration(0), lease);
}

}  // namespace

std::unique_ptr<MessageSource> make_polled_source(std::unique_ptr<HttpCalls> calls,
                                                  std::unique_ptr<PolledEngine> engine) {
  return std::make_unique<PolledQueue>(std::move(calls), std::move(engine));
}

}  // namespace forewarm
