#pragma once

#include <proton/delivery.h>
#include <proton/link.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "edge/cloud/message_source.h"
#include "edge/cloud/servicebus/request_link.h"

namespace forewarm {

/// The link of one connection on which messages come, locked, and on which they are settled in two steps:
/// ours says the outcome, the service's answer says that it has taken it. Used on one thread.
class BusReceiver {
 public:
  using Clock = std::chrono::steady_clock;
  /// Io and Exhausted: another try, by the management link, may help. Closed: it is not ours any more.
  using Taken = std::function<void(const Result<void>&)>;
  struct Heard {
    std::function<void(LentMessage)> arrived;                ///< its token is the lock's
    std::function<void(const std::string& token)> unlocked;  ///< by the service, unasked
  };

  /// `name` is a word that no other link of the connection has. `say` adds to what attaches.
  BusReceiver(pn_session_t* session, const std::string& queue, const std::string& name, std::string place,
              Heard heard, const std::function<void(pn_link_t*)>& say = {});
  ~BusReceiver();
  BusReceiver(const BusReceiver&) = delete;
  BusReceiver& operator=(const BusReceiver&) = delete;

  pn_link_t* link() const { return link_; }
  bool attached() const;
  /// Says that it is over; what the service has sent by then may still come.
  void close() { pn_link_close(link_); }
  void take(pn_delivery_t* delivery);
  /// The service may send this many more. What it was allowed before is withdrawn only if it is much more.
  void want(std::uint32_t messages, std::uint32_t window);
  /// False when it has not come on this link, or is being settled already: `taken` is not called then.
  bool settle(const Settlement& settlement, Taken taken);
  std::size_t settling() const { return settling_.size(); }
  void expire(Clock::time_point now);
  void end(const Error& why);

 private:
  struct Settling {
    Taken taken;
    SettleKind kind = SettleKind::Acknowledge;
    Clock::time_point until{};
  };

  void receive(pn_delivery_t* delivery);
  void refuse(pn_delivery_t* delivery, const std::string& why);
  void settled(pn_delivery_t* delivery);
  Result<void> outcome(pn_delivery_t* delivery, SettleKind kind) const;

  const std::string place_;
  const Heard heard_;
  pn_link_t* link_;
  ComingMessage coming_{};
  std::map<std::string, pn_delivery_t*> deliveries_{};  ///< unsettled, by token
  std::map<std::string, Settling> settling_{};
};

/// What is rejected with these becomes a dead letter with a reason (Azure, "Service Bus dead-letter queues").
void put_dead_letter(pn_delivery_t* delivery, const std::string& reason);

/// The code that a condition of the service's stands for, by its name ("com.microsoft:server-busy", ...).
ErrorCode bus_error_code(std::string_view condition);

}  // namespace forewarm
