#pragma once

#include <array>
#include <cstdint>
#include <optional>

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

  friend bool operator==(const ReadyMessage&, const ReadyMessage&) = default;
};

/// The waiting messages of FIFO groups, each group in the order of ids, and how many messages block each.
///
/// A group that is not blocked and has a single message needs no state of its own, so that a million groups
/// of one message cost no more than a million messages.
class FifoGroups {
 public:
  void insert(const ReadyMessage& message);
  /// False if it is not here.
  bool erase(GroupId group, MessageId id);
  void block(GroupId group);
  /// Takes back one block(); the group may go on when there is none left.
  void release(GroupId group);
  /// The first of the group, blocked or not.
  std::optional<MessageId> first(GroupId group) const;

  /// The message of this group that could be handed out, in the class of the group's most urgent one; none if
  /// the group is blocked or empty.
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
    friend bool operator<(const Waiting& a, const Waiting& b) {
      return a.group != b.group ? a.group < b.group : a.id < b.id;
    }
  };
  struct Group {
    std::array<std::uint32_t, kClassCount> waiting{};  ///< by class
    std::uint32_t blocks = 0;
  };

  const Waiting* head(GroupId group) const;
  Group& track(GroupId group);
  void drop_if_plain(GroupId group);

  OrderedSet<Waiting> messages_;
  IdMap<GroupId, Group> groups_;
};

}  // namespace forewarm
