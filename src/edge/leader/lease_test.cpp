#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "edge/leader/lease_elector.h"
#include "edge/leader/lease_object.h"
#include "edge/leader/lock_holder.h"

namespace forewarm {
namespace {

/// The API server's part: one lease, changed only by who knows its version.
class LeaseKeeper {
 public:
  LeaseAnswer take(const LeaseRequest& request) {
    using What = LeaseRequest::What;
    if (!lease && request.what != What::Create) return LeaseMissing{};
    if (request.what == What::Read) return *lease;
    if (request.what == What::Create ? lease.has_value() : lease->version != request.version)
      return LeaseConflict{};
    lease = LeaseFound{request.record, std::to_string(++version_)};
    return *lease;
  }
  std::optional<LeaseFound> lease;

 private:
  std::uint64_t version_ = 0;
};

constexpr LeaseTime at(Duration after) {
  return LeaseTime(1000s) + after;
}
constexpr TimePoint kWall = TimePoint(1'700'000'000s);

class LeaseElectorTest : public testing::Test {
 protected:
  static LeaseElector elector(const char* name) { return LeaseElector({.identity = name}); }
  /// One request with its answer, at once.
  LeaseRequest::What ask(LeaseElector& who, Duration when) {
    const LeaseRequest request = who.next(at(when), kWall + when);
    who.answered(at(when), keeper.take(request));
    return request.what;
  }
  /// All requests that are due between the last call's `until` and this one's.
  void run(LeaseElector& who, Duration until) {
    for (int i = 0; i < 1000 && who.due() <= at(until); ++i)
      ask(who, std::max(who.due(), at(ran_until_)) - at(0s));
    ran_until_ = until;
  }
  Duration ran_until_{0};
  LeaseKeeper keeper;
  using What = LeaseRequest::What;
};

TEST_F(LeaseElectorTest, ALeaseThatIsNotThereIsMadeAndItsMakerWaitsForWhoeverMayHaveHadIt) {
  LeaseElector a = elector("a");
  run(a, 14s);
  ASSERT_TRUE(keeper.lease);
  EXPECT_FALSE(a.leads(at(14s)));
  run(a, 20s);
  EXPECT_EQ(keeper.lease->record.holder, "a");
  EXPECT_EQ(keeper.lease->record.duration, 15s);
  EXPECT_TRUE(a.leads(at(20s)));
  EXPECT_EQ(a.leader(at(20s)), "a");
}

TEST_F(LeaseElectorTest, AHeldLeaseIsTakenWhenItWasSeenUnchangedForItsOwnDuration) {
  keeper.lease = LeaseFound{{.holder = "b", .duration = 30s, .transitions = 4}, "x"};
  LeaseElector a = elector("a");
  run(a, 29s);
  EXPECT_EQ(keeper.lease->record.holder, "b");
  EXPECT_EQ(a.leader(at(29s)), "b");
  run(a, 31s);
  EXPECT_EQ(keeper.lease->record.holder, "a");
  EXPECT_EQ(keeper.lease->record.transitions, 5);
  EXPECT_TRUE(a.leads(at(31s)));
}

TEST_F(LeaseElectorTest, ALeaseThatNamesNoDurationLastsAsLongAsOnesOwn) {
  keeper.lease = LeaseFound{{.holder = "b"}, "x"};
  LeaseElector a = elector("a");
  run(a, 14s);
  EXPECT_EQ(keeper.lease->record.holder, "b");
  run(a, 16s);
  EXPECT_TRUE(a.leads(at(16s)));
}

TEST_F(LeaseElectorTest, TimesInTheLeaseAreNotBelieved) {
  // By its own times it ran out long ago, or lasts for ever.
  for (const TimePoint renewed : {TimePoint(1s), kNever}) {
    ran_until_ = 0s;
    keeper.lease = LeaseFound{{.holder = "b", .duration = 15s, .renewed = renewed}, "x"};
    LeaseElector a = elector("a");
    run(a, 14s);
    EXPECT_FALSE(a.leads(at(14s)));
    run(a, 16s);
    EXPECT_TRUE(a.leads(at(16s)));
  }
}

TEST_F(LeaseElectorTest, ALeaseThatWasGivenUpIsTakenAtOnce) {
  LeaseElector a = elector("a"), b = elector("b");
  run(a, 20s);
  run(b, 20s);
  EXPECT_EQ(b.leader(at(20s)), "a");
  const std::optional<LeaseRequest> last = a.give_up(kWall);
  ASSERT_TRUE(last);
  EXPECT_FALSE(a.leads(at(20s)));
  EXPECT_TRUE(std::holds_alternative<LeaseFound>(keeper.take(*last)));
  run(b, 25s);
  EXPECT_TRUE(b.leads(at(25s)));
  EXPECT_FALSE(a.give_up(kWall + 1s) && std::holds_alternative<LeaseFound>(keeper.take(*a.give_up(kWall))))
      << "what another has is not given up";
}

TEST_F(LeaseElectorTest, LeadingEndsBeforeTheLeaseWhenNobodyAnswers) {
  LeaseElector a = elector("a");
  run(a, 20s);
  const Duration last = a.due() - at(0s);
  ask(a, last);
  for (Duration t = last + 2s; t < last + 12s; t += 2s) {
    (void)a.next(at(t), kWall);
    a.answered(at(t), Error{ErrorCode::Io, "no route"});
  }
  EXPECT_TRUE(a.leads(at(last + 10s - 1us)));
  EXPECT_FALSE(a.leads(at(last + 10s)));
  run(a, last + 16s);
  EXPECT_TRUE(a.leads(at(last + 16s))) << "nobody took it meanwhile";
}

TEST_F(LeaseElectorTest, LeadingCountsFromWhenTheRequestWasSent) {
  LeaseElector a = elector("a");
  run(a, 20s);
  const Duration sent = a.due() - at(0s);
  const LeaseRequest request = a.next(at(sent), kWall + sent);
  a.answered(at(sent + 4s), keeper.take(request));
  EXPECT_EQ(a.leads_until(), at(sent + 10s));
}

TEST_F(LeaseElectorTest, ARequestWhoseAnswerWasLostIsFoundAgain) {
  LeaseElector a = elector("a");
  run(a, 20s);
  const Duration sent = a.due() - at(0s);
  keeper.take(a.next(at(sent), kWall + sent));
  a.answered(at(sent + 5s), Error{ErrorCode::Io, "timed out"});
  EXPECT_EQ(ask(a, sent + 5s), What::Read);
  EXPECT_TRUE(a.leads(at(sent + 9s)));
  EXPECT_EQ(ask(a, sent + 5s), What::Replace) << "at once";
  EXPECT_EQ(a.leads_until(), at(sent + 15s));
}

TEST_F(LeaseElectorTest, OneWhoTookTheLeaseEndsLeadingAtOnce) {
  LeaseElector a = elector("a");
  run(a, 20s);
  keeper.lease = LeaseFound{{.holder = "b", .duration = 15s}, "other"};
  EXPECT_EQ(ask(a, 21s), What::Replace);  // a conflict
  EXPECT_EQ(ask(a, 22s), What::Read);
  EXPECT_FALSE(a.leads(at(22s)));
  EXPECT_EQ(a.leader(at(22s)), "b");
}

TEST_F(LeaseElectorTest, OfTwoOfOneNameOneLeads) {
  LeaseElector a = elector("same"), b = elector("same");
  run(a, 20s);
  for (Duration t = 20s; t < 100s; t += 500ms) {
    run(a, t);
    run(b, t);
    EXPECT_TRUE(a.leads(at(t)));
    EXPECT_FALSE(b.leads(at(t)));
  }
}

TEST_F(LeaseElectorTest, AfterTheLeaseWasDeletedNobodyLeadsForItsTime) {
  LeaseElector a = elector("a"), b = elector("b");
  run(a, 20s);
  run(b, 20s);
  keeper.lease.reset();
  run(b, 29s);
  ASSERT_TRUE(keeper.lease);
  EXPECT_EQ(keeper.lease->record.holder, "b");
  run(a, 30s);
  for (Duration t = 30s; t < 34s; t += 500ms) {
    run(a, t);
    run(b, t);
    EXPECT_FALSE(a.leads(at(t)) || b.leads(at(t)));
  }
  run(b, 50s);
  EXPECT_TRUE(b.leads(at(50s)));
}

/// Copies with clocks of their own, a network that delays and loses, partitions, pauses, kills, shutdowns and
/// somebody who deletes the lease.
class ElectionWorld {
 public:
  ElectionWorld(std::uint64_t seed, bool same_name) : random_(seed), same_name_(same_name), copies_(3) {
    for (Copy& copy : copies_) {
      copy.offset = from_seconds(1000 * random_.uniform());
      copy.rate = 0.97 + 0.06 * random_.uniform();
      begin(copy);
    }
  }
  /// The most that led at one time.
  std::size_t run(Duration time, bool faults) {
    std::size_t most = 0;
    for (const Duration end = now_ + time; now_ < end; now_ += kTick) {
      if (faults) disturb();
      arrive(faults);
      for (Copy& copy : copies_) step(copy, faults);
      const std::vector<std::size_t> leaders = leading();
      most = std::max(most, leaders.size());
      if (leaders.size() == 1 && leaders[0] != last_) {
        last_ = leaders[0];
        ++changes_;
      }
    }
    return most;
  }
  std::vector<std::size_t> leading() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < copies_.size(); ++i)
      if (copies_[i].elector && copies_[i].elector->leads(local(copies_[i]))) found.push_back(i);
    return found;
  }
  std::uint64_t changes() const { return changes_; }

