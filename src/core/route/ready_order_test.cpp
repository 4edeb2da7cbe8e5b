#include "core/route/ready_order.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr Duration kAgeing = 8s;  // so that the eighths in which waiting is counted are whole seconds

TimePoint at(Duration after) {
  return time_point_us(1'000'000'000'000) + after;
}

struct MessageSpec {
  std::uint64_t id = 0;
  Duration since = 0s;
  Duration deadline = 1h;
  std::uint64_t tenant = 1;
  std::uint64_t group = 0;
  Priority priority = kPriorityDefault;
  bool again = false;
};

Message make(const MessageSpec& spec) {
  Message message;
  message.id = MessageId(spec.id);
  message.queue = QueueId(1);
  message.sent = at(spec.since);
  message.visible_at = at(spec.since);
  message.deadline = at(spec.deadline);
  message.tenant = TenantId(spec.tenant);
  message.group = GroupId(spec.group);
  message.priority = spec.priority;
  message.receive_count = spec.again ? 1 : 0;
  return message;
}

std::vector<std::uint64_t> drain(ReadyOrder& order, TimePoint now) {
  std::vector<std::uint64_t> ids;
  while (const auto id = order.pop(now)) ids.push_back(id->value());
  return ids;
}

ReadyOrder standard() {
  return ReadyOrder({.fifo = false, .ageing = kAgeing});
}
ReadyOrder fifo() {
  return ReadyOrder({.fifo = true, .ageing = kAgeing});
}

/// The same order by looking at every message every time.
class Reference {
 public:
  explicit Reference(bool fifo) : fifo_(fifo) {}

  void insert(const Message& message) {
    waiting_.push_back(message);
    settle();
  }
  bool erase(const Message& message) {
    const bool erased = std::erase_if(waiting_, [&](const Message& m) { return m.id == message.id; }) != 0;
    settle();
    return erased;
  }
  void block(GroupId group, MessageId id) {
    blocks_[group].insert(id);
    settle();
  }
  void release(GroupId group, MessageId id) {
    blocks_[group].erase(id);
    settle();
  }
  const std::set<MessageId>& blocks(GroupId group) { return blocks_[group]; }
  const std::vector<Message>& waiting() const { return waiting_; }

  std::optional<MessageId> front(TimePoint now) const {
    const auto found = choose(now);
    if (!found) return std::nullopt;
    return found->id;
  }

  std::optional<MessageId> pop(TimePoint now) {
    const auto found = choose(now);
    if (!found) return std::nullopt;
    turns_[found->tenant] = ++last_turn_;
    std::erase_if(waiting_, [&](const Message& m) { return m.id == found->id; });
    if (fifo_ && found->group) blocks_[found->group].insert(found->id);
    settle();
    return found->id;
  }

 private:
  static std::int64_t eighth(TimePoint time) { return count_us(time) / (kAgeing.count() / 8); }
  static TimePoint deadline(const Message& m) { return std::min(m.deadline, m.visible_at + 10 * kAgeing); }

  /// The messages that may go, with the class that their group gives them.
  std::vector<Message> candidates() const {
    std::vector<Message> result;
    for (const Message& message : waiting_) {
      Message candidate = message;
      if (fifo_ && message.group) {
        if (const auto found = blocks_.find(message.group);
            found != blocks_.end() && !found->second.empty()) {
          // Behind what blocks nothing goes, before it only what comes back.
          if (message.receive_count == 0 || *found->second.begin() < message.id) continue;
        }
        bool first = true;
        for (const Message& other : waiting_) {
          if (other.group != message.group) continue;
          first = first && message.id <= other.id;
          candidate.priority = std::max(candidate.priority, other.priority);
        }
        if (!first) continue;
      }
      result.push_back(candidate);
    }
    return result;
  }

