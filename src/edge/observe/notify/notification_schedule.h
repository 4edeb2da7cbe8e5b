#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "edge/observe/notify/alert.h"

namespace forewarm {

/// What one message to a receiver is about: the alerts of one rule.
struct Notification {
  struct Entry {
    Alert alert;
    TimePoint resolved = kNever;  ///< never: it is firing
    bool firing() const { return resolved == kNever; }
  };
  const AlertRule* rule = nullptr;
  std::vector<Entry> entries{};  ///< never empty
  std::size_t left_out = 0;      ///< alerts of the rule beyond what one message holds
  bool firing() const;           ///< any of them
};

/// What became of a message.
struct DeliveryOutcome {
  enum class Kind : std::uint8_t {
    Delivered,
    Failed,   ///< trying again may help: no answer, busy, an error of the receiver's
    Refused,  ///< this message will not be taken
  };
  Kind kind = Kind::Failed;
  std::string answer{};                ///< the receiver's words, or why there are none
  Duration retry_after = Duration(0);  ///< what it asked for
};

/// When one receiver is told of what. A pure state machine: nothing is queued that could be lost or grow old,
/// but what has been told is remembered, and each message is made of the state at its time. So a receiver
/// that was away for hours gets one message with what is true now, and what it was told of as firing it is
/// told of as resolved, whatever happened between.
class NotificationSchedule {
 public:
  struct Options {
    Duration group_wait = 10s;       ///< from a rule's first alert to the message, for more to join it
    Duration group_interval = 5min;  ///< between messages of a rule when its alerts change
    Duration repeat_interval = 4h;   ///< between messages of a rule while nothing changes
    bool send_resolved = true;
    std::vector<AlertSeverity> severities{};  ///< empty: all
    std::vector<std::string> rules{};         ///< names; empty: all
    std::uint32_t rate_max = 30;              ///< messages a minute
    std::uint64_t seed = 1;                   ///< of the jitter

    friend bool operator==(const Options&, const Options&) = default;
  };
  explicit NotificationSchedule(Options options) : options_(std::move(options)), random_(options_.seed) {}

  /// What the receiver has been told of and when it is to hear again: all that has to outlive this.
  struct Memory {
    struct Rule {
      const AlertRule* rule = nullptr;
      TimePoint next;
      TimePoint repeat = kNever;
      std::vector<Alert> told{};  ///< that they fire, and not that they are over
      friend bool operator==(const Rule&, const Rule&) = default;
    };
    std::vector<Rule> rules{};
    friend bool operator==(const Memory&, const Memory&) = default;
  };
  Memory memory() const;
  /// What was told before counts as told; times are taken for no later than they could be.
  void remember(TimePoint now, const Memory& memory);

  void observe(TimePoint now, std::span<const Alert> firing);
  /// A message that is due, if there is one and none is under way.
  std::optional<Notification> take(TimePoint now);
  /// What became of the one that was taken. How long until the next try, if there is to be one.
  Duration settle(TimePoint now, const DeliveryOutcome& outcome);

 private:
  using Key = std::vector<std::string>;
  struct Told {
    Alert alert;
    TimePoint resolved = kNever;
    bool told = false;  ///< that it fires
  };
  struct Group {
    const AlertRule* rule = nullptr;
    std::map<Key, Told> alerts{};
    TimePoint next;             ///< not before this
    TimePoint repeat = kNever;  ///< then, though nothing has changed
    std::uint32_t tries = 0;
  };

  bool wanted(const AlertRule& rule) const;
  bool due(const Group& group, TimePoint now) const;
  static bool untold(const Told& alert) { return alert.resolved != kNever || !alert.told; }
  Notification compose(const Group& group) const;

  Options options_;
  Random random_;
  std::map<std::string_view, Group> groups_;
  std::optional<Notification> under_way_;
  std::deque<TimePoint> taken_;  ///< of the last minute
};

inline constexpr std::size_t kAlertsANotification = 50;

}  // namespace forewarm
