#pragma once

#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/message.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

struct FreeMessage {
  void operator()(pn_message_t* message) const { pn_message_free(message); }
};
using ProtonMessage = std::unique_ptr<pn_message_t, FreeMessage>;
inline ProtonMessage make_proton_message() {
  return ProtonMessage(pn_message());
}

/// Corrupt for what is no message.
Result<ProtonMessage> decode_bus_message(std::string_view bytes);

/// Puts together what comes on a link: a delivery comes in parts, which are read at once, since what is
/// unread counts against how much may come.
class ComingMessage {
 public:
  /// True when the delivery is whole; the link has gone on to the next one.
  bool take(pn_link_t* link, pn_delivery_t* delivery);
  /// Corrupt for what is no message.
  Result<ProtonMessage> message();

 private:
  std::string bytes_{};
};
/// As the next delivery of a link, which has this tag.
Result<pn_delivery_t*> put_message(pn_link_t* link, pn_message_t* message, std::uint64_t tag);

/// What a node of requests answered.
struct BusAnswer {
  int status = 0;
  std::string description{};
  std::vector<TimePoint> expirations{};  ///< of renew-lock, or the one of renew-session-lock
};
/// Of the properties and the body. Corrupt when there is no status.
Result<BusAnswer> parse_bus_answer(pn_message_t* message);

/// Requests and answers by a pair of links with a node that is called NODE/$management or $cbs (Azure,
/// "AMQP 1.0 request/response operations"). Opens them at once; used on one thread.
class RequestLink {
 public:
  using Clock = std::chrono::steady_clock;
  using Done = std::function<void(const Result<BusAnswer>&)>;

  /// `name` is a word that no other link of the connection has.
  RequestLink(pn_session_t* session, const std::string& node, const std::string& name);
  ~RequestLink();
  RequestLink(const RequestLink&) = delete;
  RequestLink& operator=(const RequestLink&) = delete;

  /// `fill` gives it properties and a body. `done` is called once: with an answer of any status, or why there
  /// is none.
  void send(const std::function<void(pn_message_t*)>& fill, Done done);
  bool owns(const pn_link_t* link) const { return link == sender_ || link == receiver_; }
  /// A delivery on one of its links.
  void take(pn_delivery_t* delivery);
  /// Those who have waited too long for an answer.
  void expire(Clock::time_point now);
  /// There will be no answers.
  void end(const Error& why);

 private:
  struct Waiting {
    Done done;
    Clock::time_point until{};
  };
  void answer(std::uint64_t number, const Result<BusAnswer>& answer);

  std::string node_;
  std::string reply_to_;
  pn_link_t* sender_;
  pn_link_t* receiver_;
  ComingMessage coming_{};
  std::uint64_t sent_ = 0;
  std::map<std::uint64_t, Waiting> waiting_{};
};

}  // namespace forewarm
