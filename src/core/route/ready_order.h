#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/time.h"
#include "core/model/message.h"

namespace forewarm {

/// One queue's messages that may be handed out now, in the order in which they should be.
///
/// Precedence: FIFO order within a group, then priority class, then the tenants in turn inside a class, then
/// the earliest deadline inside a tenant, then arrival. A FIFO group takes the priority of its most urgent
/// waiting message.
///
/// None starves: a class moves up by one for each `ageing` that its oldest message has waited, taking along
/// the classes above it, and inside a tenant a message counts as due after ten times `ageing` at the latest.
/// Classes age, not single messages, because otherwise a noisy tenant's old backlog would pass all fresh
/// messages of quiet tenants.
///
/// All operations O(log n) and nothing is done as time passes. About 60 bytes a waiting message, twice that
/// where each is the only one of its tenant or of its FIFO group.
class ReadyOrder {
 public:
  struct Options {
    bool fifo = false;      ///< messages with a group wait for the ones before them in it
    Duration ageing = 30s;  ///< its oldest message waiting this long counts as one class more
  };
  explicit ReadyOrder(const Options& options);
  ~ReadyOrder();
  ReadyOrder(ReadyOrder&&) noexcept;
  ReadyOrder& operator=(ReadyOrder&&) noexcept;

  /// `message.visible_at` is when it began to wait. A FIFO message goes to its place in its group by id.
  void insert(const Message& message);
  /// Takes out a message that is deleted, purged or expired; given as it was inserted. False if it is not
  /// here.
  bool erase(const Message& message);
  /// The next message, without taking it; none if empty or all groups are blocked. With `passed`, the next
  /// that is none of these: they keep their places. Of a class that is not served yet nothing is next.
  std::optional<MessageId> front(TimePoint now, std::span<const MessageId> passed = {});
  /// Takes the next message. It blocks its FIFO group from then on until release_group().
  std::optional<MessageId> pop(TimePoint now, std::span<const MessageId> passed = {});
  /// Takes the next message of a group for whoever has just taken those before it, up to `held`; one more
  /// release_group() is due. None if none may go.
  std::optional<MessageId> pop_next_of(GroupId group, MessageId held);
  /// This message of the group, which was in flight, is gone (deleted or moved) or was inserted again.
  void release_group(GroupId group, MessageId id);
  /// Blocks a group without taking a message: a retry of this one waits, so the ones behind must too.
  void block_group(GroupId group, MessageId id);
  /// This message of the group is delayed: those behind it wait until release_group(), those before it not.
  void hold_group(GroupId group, MessageId id);

  std::size_t size() const;       ///< all waiting ones, those in blocked groups too
  bool available(TimePoint now);  ///< front() has a value
  /// When the message that would be handed out first, at the latest time given so far, began to wait.
  std::optional<TimePoint> oldest_since() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace forewarm
