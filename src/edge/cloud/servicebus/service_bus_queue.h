#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "edge/cloud/engine_thread.h"
#include "edge/cloud/lease_book.h"
#include "edge/cloud/servicebus/bus_session.h"
#include "edge/cloud/servicebus/queue_description.h"

namespace forewarm {

/// What is lent outlives connections: it stands in a book here, with the ends of its locks, and each session
/// is only the way by which messages come and settlements go.
class ServiceBusQueue final : public MessageSource {
 public:
  explicit ServiceBusQueue(ServiceBusOptions options);
  ~ServiceBusQueue() override;

  void start(Listener listener) override;
  void set_window(std::uint32_t unsettled_max) override;
  void settle(std::vector<Settlement> settlements) override;
  void extend(std::vector<std::string> tokens) override;
  void observe(std::function<void(Result<QueueDepth>)> done) override;
  void publish(LentMessage message, std::function<void(Result<void>)> done) override;
  EngineTraits traits() const override;

 private:
  using Clock = LeaseBook::Clock;
  struct Held {
    LentMessage message;
    Clock::time_point until{};
    Duration length{};
  };
  /// A settlement that the service has not taken yet.
  struct Unsettled {
    Settlement settlement;
    Clock::time_point until{};  ///< of the lock
    Clock::time_point not_before{};
    bool sent = false;
    int tries = 0;
  };

  Result<void> connect();
  /// Once more as a queue of the other kind, if it is one.
  Result<void> attach(bool again);
  Error serve(const std::stop_token& stop);
  void close();
  void take_sessions(bool required);
  bool by_sessions() const;
  SessionReceivers::Heard of_sessions();
  void describe();
  void learn(const BusQueueDescription& description);
  void flush(Clock::time_point now);
  void take(LentMessage message);
  void note_lease(Duration length);
  void hold(LentMessage message, Duration left, Duration longer);
  void lend();
  void give_back_held(Clock::time_point now);
  void end_locks(Clock::time_point now);
  void accept(Settlement settlement);
  void send_settlements(Clock::time_point now);
  void answered(const std::string& token, const Result<void>& taken);
  void renew_locks(const std::vector<std::string>& tokens);
  void renewed(const std::vector<std::string>& tokens, Clock::time_point asked,
               const Result<std::vector<TimePoint>>& until);
  /// The lease here lasts `longer` than what is said of it.
  void prolong(const std::string& token, Clock::time_point until, Duration longer);
  void lose(const std::string& token);
  void ask_depth_apart();
  Duration lock_left(const std::optional<TimePoint>& until) const;
  Error not_connected() const;

  const ServiceBusOptions options_;
  Listener listener_{};
  mutable std::mutex traits_mutex_{};
  EngineTraits traits_{};
  std::atomic<bool> hurry_{false};
  // What follows belongs to the thread.
  std::uint32_t window_ = 0;
  std::optional<Duration> lock_duration_{};  ///< as the management API says
  bool described_ = false;
  bool requires_session_ = false;  ///< as the management API says, or the link
  LeaseBook book_{};
  std::deque<Held> held_{};  ///< beyond the window, oldest first
  std::map<std::string, Unsettled> unsettled_{};
  std::vector<std::string> to_renew_{};
  std::vector<std::string> lost_{};
  std::vector<std::pair<std::string, TimePoint>> extended_{};
  std::vector<std::function<void(Result<QueueDepth>)>> observers_{};
  EngineThread thread_{};
  std::unique_ptr<BusSession> session_{};
  std::jthread asking_{};  ///< ends before the thread that it reports to
};

}  // namespace forewarm
