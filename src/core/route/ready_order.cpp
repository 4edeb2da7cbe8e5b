#include "core/route/ready_order.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "core/route/class_ages.h"
#include "core/route/fifo_groups.h"
#include "core/route/ordered_set.h"
#include "core/route/tenant_shares.h"

namespace forewarm {
namespace {

/// A message in its class: the tenants' messages side by side, each tenant's by deadline.
struct Place {
  static Place before_all_of(TenantId tenant) { return {tenant, TimePoint::min(), {}, {}, {}}; }

  TenantId tenant;
  TimePoint deadline;
  MessageId id;
  TimePoint since;
  GroupId group;

  friend bool operator<(const Place& a, const Place& b) {
    if (a.tenant != b.tenant) return a.tenant < b.tenant;
    return before_in_tenant(a, b);
  }
  static bool before_in_tenant(const Place& a, const Place& b) {
    return a.deadline != b.deadline ? a.deadline < b.deadline : a.id < b.id;
  }
};

Place place_of(const ReadyMessage& candidate) {
  return {candidate.tenant, candidate.deadline, candidate.id, candidate.since, candidate.group};
}

}  // namespace

struct ReadyOrder::State {
  explicit State(const Options& given) : options(given), ages(given.ageing) {}

  /// With the rank that it has for itself; its group may give it another class.
  ReadyMessage candidate_of(const Message& message) const;
  bool in_group(const Message& message) const { return options.fifo && message.group; }
  void add(const ReadyMessage& candidate);
  bool remove(const ReadyMessage& candidate);
  /// Changes a group, and with it the one message by which the group stands in the order.
  template <class Change>
  void change_group(GroupId group, Change change);
  struct Front {
    Place place;
    Priority in_class = 0;
  };
  std::optional<Front> front(std::span<const MessageId> passed = {}) const;
  std::optional<Front> front_of(TenantId tenant, std::uint16_t classes,
                                std::span<const MessageId> passed) const;