 private:
  static constexpr Duration kTick = 50ms;
  struct Copy {
    std::unique_ptr<LeaseElector> elector{};
    Duration offset{};
    double rate = 1;
    Duration paused_until{}, cut_off_until{}, dead_until{};
    std::uint64_t waits_for = 0;  ///< request under way; 0: none
    LeaseTime gives_up_at{};
    std::optional<LeaseAnswer> answer{};
    Duration answer_at{};
  };
  struct Sent {
    std::size_t by;
    std::uint64_t id;
    LeaseRequest request;
    Duration arrives;
    Duration answers;  ///< after it arrived
    bool answer_lost;
  };

  LeaseTime local(const Copy& copy) const {
    return LeaseTime(copy.offset + from_seconds(seconds(now_) * copy.rate));
  }
  void begin(Copy& copy) {
    const auto number = static_cast<std::size_t>(&copy - copies_.data());
    copy.elector = std::make_unique<LeaseElector>(LeaseElector::Settings{
        .identity = same_name_ ? "same" : "copy-" + std::to_string(number), .seed = random_.next()});
    copy.waits_for = 0;
    copy.answer.reset();
  }
  Duration delay(bool faults) {
    if (faults && random_.chance(0.1)) return from_seconds(20 * random_.uniform());
    return from_seconds(random_.exponential(0.05));
  }
  void send(Copy& copy, LeaseRequest request, bool faults) {
    copy.waits_for = ++ids_;
    copy.answer.reset();
    copy.gives_up_at = local(copy) + 5s;
    if (now_ < copy.cut_off_until || (faults && random_.chance(0.05))) return;
    sent_.push_back({static_cast<std::size_t>(&copy - copies_.data()), ids_, std::move(request),
                     now_ + delay(faults), delay(faults), faults && random_.chance(0.05)});
  }
  void arrive(bool faults) {
    std::ranges::stable_sort(sent_, {}, &Sent::arrives);
    while (!sent_.empty() && sent_.front().arrives <= now_) {
      const Sent one = std::move(sent_.front());
      sent_.erase(sent_.begin());
      LeaseAnswer answer = faults && random_.chance(0.03) ? LeaseAnswer(Error{ErrorCode::Io, "500"})
                                                          : keeper_.take(one.request);
      Copy& copy = copies_[one.by];
      if (one.answer_lost || copy.waits_for != one.id || now_ < copy.cut_off_until) continue;
      copy.answer = std::move(answer);
      copy.answer_at = now_ + one.answers;
    }
  }
  void step(Copy& copy, bool faults) {
    if (!copy.elector && now_ >= copy.dead_until) begin(copy);
    if (!copy.elector || now_ < copy.paused_until) return;
    if (copy.waits_for != 0) {
      if (copy.answer && copy.answer_at <= now_)
        copy.elector->answered(local(copy), *std::exchange(copy.answer, std::nullopt));
      else if (local(copy) >= copy.gives_up_at)
        copy.elector->answered(local(copy), Error{ErrorCode::Io, "timed out"});
      else
        return;
      copy.waits_for = 0;
    }
    // Wall clocks that jump.
    const TimePoint wall = kWall + from_seconds(1e6 * random_.uniform());
    if (copy.elector->due() <= local(copy)) send(copy, copy.elector->next(local(copy), wall), faults);
  }
  void disturb() {
    Copy& copy = copies_[random_.below(copies_.size())];
    if (!random_.chance(0.01)) return;
    const Duration until = now_ + from_seconds(30 * random_.uniform());
    switch (random_.below(6)) {
      case 0:
        copy.paused_until = until;
        break;
      case 1:
      case 2:
        copy.cut_off_until = until;
        break;
      case 3:
        copy.elector.reset();
        copy.waits_for = 0;
        copy.dead_until = until;
        break;
      case 4:
        if (!copy.elector || now_ < copy.paused_until) break;
        if (std::optional<LeaseRequest> last = copy.elector->give_up(kWall))
          send(copy, std::move(*last), true);
        copy.elector.reset();
        copy.waits_for = 0;
        copy.dead_until = until;
        break;
      default:
        keeper_.lease.reset();
    }
  }