  std::optional<Message> choose(TimePoint now) const {
    const auto all = candidates();
    if (all.empty()) return std::nullopt;
    std::map<Priority, std::int64_t> rank;
    for (const Message& m : all) {
      const std::int64_t lifted =
          std::min<std::int64_t>(9, m.priority + (eighth(now) - eighth(m.visible_at)) / 8);
      const auto [place, fresh] = rank.try_emplace(m.priority, lifted);
      place->second = std::max(place->second, lifted);
    }
    std::int64_t highest = 0;
    for (const auto& [in_class, lifted] : rank) highest = std::max(highest, lifted);
    Priority lowest = 9;
    for (const auto& [in_class, lifted] : rank) {
      if (lifted == highest) lowest = std::min(lowest, in_class);
    }
    std::optional<Message> best;
    for (const Message& m : all) {
      if (m.priority < lowest) continue;
      const auto key = [this](const Message& x) {
        return std::tuple(turns_.at(x.tenant), deadline(x), x.id);
      };
      if (!best || key(m) < key(*best)) best = m;
    }
    return best;
  }

  /// A tenant that had nothing to go stands at the end of the line.
  void settle() {
    std::set<TenantId> present;
    for (const Message& m : candidates()) present.insert(m.tenant);
    for (const TenantId tenant : present) {
      if (!present_.contains(tenant)) turns_[tenant] = ++last_turn_;
    }
    present_ = std::move(present);
  }

  bool fifo_;
  std::vector<Message> waiting_;
  std::map<GroupId, std::set<MessageId>> blocks_;
  std::set<TenantId> present_;
  std::map<TenantId, std::uint64_t> turns_;
  std::uint64_t last_turn_ = 0;
};

void compare_with_reference(std::uint64_t seed, bool is_fifo) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << (is_fifo ? " fifo" : " standard"));
  Random random(seed);
  ReadyOrder order({.fifo = is_fifo, .ageing = kAgeing});
  Reference reference(is_fifo);
  std::set<std::uint64_t> blocked;
  Duration now = 0s;
  std::uint64_t next_id = 1;
  for (int i = 0; i < 1500; ++i) {
    now += Duration(random.below(1'500'000));
    const std::uint64_t group = is_fifo ? random.below(5) : 0;  // 0: without a group
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2: {
        const Message message = make({.id = random.chance(0.1) ? next_id + 100'000 : next_id,
                                      .since = now - Duration(random.below(20'000'000)),
                                      .deadline = now + Duration(random.below(200'000'000)),
                                      .tenant = random.below(4),
                                      .group = group,
                                      .priority = static_cast<Priority>(random.below(10)),
                                      .again = random.chance(0.3)});
        ++next_id;
        order.insert(message);
        reference.insert(message);
        break;
      }
      case 3:
        if (!reference.waiting().empty()) {
          const Message message = reference.waiting()[random.below(reference.waiting().size())];
          ASSERT_TRUE(order.erase(message));
          ASSERT_TRUE(reference.erase(message));
          ASSERT_FALSE(order.erase(message));
        }
        break;
      case 4:
        if (const MessageId id(1 + random.below(next_id));
            !reference.blocks(GroupId(group + 1)).contains(id)) {
          order.block_group(GroupId(group + 1), id);
          reference.block(GroupId(group + 1), id);
        }
        break;
      case 5:
        if (const auto& blocks = reference.blocks(GroupId(group + 1)); !blocks.empty()) {
          const MessageId id =
              *std::next(blocks.begin(), static_cast<std::ptrdiff_t>(random.below(blocks.size())));
          order.release_group(GroupId(group + 1), id);
          reference.release(GroupId(group + 1), id);
        }
        break;
      default:
        ASSERT_EQ(order.front(at(now)), reference.front(at(now))) << "operation " << i;
        ASSERT_EQ(order.pop(at(now)), reference.pop(at(now))) << "operation " << i;
    }
    ASSERT_EQ(order.size(), reference.waiting().size());
    ASSERT_EQ(order.available(at(now)), reference.front(at(now)).has_value());
  }
}

TEST(ReadyOrder, AgreesWithLookingAtEveryMessageOnStandardQueues) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) compare_with_reference(seed, false);
}

