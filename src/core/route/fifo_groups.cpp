#include "core/route/fifo_groups.h"

#include <algorithm>
#include <numeric>

namespace forewarm {

void FifoGroups::insert(const ReadyMessage& message) {
  Group* group = groups_.find(message.group);
  if (!group && head(message.group)) group = &track(message.group);
  if (group) ++group->waiting[message.in_class];
  const bool added = messages_.insert({message.group, message.id, message.tenant, message.deadline,
                                       message.since, message.in_class, message.again});
  check(added, "a message waits once");
}

bool FifoGroups::erase(GroupId group, MessageId id) {
  const Waiting key{.group = group, .id = id, .tenant = {}, .deadline = {}, .since = {}};
  const Waiting* found = messages_.at_or_after(key);
  if (!found || key < *found) return false;
  if (Group* tracked = groups_.find(group)) --tracked->waiting[found->in_class];
  messages_.erase(key);
  drop_if_plain(group);
  return true;
}

void FifoGroups::block(GroupId group, MessageId id) {
  track(group).blocks.push_back(id);
}

void FifoGroups::hold(GroupId group, MessageId id) {
  track(group).held.insert(id);
}

void FifoGroups::release(GroupId group, MessageId id) {
  Group* tracked = groups_.find(group);
  if (!tracked) return;
  std::erase(tracked->blocks, id);
  tracked->held.erase(id);
  drop_if_plain(group);
}

std::optional<MessageId> FifoGroups::next(GroupId group, MessageId held) const {
  const Waiting* first = head(group);
  if (!first || must_wait(*first, held)) return std::nullopt;
  return first->id;
}

std::optional<ReadyMessage> FifoGroups::candidate(GroupId group) const {
  const Waiting* first = head(group);
  if (!first || must_wait(*first, {})) return std::nullopt;
  ReadyMessage result{first->tenant, first->deadline, first->id,   first->since,
                      group,         first->in_class, first->again};
  if (const Group* tracked = groups_.find(group)) {
    for (std::size_t c = 0; c < kClassCount; ++c) {
      if (tracked->waiting[c] != 0) result.in_class = static_cast<Priority>(c);
    }
  }
  return result;
}

const FifoGroups::Waiting* FifoGroups::head(GroupId group) const {
  const Waiting* first =
      messages_.at_or_after({.group = group, .id = {}, .tenant = {}, .deadline = {}, .since = {}});
  return first && first->group == group ? first : nullptr;
}

bool FifoGroups::must_wait(const Waiting& message, MessageId held) const {
  const Group* tracked = groups_.find(message.group);
  if (!tracked) return false;
  if (!tracked->held.empty() && *tracked->held.begin() < message.id) return true;
  return std::ranges::any_of(tracked->blocks, [&](MessageId block) {
    return block > held && (block < message.id || !message.again);
  });
}

FifoGroups::Group& FifoGroups::track(GroupId group) {
  if (Group* tracked = groups_.find(group)) return *tracked;
  Group& tracked = groups_.insert(group, {});
  if (const Waiting* only = head(group)) tracked.waiting[only->in_class] = 1;
  return tracked;
}

void FifoGroups::drop_if_plain(GroupId group) {
  const Group* tracked = groups_.find(group);
  if (!tracked || !tracked->blocks.empty() || !tracked->held.empty()) return;
  if (std::accumulate(tracked->waiting.begin(), tracked->waiting.end(), std::uint64_t{0}) <= 1)
    groups_.erase(group);
}

}  // namespace forewarm