  Random random_;
  bool same_name_;
  std::vector<Copy> copies_;
  LeaseKeeper keeper_;
  std::vector<Sent> sent_;
  std::uint64_t ids_ = 0;
  Duration now_{0};
  std::size_t last_ = SIZE_MAX;
  std::uint64_t changes_ = 0;
};

TEST(LeaseSwarm, NeverTwoLeadAndOneDoesWhenAllIsWell) {
  std::uint64_t changes = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    ElectionWorld world(seed, seed % 4 == 0);
    ASSERT_LE(world.run(300s, true), 1U) << "seed " << seed;
    ASSERT_LE(world.run(90s, false), 1U) << "seed " << seed;
    ASSERT_EQ(world.leading().size(), 1U) << "seed " << seed;
    changes += world.changes();
  }
  EXPECT_GT(changes, 250U) << "the world is too calm to say anything";
}

TEST(LockHolder, WhoGetsTheLockWaitsForWhoeverHadIt) {
  LockHolder holder({});
  holder.kept(at(0s));
  EXPECT_FALSE(holder.leads(at(1s))) << "it never got it";
  holder.got(at(10s));
  holder.kept(at(24s));
  EXPECT_FALSE(holder.leads(at(25s) - 1us));
  EXPECT_TRUE(holder.leads(at(25s)));
  EXPECT_FALSE(holder.leads(at(34s)));
  holder.kept(at(40s));
  EXPECT_TRUE(holder.leads(at(49s)));
  holder.lost();
  EXPECT_FALSE(holder.leads(at(49s)));
}