TEST(ReadyOrder, AgreesWithLookingAtEveryMessageOnFifoQueues) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) compare_with_reference(seed, true);
}

TEST(ReadyOrder, AnEmptyOrderGivesNothing) {
  ReadyOrder order = standard();
  EXPECT_EQ(order.front(at(0s)), std::nullopt);
  EXPECT_EQ(order.pop(at(0s)), std::nullopt);
  EXPECT_EQ(order.oldest_since(), std::nullopt);
  EXPECT_FALSE(order.available(at(0s)));
  EXPECT_FALSE(order.erase(make({.id = 1})));
  EXPECT_EQ(order.size(), 0U);
}

TEST(ReadyOrder, PriorityGoesFirstThenDeadlineThenArrival) {
  ReadyOrder order = standard();
  order.insert(make({.id = 1, .deadline = 50s}));
  order.insert(make({.id = 2, .deadline = 40s}));
  order.insert(make({.id = 3, .deadline = 40s}));
  order.insert(make({.id = 4, .deadline = 60s, .priority = 9}));
  order.insert(make({.id = 5, .deadline = 1s, .priority = 0}));
  EXPECT_EQ(order.oldest_since(), at(0s));
  EXPECT_EQ(drain(order, at(0s)), (std::vector<std::uint64_t>{4, 2, 3, 1, 5}));
}

TEST(ReadyOrder, AMessageOfAnyPriorityIsServedWithinTheAgeingBoundWhateverElseComes) {
  ReadyOrder order = standard();
  order.insert(make({.id = 1, .deadline = 100h, .tenant = 7, .priority = 0}));
  Duration now = 0s;
  std::uint64_t id = 2;
  // The highest class never runs dry.
  for (int i = 0; i < 4; ++i) order.insert(make({.id = id++, .since = now, .tenant = 8, .priority = 9}));
  bool served = false;
  while (!served && now < 24h) {
    now += 100ms;
    order.insert(make({.id = id++, .since = now, .deadline = now + 1s, .tenant = 8, .priority = 9}));
    served = order.pop(at(now)) == MessageId(1);
  }
  EXPECT_TRUE(served);
  EXPECT_GE(now, 8 * kAgeing);
  EXPECT_LE(now, 10 * kAgeing);
}

TEST(ReadyOrder, ALateDeadlineDoesNotStarveAMessageAmongItsOwnTenantsUrgentOnes) {
  ReadyOrder order = standard();
  order.insert(make({.id = 1, .deadline = 1000h}));
  Duration now = 0s;
  std::uint64_t id = 2;
  bool served = false;
  while (!served && now < 24h) {
    now += 1s;
    order.insert(make({.id = id++, .since = now, .deadline = now + 1s}));
    served = order.pop(at(now)) == MessageId(1);
  }
  EXPECT_TRUE(served);
  EXPECT_LE(now, 11 * kAgeing);
}

TEST(ReadyOrder, AQuietTenantDoesNotWaitBehindANoisyTenantsOldBacklog) {
  ReadyOrder order = standard();
  std::uint64_t id = 1;
  for (; id <= 1000; ++id) order.insert(make({.id = id, .tenant = 1}));
  Duration now = 10min;  // the whole backlog is old
  for (int i = 0; i < 20; ++i) {
    for (int k = 0; k < 10; ++k) ASSERT_TRUE(order.pop(at(now)));
    now += 1s;
    const MessageId quiet(id++);
    order.insert(make({.id = quiet.value(), .since = now, .deadline = now + 1h, .tenant = 2}));
    const auto first = order.pop(at(now));
    const auto second = order.pop(at(now));
    EXPECT_TRUE(first == quiet || second == quiet) << "round " << i;
  }
}

