// Circuit breakers in the whole core: what waits through an outage, and what is bad.
#include <gtest/gtest.h>

#include <map>

#include "core/drive.h"
#include "core/orchestrator.h"
#include "sim/arrivals.h"
#include "sim/invariants.h"
#include "sim/simulated_world.h"

namespace forewarm {
namespace {

constexpr QueueId kJobs(1);
constexpr QueueId kDead(2);
constexpr std::uint16_t kAttempts = 4;

/// Counts what becomes of messages.
class Fates : public Watcher {
 public:
  void observe(const TimedEvent& event, const Actions& actions) override {
    for (const Action& action : actions) {
      if (const auto* run = std::get_if<Run>(&action)) {
        for (const Lease& lease : run->leases) {
          ++runs[lease.message];
          started.emplace_back(event.time, lease.message);
        }
      }
      if (const auto* gone = std::get_if<Delete>(&action))
        deleted += gone->reason == DeleteReason::RunSucceeded;
      if (const auto* move = std::get_if<Move>(&action)) dead[move->message] = event.time;
    }
  }
  std::map<MessageId, int> runs;
  std::vector<std::pair<TimePoint, MessageId>> started;
  std::size_t deleted = 0;
  std::map<MessageId, TimePoint> dead;
};

/// The fingerprint that a message fails with; 0: it succeeds.
using Fails = std::function<std::uint64_t(MessageId, TimePoint)>;
constexpr std::uint64_t kError = 77;

Fates play(const std::vector<Arrival>& arrivals, bool fifo, std::uint64_t seed, const Fails& fails) {
  SimulationOptions options;
  options.seed = seed;
  options.length = 1h;
  options.settle = 3h;
  FunctionSettings function;
  function.id = FunctionId(1);
  MappingSettings mapping;
  mapping.queue = kJobs;
  mapping.function = function.id;
  mapping.scaling.instances_min = 2;
  mapping.scaling.instances_max = 4;
  options.configuration.functions = {function};
  options.configuration.mappings = {mapping};
  SimulatedQueue queue;
  queue.id = kJobs;
  queue.settings.fifo = fifo;
  queue.settings.redrive = RedrivePolicy{kDead, kAttempts};
  SimulatedQueue dead;
  dead.id = kDead;
  dead.settings.fifo = fifo;
  options.queues = {queue, dead};
  options.faults.incident = [&](MessageId id, TimePoint now) -> std::optional<IncidentFailure> {
    const std::uint64_t fingerprint = fails(id, now);
    if (fingerprint == 0) return std::nullopt;
    return IncidentFailure{ErrorClass::Handler, fingerprint, 20ms};
  };
  Orchestrator core({.seed = seed, .make_scaler = {}});
  const auto list = make_arrival_list(arrivals);
  SimulatedWorld world(options, *list);
  Fates fates;
  Invariants invariants(Invariants::Options{});
  world.add_watcher(fates);
  world.add_watcher(invariants);
  drive(core, world);
  EXPECT_TRUE(invariants.violations().empty()) << invariants.violations().front();
  return fates;
}

/// Ten minutes in, for a time that differs: nothing succeeds.
Fails outage(std::uint64_t seed) {
  const TimePoint begins = time_point_us(0) + 10min;
  const TimePoint ends = begins + from_seconds(120 + 300 * static_cast<double>(seed));
  return [begins, ends](MessageId, TimePoint now) { return now >= begins && now < ends ? kError : 0; };
}

TEST(Outage, CostsNoMessageAndFewAttemptsOnBothKindsOfQueues) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const bool fifo = seed % 2 == 0;
    SCOPED_TRACE("seed " + std::to_string(seed));
    const ArrivalPattern pattern{.rate_per_second = 0.5, .tenants = 6, .groups = 10};
    const std::vector<Arrival> arrivals = generate_arrivals({pattern}, 40min, seed);
    const Fates fates = play(arrivals, fifo, seed, outage(seed));
    EXPECT_TRUE(fates.dead.empty());
    EXPECT_EQ(fates.deleted, arrivals.size());
    EXPECT_LT(fates.started.size(), arrivals.size() + 150) << "only canaries ran";
    if (!fifo) continue;
    std::map<GroupId, MessageId> last;
    for (const auto& [at, id] : fates.started) {
      MessageId& before = last[arrivals[id.value() - 1].group];
      EXPECT_GE(id, before) << "a group's order is kept";
      before = id;
    }
  }
}

