#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// A message that another queue engine has lent to us. It stays the engine's until it is settled.
struct LentMessage {
  std::string id;     ///< the engine's; the same at every delivery of the message
  std::string token;  ///< of this delivery: what it is settled and extended by
  std::string body;
  /// Attributes, headers or properties that are text; what is not is left out.
  std::vector<std::pair<std::string, std::string>> attributes{};
  std::uint32_t deliveries = 0;           ///< as the engine counts, with this one; 0: it does not say
  std::optional<TimePoint> sent{};        ///< wall clock, as the engine says
  std::optional<TimePoint> lent_until{};  ///< wall clock; none: as long as the connection lives
  std::string group{};                    ///< within which there is an order; empty: none
  std::optional<std::uint8_t> priority{};

  friend bool operator==(const LentMessage&, const LentMessage&) = default;
};

enum class SettleKind : std::uint8_t {
  Acknowledge,  ///< it is done: never again
  Release,      ///< somebody may have it again, `delay` from now or as near to that as the engine can
  DeadLetter,   ///< to where the engine keeps such messages, with the reason where it takes one
};

struct Settlement {
  std::string token;
  SettleKind kind = SettleKind::Acknowledge;
  Duration delay = Duration(0);
  std::string reason = {};
  /// Whole message, for engines whose dead letters are published anew. Only with DeadLetter.
  std::optional<LentMessage> message = {};
};

/// What an engine can, for `forewarm check`, the table in the docs, and for what is done in its place.
struct EngineTraits {
  bool counts_deliveries = false;  ///< LentMessage::deliveries is there
  Duration release_delay_max{};    ///< longest delay that Release keeps; 0: none
  bool dead_letters = false;       ///< it has such a place, and one is set up
  Duration lease{};                ///< how long a message is lent; 0: as long as the connection lives
  Duration lease_total_max{};      ///< with all extensions; 0: no limit
  std::optional<std::uint32_t> deliveries_max{};  ///< after which the engine itself dead-letters
};

/// How much an engine's queue holds. What it does not say is not there: a gap is not a zero.
struct QueueDepth {
  std::optional<std::uint64_t> waiting;
  std::optional<std::uint64_t> in_flight;  ///< lent, to whomever
  std::optional<Duration> oldest_wait;
  std::optional<std::uint64_t> arrived_total;  ///< ever; may fall to 0 when the engine starts anew
};

/// A queue that lives in another engine.
///
/// It connects by itself, again and again with backoff, and lends messages as long as fewer than the window
/// are unsettled. At least once: what was not settled when a connection ended comes again, with another
/// token. The listener's functions are called on a thread of the source's; all other functions may be called
/// on any thread and do not wait.
class MessageSource {
 public:
  struct Listener {
    std::function<void(std::vector<LentMessage>)> lent;
    /// The engine has, or has not, taken a settlement: after an error the message comes again.
    std::function<void(const std::string& token, SettleKind kind, const Result<void>& taken)> settled;
    /// These are not ours any more (the connection ended, or a lease ran out); they come again.
    std::function<void(const std::vector<std::string>& tokens)> lost;
    /// Until when they are lent now.
    std::function<void(const std::vector<std::pair<std::string, TimePoint>>& extended)> extended;
    /// Connected, or why not, as product text: what was tried, what came, what to do.
    std::function<void(const Result<void>& connected)> state;
  };

  /// Ends the connection; no listener's function is called after it. What is unsettled comes again.
  virtual ~MessageSource() = default;

  /// Begins. Once.
  virtual void start(Listener listener) = 0;
  /// At most so many unsettled messages from now on; 0: none more. Engines that cannot give back what they
  /// have sent ahead stay above it for a while.
  virtual void set_window(std::uint32_t unsettled_max) = 0;
  virtual void settle(std::vector<Settlement> settlements) = 0;
  /// Keeps them ours for another lease.
  virtual void extend(std::vector<std::string> tokens) = 0;
  /// `done` is called once, on the source's thread.
  virtual void observe(std::function<void(Result<QueueDepth>)> done) = 0;
  /// Sends a message, for tests, demos and dead letters that are brought back; `done` when the engine has it
  /// as durably as it keeps messages.
  virtual void publish(LentMessage message, std::function<void(Result<void>)> done) = 0;
  /// Known once connected.
  virtual EngineTraits traits() const = 0;
};

}  // namespace forewarm