TEST(ReadyOrder, TenantsWithABacklogGetEqualSharesAtEveryMoment) {
  ReadyOrder order = standard();
  std::map<std::uint64_t, std::uint64_t> tenant_of;
  std::uint64_t id = 1;
  const std::map<std::uint64_t, int> backlog = {{1, 2000}, {2, 500}, {3, 300}};
  for (const auto& [tenant, messages] : backlog) {
    for (int i = 0; i < messages; ++i, ++id) {
      tenant_of[id] = tenant;
      order.insert(make({.id = id, .tenant = tenant}));
    }
  }
  std::map<std::uint64_t, int> served;
  for (int i = 0; i < 900; ++i) {
    ++served[tenant_of[order.pop(at(0s))->value()]];
    const auto [least, most] = std::minmax({served[1], served[2], served[3]});
    ASSERT_LE(most - least, 1);
  }
}

TEST(ReadyOrder, ATenantThatComesBackAfterEachMessageGetsNoMoreThanItsShare) {
  ReadyOrder order = standard();
  std::uint64_t id = 1;
  for (; id <= 100; ++id) order.insert(make({.id = id, .tenant = 2}));
  order.insert(make({.id = ++id, .tenant = 1}));
  int mine = 0;
  for (int i = 0; i < 50; ++i) {
    if (order.pop(at(0s))->value() > 100) {
      ++mine;
      order.insert(make({.id = ++id, .tenant = 1}));
    }
  }
  EXPECT_EQ(mine, 25);
}

TEST(ReadyOrder, AFifoGroupIsServedInOrderOneMessageAtATime) {
  ReadyOrder order = fifo();
  order.insert(make({.id = 1, .deadline = 9s, .group = 1}));
  order.insert(make({.id = 2, .deadline = 1s, .group = 1}));
  order.insert(make({.id = 3, .deadline = 5s, .group = 2}));
  EXPECT_EQ(order.pop(at(0s)), MessageId(3));
  EXPECT_EQ(order.pop(at(0s)), MessageId(1));
  EXPECT_EQ(order.pop(at(0s)), std::nullopt);
  EXPECT_FALSE(order.available(at(0s)));
  EXPECT_EQ(order.size(), 1U);
  order.release_group(GroupId(1), MessageId(1));
  EXPECT_EQ(order.pop(at(0s)), MessageId(2));
}

TEST(ReadyOrder, WhatWasNeverOutWaitsForAllOfItsGroupThatIsInFlight) {
  ReadyOrder order = fifo();
  for (std::uint64_t id = 2; id <= 5; ++id) order.insert(make({.id = id, .group = 1}));
  EXPECT_EQ(order.pop(at(0s)), MessageId(2));
  EXPECT_EQ(order.pop_next_of(GroupId(1), MessageId(2)), MessageId(3));
  EXPECT_EQ(order.pop_next_of(GroupId(1), MessageId(3)), MessageId(4));
  EXPECT_EQ(order.pop_next_of(GroupId(2), MessageId(4)), std::nullopt);
  order.release_group(GroupId(1), MessageId(2));
  order.release_group(GroupId(1), MessageId(4));
  EXPECT_FALSE(order.available(at(0s))) << "the fifth waits for the third";
  order.insert(make({.id = 1, .group = 1}));
  EXPECT_FALSE(order.available(at(0s))) << "and so does a redriven one, whatever its place";
  order.release_group(GroupId(1), MessageId(3));
  EXPECT_EQ(order.pop(at(0s)), MessageId(1));
  EXPECT_EQ(order.pop_next_of(GroupId(1), MessageId(1)), MessageId(5));
  EXPECT_EQ(order.pop_next_of(GroupId(1), MessageId(5)), std::nullopt);
}

