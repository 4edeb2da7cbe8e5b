#pragma once

#include <proton/session.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "edge/cloud/message_source.h"
#include "edge/cloud/servicebus/bus_receiver.h"
#include "edge/cloud/servicebus/service_bus_source.h"
#include "edge/net/reconnect_backoff.h"

namespace forewarm {

/// The links of one connection to a queue with sessions: one for each session that is ours, and one that
/// waits for the next; each alone in what AMQP calls a session (here: a channel), as Microsoft's SDKs have
/// them. Used on one thread.
///
/// A session is the service's lock on all messages of one id, and ends with its link; so what is not settled
/// then is not ours any more, and comes again in its order. Each session lends its share of the window, and
/// one message more waits here for its turn. When every place is taken, a session without messages is left at
/// once, and one that has had its turn as soon as what it lent is settled.
class SessionReceivers {
 public:
  using Clock = std::chrono::steady_clock;
  using Taken = BusReceiver::Taken;
  /// Until when the session is ours, by the service's clock. Closed: it is not; Io, Exhausted: ask again.
  using SessionRenewed = std::function<void(const Result<std::vector<TimePoint>>&)>;
  struct Heard {
    /// To be lent now; its group is the session.
    std::function<void(LentMessage, Clock::time_point until)> arrived;
    std::function<void(const std::string& token)> unlocked;
    /// What a session has lent is ours for longer.
    std::function<void(const std::vector<std::string>& tokens, Clock::time_point until)> prolonged;
    /// It is not ours any more.
    std::function<void(const std::vector<std::string>& tokens)> ended;
    /// How long a lock holds from now, of what the service's clock says.
    std::function<Duration(const std::optional<TimePoint>&)> lock_left;
  };
  struct Hands {
    std::function<void(const std::string& session, const std::string& link, SessionRenewed)> renew;
  };

  /// `place` begins errors. What `options` says of sessions is followed.
  SessionReceivers(pn_connection_t* connection, const ServiceBusOptions& options, std::string place,
                   Heard heard, Hands hands);

  bool owns(const pn_link_t* link) const;
  void take(const pn_link_t* link, pn_delivery_t* delivery);
  /// The service has answered the attach of one of the links.
  void attached(const pn_link_t* link);
  /// It has ended one. False: no further try will be better, for the reason in `condition`.
  bool closed(const pn_link_t* link, const std::string& condition);
  /// It has ended what one of them is in.
  bool closed(const pn_session_t* channel, const std::string& condition);
  /// The first link has been answered: whether the queue is one with sessions is known.
  bool answered() const { return answered_; }

  /// To be called now and then: accepts, renews, lends and leaves sessions as the window has room.
  void want(std::uint32_t window, Clock::time_point now);
  /// As BusReceiver::settle().
  bool settle(const Settlement& settlement, const Taken& taken);
  /// The session that a token is of, as long as it is ours and the token not settled.
  std::optional<std::string> session_of(const std::string& token) const;
  /// A settlement by another way than the link.
  void settled(const std::string& token, const Result<void>& result);
  /// Keeps the sessions of these ours.
  void extend(const std::vector<std::string>& tokens);
  std::size_t settling() const;
  void end(const Error& why);

 private:
  struct EndChannel {
    void operator()(pn_session_t* channel) const {
      pn_session_close(channel);
      pn_session_free(channel);
    }
  };
  using Channel = std::unique_ptr<pn_session_t, EndChannel>;
  /// The receiver goes before what it is in.
  struct Line {
    Channel channel{};
    std::unique_ptr<BusReceiver> receiver{};
  };
  struct Served {
    Line line{};
    std::string id{};
    Clock::time_point since{};
    Clock::time_point until{};
    Duration length{};
    Clock::time_point busy_at{};        ///< when it was not without messages
    std::deque<LentMessage> waiting{};  ///< for those before
    std::set<std::string> lent{};
    std::uint64_t lent_at = 0;  ///< which lending its last was
    std::set<std::string> settling{};
    bool renewing = false;
    Clock::time_point renew_at{};  ///< not before
    bool came = false;             ///< something has come
    bool draining = false;         ///< the service was asked whether there is more
    bool leaving = false;          ///< nothing more of it is lent
    bool lost = false;

    bool quiet() const { return lent.empty() && settling.empty(); }
  };
  using Number = std::uint64_t;

  void arrived(Number number, LentMessage message);
  void unlocked(Number number, const std::string& token);
  void lend();
  bool over(Served& served, Clock::time_point now);
  void give_credit(Served& served, Clock::time_point now);
  void renew(Number number, Served& served);
  void renewed(Number number, Clock::time_point asked, const Result<std::vector<TimePoint>>& until);
  void leave(Number number, const std::string& why);
  void wait_for_next(Clock::time_point now);
  void put_away(Line line);
  void use_again(Line line);
  void stop_waiting();
  bool crowded() const { return served_.size() >= places_; }
  Number number_of(const pn_link_t* link) const;

  pn_connection_t* const connection_;
  const ServiceBusOptions& options_;
  const std::string place_;
  const Heard heard_;
  const Hands hands_;
  std::map<Number, Served> served_{};
  Number last_number_ = 0;
  std::uint32_t places_ = 0;  ///< sessions at a time
  std::uint32_t share_ = 0;   ///< messages that each lends
  std::uint32_t window_ = 0;  ///< and all together
  std::uint64_t lendings_ = 0;
  std::optional<Line> next_{};
  std::vector<Line> ended_{};        ///< until the service has said so too
  std::vector<Channel> channels_{};  ///< without a link
  Clock::time_point next_since_{};
  Clock::time_point next_at_{};  ///< not before
  ReconnectBackoff backoff_;
  bool answered_ = false;
};

}  // namespace forewarm