TEST(Outage, AHandfulOfBadMessagesAloneInTheQueueIsNoneAndIsDeadLettered) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<Arrival> arrivals = generate_arrivals({{.rate_per_second = 0.5, .groups = 5}}, 10min, seed);
    const std::size_t good = arrivals.size();
    for (std::uint64_t i = 0; i <= seed; ++i)
      arrivals.push_back({.at = 20min + i * 1s, .group = GroupId(100 + static_cast<std::uint64_t>(i))});
    const Fates fates = play(arrivals, seed % 2 == 0, seed,
                             [good](MessageId id, TimePoint) { return id.value() > good ? kError : 0; });
    EXPECT_EQ(fates.deleted, good);
    ASSERT_EQ(fates.dead.size(), arrivals.size() - good);
    for (const auto& [id, at] : fates.dead) {
      EXPECT_EQ(fates.runs.at(id), kAttempts);
      EXPECT_LT(at - time_point_us(0), 20min + 1h);
    }
  }
}

TEST(Outage, ABatchOfBadMessagesOfOneTenantIsNoneThoughNobodyElseSends) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<Arrival> arrivals =
        generate_arrivals({{.rate_per_second = 0.5, .tenants = 4, .groups = 5}}, 10min, seed);
    const std::size_t good = arrivals.size();
    const TenantId sender = arrivals.front().tenant;
    for (std::uint64_t i = 0; i < 10 + 4 * seed; ++i)
      arrivals.push_back({.at = 20min + i * 1s, .tenant = sender, .group = GroupId(100 + i)});
    const Fates fates = play(arrivals, seed % 2 == 0, seed,
                             [good](MessageId id, TimePoint) { return id.value() > good ? kError : 0; });
    EXPECT_EQ(fates.deleted, good);
    ASSERT_EQ(fates.dead.size(), arrivals.size() - good);
    for (const auto& [id, at] : fates.dead) {
      EXPECT_LE(fates.runs.at(id), kAttempts);
      EXPECT_LT(at - time_point_us(0), 20min + 3h) << "one at a time, each two minutes at most";
    }
  }
}

TEST(Outage, ABatchOfBadMessagesAmongGoodOnesIsJudgedByFewOfThem) {
  constexpr std::uint64_t kErrors = 6;  // none seen before: each is judged by some twenty attempts
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const ArrivalPattern pattern{.rate_per_second = 0.5, .tenants = 6, .groups = 500};
    const std::vector<Arrival> arrivals = generate_arrivals({pattern}, 55min, seed);
    std::size_t bad = 0;
    std::size_t tried = 0;
    const auto kind_of = [&](MessageId id) -> std::uint64_t {
      const Duration at = arrivals[id.value() - 1].at;
      const bool of_batch = at >= 10min && at < 15min && id.value() % 5 < 3;
      return of_batch ? kError + id.value() % kErrors : 0;
    };
    for (std::uint64_t i = 1; i <= arrivals.size(); ++i) bad += kind_of(MessageId(i)) != 0;
    ASSERT_GT(bad, 50U);
    const Fates fates = play(arrivals, false, seed, [&](MessageId id, TimePoint) { return kind_of(id); });
    EXPECT_EQ(fates.deleted, arrivals.size() - bad);
    ASSERT_EQ(fates.dead.size(), bad);
    for (const auto& [id, at] : fates.dead) {
      tried += static_cast<std::size_t>(fates.runs.at(id));
      EXPECT_LT(at - time_point_us(0), 10min + 90min);
    }
    EXPECT_LT(tried, bad + kErrors * 24) << "of " << bad * kAttempts;
  }
}

TEST(Outage, OneGoodMessageIsNotKeptWaitingByBadOnes) {
  std::vector<Arrival> arrivals = generate_arrivals({{.rate_per_second = 0.5}}, 10min, 1);
  const std::size_t good = arrivals.size();
  for (int i = 0; i < 5; ++i)
    arrivals.push_back({.at = 20min + i * 1s, .group = GroupId(100 + static_cast<std::uint64_t>(i))});
  arrivals.push_back({.at = 25min});
  const MessageId late(arrivals.size());
  const Fates fates = play(arrivals, false, 1, [&](MessageId id, TimePoint) {
    return id.value() > good && id != late ? kError : 0;
  });
  EXPECT_EQ(fates.deleted, good + 1);
  for (const auto& [at, id] : fates.started) EXPECT_TRUE(id != late || at - time_point_us(0) < 26min);
}

}  // namespace
}  // namespace forewarm