TEST(ReadyOrder, WhatComesBackGoesBeforeTheOthersOfItsGroupThatAreInFlight) {
  ReadyOrder order = fifo();
  for (std::uint64_t id = 1; id <= 4; ++id) order.insert(make({.id = id, .group = 1}));
  EXPECT_EQ(order.pop(at(0s)), MessageId(1));
  EXPECT_EQ(order.pop_next_of(GroupId(1), MessageId(1)), MessageId(2));
  EXPECT_EQ(order.pop_next_of(GroupId(1), MessageId(2)), MessageId(3));
  const auto comes_back = [&](std::uint64_t id) {
    order.insert(make({.id = id, .group = 1, .again = true}));
    order.release_group(GroupId(1), MessageId(id));
  };
  comes_back(2);
  EXPECT_FALSE(order.available(at(0s))) << "not before the first";
  comes_back(1);
  EXPECT_EQ(order.pop(at(0s)), MessageId(1));
  EXPECT_EQ(order.pop_next_of(GroupId(1), MessageId(1)), MessageId(2));
  EXPECT_EQ(order.pop_next_of(GroupId(1), MessageId(2)), std::nullopt) << "the third is in flight elsewhere";
  order.release_group(GroupId(1), MessageId(3));
  EXPECT_FALSE(order.available(at(0s)));
  order.release_group(GroupId(1), MessageId(1));
  order.release_group(GroupId(1), MessageId(2));
  EXPECT_EQ(drain(order, at(0s)), (std::vector<std::uint64_t>{4}));
}

TEST(ReadyOrder, AFailedFifoMessageGoesBackBeforeTheOnesBehindIt) {
  ReadyOrder order = fifo();
  const Message first = make({.id = 1, .group = 1});
  order.insert(first);
  order.insert(make({.id = 2, .group = 1}));
  EXPECT_EQ(order.pop(at(0s)), MessageId(1));
  order.insert(first);
  EXPECT_EQ(order.pop(at(0s)), std::nullopt);
  order.release_group(GroupId(1), MessageId(1));
  EXPECT_EQ(drain(order, at(0s)), (std::vector<std::uint64_t>{1}));
}

TEST(ReadyOrder, ABlockedGroupWaitsAndTheOthersGoOn) {
  ReadyOrder order = fifo();
  order.insert(make({.id = 1, .group = 1, .priority = 9}));
  order.insert(make({.id = 2, .group = 2, .priority = 0}));
  order.block_group(GroupId(1), MessageId(1));
  EXPECT_EQ(order.pop(at(0s)), MessageId(2));
  EXPECT_FALSE(order.available(at(0s)));
  order.block_group(GroupId(3), MessageId(9));  // before its first message
  order.insert(make({.id = 3, .group = 3}));
  EXPECT_FALSE(order.available(at(0s)));
  order.release_group(GroupId(3), MessageId(9));
  order.release_group(GroupId(1), MessageId(1));
  EXPECT_EQ(drain(order, at(0s)), (std::vector<std::uint64_t>{1, 3}));
}

TEST(ReadyOrder, NothingPassesADelayedMessageOfItsGroupAndThoseBeforeItGo) {
  ReadyOrder order = fifo();
  order.insert(make({.id = 1, .group = 1}));
  order.hold_group(GroupId(1), MessageId(2));
  order.hold_group(GroupId(1), MessageId(3));
  order.insert(make({.id = 4, .group = 1}));
  EXPECT_EQ(order.pop(at(0s)), MessageId(1));
  EXPECT_EQ(order.pop_next_of(GroupId(1), MessageId(1)), std::nullopt);
  order.release_group(GroupId(1), MessageId(1));
  EXPECT_FALSE(order.available(at(0s)));
  order.insert(make({.id = 3, .group = 1}));
  order.release_group(GroupId(1), MessageId(3));
  EXPECT_FALSE(order.available(at(0s)));
  order.release_group(GroupId(1), MessageId(2));  // deleted
  EXPECT_EQ(order.pop(at(0s)), MessageId(3));
  EXPECT_EQ(order.pop_next_of(GroupId(1), MessageId(3)), MessageId(4));
}

TEST(ReadyOrder, AFifoGroupHasThePriorityOfItsMostUrgentMessage) {
  ReadyOrder order = fifo();
  order.insert(make({.id = 1, .group = 1, .priority = 0}));
  order.insert(make({.id = 2, .group = 2, .priority = 5}));
  EXPECT_EQ(order.front(at(0s)), MessageId(2));
  const Message urgent = make({.id = 3, .group = 1, .priority = 9});
  order.insert(urgent);
  EXPECT_EQ(order.front(at(0s)), MessageId(1));
  EXPECT_TRUE(order.erase(urgent));
  EXPECT_EQ(order.front(at(0s)), MessageId(2));
}