  Options options;
  TimePoint now;  ///< the latest time that was given
  std::array<OrderedSet<Place>, kClassCount> places;
  ClassAges ages;
  TenantShares shares;
  FifoGroups groups;
  std::size_t size = 0;
};

ReadyMessage ReadyOrder::State::candidate_of(const Message& message) const {
  // After the longest wait for its class a message counts as due, so that later ones of its tenant cannot
  // pass it for ever.
  const TimePoint due = saturating_add(message.visible_at, options.ageing * (kPriorityMax + 1));
  return {.tenant = message.tenant,
          .deadline = std::min(message.deadline, due),
          .id = message.id,
          .since = message.visible_at,
          .group = in_group(message) ? message.group : GroupId{},
          .in_class = std::min(message.priority, kPriorityMax),
          .again = message.receive_count > 0};
}

void ReadyOrder::State::add(const ReadyMessage& candidate) {
  const bool added = places[candidate.in_class].insert(place_of(candidate));
  check(added, "a message waits once");
  ages.add(candidate.in_class, candidate.since);
  const auto mine = static_cast<std::uint16_t>(1U << candidate.in_class);
  if ((shares.classes_of(candidate.tenant) & mine) == 0) shares.add(candidate.tenant, candidate.in_class);
}

bool ReadyOrder::State::remove(const ReadyMessage& candidate) {
  OrderedSet<Place>& order = places[candidate.in_class];
  if (!order.erase(place_of(candidate))) return false;
  ages.remove(candidate.in_class, candidate.since);
  const Place* next = order.at_or_after(Place::before_all_of(candidate.tenant));
  if (!next || next->tenant != candidate.tenant) shares.remove(candidate.tenant, candidate.in_class);
  return true;
}

template <class Change>
void ReadyOrder::State::change_group(GroupId group, Change change) {
  const std::optional<ReadyMessage> before = groups.candidate(group);
  change();
  const std::optional<ReadyMessage> after = groups.candidate(group);
  if (before == after) return;
  if (after) add(*after);  // first, so that a tenant with only this message keeps its turn
  if (before) remove(*before);
}

std::optional<ReadyOrder::State::Front> ReadyOrder::State::front(std::span<const MessageId> passed) const {
  const std::uint16_t classes = ages.to_serve(now);
  std::optional<TenantId> tenant = shares.next(classes);
  while (tenant) {
    if (const std::optional<Front> found = front_of(*tenant, classes, passed)) return found;
    tenant = shares.next(classes, tenant);  // all that it has are passed: no more tenants than these
  }
  return std::nullopt;
}

std::optional<ReadyOrder::State::Front> ReadyOrder::State::front_of(TenantId tenant, std::uint16_t classes,
                                                                    std::span<const MessageId> passed) const {
  std::optional<Front> best;
  const std::uint16_t of_tenant = shares.classes_of(tenant) & classes;
  for (std::size_t c = 0; c < kClassCount; ++c) {
    if ((of_tenant >> c & 1U) == 0) continue;
    const Place* first = places[c].at_or_after(Place::before_all_of(tenant));
    while (first && first->tenant == tenant && std::ranges::find(passed, first->id) != passed.end())
      first = places[c].at_or_after({tenant, first->deadline, MessageId(first->id.value() + 1), {}, {}});
    if (!first || first->tenant != tenant) continue;
    if (!best || Place::before_in_tenant(*first, best->place)) best = {*first, static_cast<Priority>(c)};
  }
  return best;
}

ReadyOrder::ReadyOrder(const Options& options) : state_(std::make_unique<State>(options)) {}
ReadyOrder::~ReadyOrder() = default;
ReadyOrder::ReadyOrder(ReadyOrder&&) noexcept = default;
ReadyOrder& ReadyOrder::operator=(ReadyOrder&&) noexcept = default;

void ReadyOrder::insert(const Message& message) {
  const ReadyMessage candidate = state_->candidate_of(message);
  if (state_->in_group(message)) {
    state_->change_group(message.group, [&] { state_->groups.insert(candidate); });
  } else {
    state_->add(candidate);
  }
  ++state_->size;
}

bool ReadyOrder::erase(const Message& message) {
  bool erased = false;
  if (state_->in_group(message)) {
    state_->change_group(message.group, [&] { erased = state_->groups.erase(message.group, message.id); });
  } else {
    erased = state_->remove(state_->candidate_of(message));
  }
  if (erased) --state_->size;
  return erased;
}

std::optional<MessageId> ReadyOrder::front(TimePoint now, std::span<const MessageId> passed) {
  state_->now = std::max(state_->now, now);
  const auto front = state_->front(passed);
  if (!front) return std::nullopt;
  return front->place.id;
}

std::optional<MessageId> ReadyOrder::pop(TimePoint now, std::span<const MessageId> passed) {
  State& state = *state_;
  state.now = std::max(state.now, now);
  const auto front = state.front(passed);
  if (!front) return std::nullopt;
  const Place& place = front->place;
  state.shares.serve(place.tenant);
  if (place.group) {
    state.change_group(place.group, [&] {
      state.groups.erase(place.group, place.id);
      state.groups.block(place.group, place.id);
    });
  } else {
    state.remove({place.tenant, place.deadline, place.id, place.since, {}, front->in_class});
  }
  --state.size;
  return place.id;
}

std::optional<MessageId> ReadyOrder::pop_next_of(GroupId group, MessageId held) {
  const std::optional<MessageId> id = state_->groups.next(group, held);
  if (!id) return std::nullopt;
  state_->change_group(group, [&] {
    state_->groups.erase(group, *id);
    state_->groups.block(group, *id);
  });
  --state_->size;
  return id;
}

void ReadyOrder::release_group(GroupId group, MessageId id) {
  if (!state_->groups.is_tracked(group)) return;
  state_->change_group(group, [&] { state_->groups.release(group, id); });
}

void ReadyOrder::block_group(GroupId group, MessageId id) {
  state_->change_group(group, [&] { state_->groups.block(group, id); });
}

void ReadyOrder::hold_group(GroupId group, MessageId id) {
  state_->change_group(group, [&] { state_->groups.hold(group, id); });
}

std::size_t ReadyOrder::size() const {
  return state_->size;
}

bool ReadyOrder::available(TimePoint now) {
  return front(now).has_value();
}

std::optional<TimePoint> ReadyOrder::oldest_since() const {
  const auto front = state_->front();
  if (!front) return std::nullopt;
  return front->place.since;
}

}  // namespace forewarm