/// Copies whose questions take their time, and a database that ends sessions as it likes, whoever is told.
TEST(LockSwarm, NeverTwoLead) {
  struct Copy {
    LockHolder holder{{}};
    double rate = 1;
    std::uint64_t session = 0;  ///< 0: none
    bool held = false;          ///< as far as it knows
    Duration asked{}, arrives{}, answers{};
    std::optional<bool> has;  ///< the answer under way
    bool busy = false;
  };
  std::uint64_t led = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    std::vector<Copy> copies(3);
    for (Copy& copy : copies) copy.rate = 0.97 + 0.06 * random.uniform();
    std::uint64_t sessions = 0, owner = 0;
    const auto local = [](const Copy& copy, Duration t) { return at(from_seconds(seconds(t) * copy.rate)); };
    for (Duration now{0}; now < 300s; now += 50ms) {
      if (random.chance(0.002)) owner = 0;  // the database ended that session
      std::size_t leaders = 0;
      for (Copy& copy : copies) {
        if (!copy.busy && random.chance(0.2)) {
          if (copy.session == 0) copy.session = ++sessions;
          copy.busy = true;
          copy.has.reset();
          copy.asked = now;
          copy.arrives = now + from_seconds(random.exponential(random.chance(0.1) ? 4 : 0.05));
          copy.answers = copy.arrives + from_seconds(random.exponential(random.chance(0.1) ? 4 : 0.05));
        }
        if (copy.busy && !copy.has && copy.arrives <= now) {
          if (!copy.held && owner == 0) owner = copy.session;
          copy.has = owner == copy.session;
        }
        if (copy.busy && copy.has && copy.answers <= now) {
          copy.busy = false;
          if (now - copy.asked > 5s) {  // nobody listened any more
            copy.session = 0;
            copy.held = false;
          } else if (copy.held && *copy.has) {
            copy.holder.kept(local(copy, copy.asked));
          } else if (copy.held) {
            copy.holder.lost();
            copy.session = 0;
            copy.held = false;
          } else if (*copy.has) {
            copy.held = true;
            copy.holder.got(local(copy, now));
          }
        }
        if (copy.holder.leads(local(copy, now))) ++leaders;
      }
      ASSERT_LE(leaders, 1U) << "seed " << seed;
      led += leaders;
    }
  }
  EXPECT_GT(led, 50'000U) << "nobody leads, so that says nothing";
}

