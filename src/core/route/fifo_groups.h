#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "base/id_map.h"
#include "core/model/message.h"
#include "core/route/ordered_set.h"
#include "core/route/tenant_shares.h"

namespace forewarm {

/// A message that could be handed out, with all that ranks it.
struct ReadyMessage {
  TenantId tenant;
  TimePoint deadline;
  MessageId id;
  TimePoint since;  ///< it waits since then
  GroupId group;    ///< none if it stands for itself
  Priority in_class = kPriorityDefault;
  bool again = false;  ///< it was handed out before

  friend bool operator==(const ReadyMessage&, const ReadyMessage&) = default;
};

/// The waiting messages of FIFO groups, each group in the order of ids, and which messages block each.
///
/// A message that blocks its group is in flight, or its retry waits; one that holds it is delayed, and those
/// before it do not care. Behind either nothing goes; before it only
/// what was handed out earlier and has come back, as in the service: a receiver of several messages that
/// gives back the first need not give back the others for it to go out again.
///
/// A group that is not blocked and has a single message needs no state of its own, so that a million groups
/// of one message cost no more than a million messages.
class FifoGroups {
 public:
  void insert(const ReadyMessage& message);
  /// False if it is not here.
  bool erase(GroupId group, MessageId id);
  void block(GroupId group, MessageId id);
  void hold(GroupId group, MessageId id);
  /// Takes back a block() or hold(); nothing if there was none.
  void release(GroupId group, MessageId id);
  /// Whether anything blocks or holds it, or several of it wait.
  bool is_tracked(GroupId group) const { return groups_.contains(group); }
  /// The first of the group, for whoever holds all of it up to `held`; none if it must wait.
  std::optional<MessageId> next(GroupId group, MessageId held) const;

  /// The message of this group that could be handed out, in the class of the group's most urgent one; none if
  /// it must wait or the group is empty.
  std::optional<ReadyMessage> candidate(GroupId group) const;
  std::size_t size() const { return messages_.size(); }
  /// Groups with state of their own.
  std::size_t groups_tracked() const { return groups_.size(); }

 private:
  struct Waiting {
    GroupId group;
    MessageId id;
    TenantId tenant;
    TimePoint deadline;
    TimePoint since;
    Priority in_class = 0;
    bool again = false;
    friend bool operator<(const Waiting& a, const Waiting& b) {
      return a.group != b.group ? a.group < b.group : a.id < b.id;
    }
  };
  struct Group {
    std::array<std::uint32_t, kClassCount> waiting{};  ///< by class
    std::vector<MessageId> blocks;                     ///< hardly more than one receive takes
    std::set<MessageId> held;                          ///< as many as are delayed
  };

  const Waiting* head(GroupId group) const;
  bool must_wait(const Waiting& message, MessageId held) const;
  Group& track(GroupId group);
  void drop_if_plain(GroupId group);

  OrderedSet<Waiting> messages_;
  IdMap<GroupId, Group> groups_;
};

}  // namespace forewarm