TEST(ReadyOrder, GroupsMeanNothingOnStandardQueues) {
  ReadyOrder order = standard();
  order.insert(make({.id = 1, .deadline = 9s, .group = 1}));
  order.insert(make({.id = 2, .deadline = 1s, .group = 1}));
  EXPECT_EQ(drain(order, at(0s)), (std::vector<std::uint64_t>{2, 1}));
}

TEST(ReadyOrder, AMillionWaitingMessagesComeOutByDeadline) {
  constexpr std::uint64_t kMessages = 1'000'000;
  const std::size_t bytes_before = mallinfo2().uordblks;
  ReadyOrder order = standard();
  Random random(3);
  std::vector<Message> some;
  for (std::uint64_t id = 1; id <= kMessages; ++id) {
    const Message message = make({.id = id, .deadline = Duration(random.below(60'000'000))});
    order.insert(message);
    if (id % 1000 == 0) some.push_back(message);
  }
  for (const Message& message : some) ASSERT_TRUE(order.erase(message));
  EXPECT_LT(mallinfo2().uordblks - bytes_before, kMessages * 80);
  EXPECT_EQ(order.size(), kMessages - some.size());
  EXPECT_EQ(drain(order, at(0s)).size(), kMessages - some.size());
}

TEST(ReadyOrder, ManyTenantsOrGroupsOfOneMessageStayWithinTheirMemory) {
  constexpr std::uint64_t kMessages = 300'000;
  for (const bool grouped : {false, true}) {
    const std::size_t bytes_before = mallinfo2().uordblks;
    ReadyOrder order({.fifo = grouped, .ageing = kAgeing});
    for (std::uint64_t id = 1; id <= kMessages; ++id) {
      const std::uint64_t hash = mix_bits(id);
      order.insert(make({.id = id, .tenant = grouped ? 1 : hash, .group = grouped ? hash : 0}));
    }
    const std::size_t bytes = mallinfo2().uordblks - bytes_before;
    EXPECT_LT(bytes, kMessages * 200) << (grouped ? "groups" : "tenants");
    RecordProperty(grouped ? "bytes_per_group" : "bytes_per_tenant", static_cast<int>(bytes / kMessages));
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(order.pop(at(0s)));
  }
}

TEST(ReadyOrder, WhatIsPassedKeepsItsPlaceAndTheNextIsTheOneBehindIt) {
  ReadyOrder order = standard();
  order.insert(make({.id = 1, .tenant = 1}));
  order.insert(make({.id = 2, .tenant = 1}));
  order.insert(make({.id = 3, .tenant = 2}));
  const std::vector<MessageId> first = {MessageId(1)};
  EXPECT_EQ(order.front(at(0s), first), MessageId(2));
  const std::vector<MessageId> both = {MessageId(1), MessageId(2)};
  EXPECT_EQ(order.front(at(0s), both), MessageId(3));
  EXPECT_EQ(order.pop(at(0s), both), MessageId(3));
  EXPECT_EQ(order.front(at(0s), both), std::nullopt);
  EXPECT_EQ(drain(order, at(0s)), (std::vector<std::uint64_t>{1, 2}));
}

TEST(ReadyOrder, NothingOfAFifoGroupPassesItsFirst) {
  ReadyOrder order = fifo();
  order.insert(make({.id = 1, .group = 1}));
  order.insert(make({.id = 2, .group = 1}));
  order.insert(make({.id = 3, .group = 2}));
  const std::vector<MessageId> first = {MessageId(1)};
  EXPECT_EQ(order.pop(at(0s), first), MessageId(3));
  EXPECT_EQ(order.front(at(0s), first), std::nullopt);
  EXPECT_EQ(order.front(at(0s)), MessageId(1));
}

}  // namespace
}  // namespace forewarm