TEST(LeaseObject, WhatIsWrittenIsReadAndTheRestStays) {
  const LeaseRecord record{.holder = "pod-1",
                           .duration = 15s,
                           .acquired = kWall + 7us,
                           .renewed = kWall + 1'234'567us,
                           .transitions = 3};
  EXPECT_FALSE(parse_lease(new_lease("control", record))) << "it has no version before the API gives one";
  const std::string found =
      R"({"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"control","uid":"u",)"
      R"("resourceVersion":"7","labels":{"a":"b"}},"spec":{"holderIdentity":"x","strategy":"OldestEmulationVersion"}})";
  const std::string changed = changed_lease(found, record);
  for (const char* kept : {R"("uid":"u")", R"("labels":{"a":"b"})", R"("strategy":"Oldest)",
                           R"("renewTime":"2023-11-14T22:13:21.234567Z")"})
    EXPECT_NE(changed.find(kept), std::string::npos) << kept << "\n" << changed;
  const Result<LeaseFound> read = parse_lease(changed);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->version, "7");
  EXPECT_EQ(read->record, record);
}

TEST(LeaseObject, WhatIsLeftOutIsEmptyAndWhatIsNoLeaseIsSaid) {
  const Result<LeaseFound> bare = parse_lease(R"({"kind":"Lease","metadata":{"resourceVersion":"1"}})");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->record, LeaseRecord());
  const Result<LeaseFound> odd = parse_lease(
      R"({"kind":"Lease","metadata":{"resourceVersion":"1"},"spec":{"leaseDurationSeconds":99999999999,"leaseTransitions":-1,"renewTime":"soon","holderIdentity":null}})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->record.duration, std::chrono::seconds(INT32_MAX));
  EXPECT_EQ(odd->record.transitions, 0);
  for (const char* wrong : {"", "[]", "<html>", R"({"kind":"Status","metadata":{"resourceVersion":"1"}})",
                            R"({"kind":"Lease","metadata":{}})"})
    EXPECT_FALSE(parse_lease(wrong)) << wrong;
}

}  // namespace
}  // namespace forewarm
