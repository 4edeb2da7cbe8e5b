#include "app/source_service.h"

#include <gtest/gtest.h>

#include "app/live_world.h"
#include "app/memory_store.h"

namespace forewarm {
namespace {

constexpr QueueId kOrders(1);
constexpr QueueId kDeadLetters(2);
constexpr FunctionId kWorker(1);

/// What an engine was told, and the listener it tells. The test owns it; the service owns a handle to it.
struct FakeEngine {
  MessageSource::Listener listener;
  std::vector<Settlement> settled;
  std::vector<std::string> extended;
  std::uint32_t window = 0;
  EngineTraits traits;

  std::vector<std::pair<std::string, SettleKind>> kinds() const {
    std::vector<std::pair<std::string, SettleKind>> kinds;
    for (const Settlement& each : settled) kinds.emplace_back(each.token, each.kind);
    return kinds;
  }
};

class FakeSource : public MessageSource {
 public:
  explicit FakeSource(FakeEngine& engine) : engine_(engine) {}
  void start(Listener listener) override { engine_.listener = std::move(listener); }
  void set_window(std::uint32_t unsettled_max) override { engine_.window = unsettled_max; }
  void settle(std::vector<Settlement> settlements) override {
    for (Settlement& each : settlements) engine_.settled.push_back(std::move(each));
  }
  void extend(std::vector<std::string> tokens) override {
    for (std::string& each : tokens) engine_.extended.push_back(std::move(each));
  }
  void observe(std::function<void(Result<QueueDepth>)> done) override { done(QueueDepth{}); }
  void publish(LentMessage, std::function<void(Result<void>)> done) override { done({}); }
  EngineTraits traits() const override { return engine_.traits; }

 private:
  FakeEngine& engine_;
};

/// A store that refuses when the test says so.
class FullStore : public MemoryStore {
 public:
  Result<void> submit(std::vector<Write> writes, Durability durability, Done done) override {
    if (refuses) return error(ErrorCode::Exhausted, "too much is pending");
    return MemoryStore::submit(std::move(writes), durability, std::move(done));
  }
  bool refuses = false;
};

/// A world whose queue "orders" lives in a fake engine and runs on a function of one instance.
class SourceServiceTest : public testing::Test {
 protected:
  SourceServiceTest() { open(); }

  void open() {
    core = std::make_unique<Orchestrator>(Orchestrator::Options{});
    service = std::make_unique<SourceService>(
        store, SourceService::Server{.loop = &loop,
                                     .core = core.get(),
                                     .now = [this] { return world->now(); },
                                     .report = [this](Event event) { world->report(std::move(event)); },
                                     .queue_id = [](std::string_view) { return std::optional(kOrders); },
                                     .slots = [this](std::string_view) { return slots; },
                                     .warn = [this](std::string_view text) { warnings.emplace_back(text); },
                                     .make =
                                         [this](const SourceConfig&) {
                                           return Result<std::unique_ptr<MessageSource>>(
                                               std::make_unique<FakeSource>(engine));
                                         }});
    for (const auto& [key, value] : store.records) ASSERT_TRUE(service->recover(key, value));
    world = std::make_unique<LiveWorld>(
        loop, service->store(), *core, LiveWorld::Options{},
        LiveWorld::Hands{.instance =
                             [this](const Action& action) {
                               if (const auto* start = std::get_if<StartInstance>(&action))
                                 world->report(InstanceReady{start->instance, 1ms});
                             },
                         .run = [this](const forewarm::Run& run) { runs.push_back(run); },
                         .fit = [](const FitRequest&) {},
                         .watch = {}});
    const bool fifo = config.queue.ends_with(".fifo");
    world->report(QueueChanged{kDeadLetters, {.fifo = fifo, .redrive = {}}});
    world->report(QueueChanged{kOrders, {.fifo = fifo, .redrive = RedrivePolicy{kDeadLetters, 2}}});
    Configuration configuration;
    configuration.functions.push_back({.id = kWorker, .concurrency_max = 1});
    MappingSettings mapping{.queue = kOrders, .function = kWorker, .scaling = {}, .retry = {}};
    mapping.retry.backoff_base = mapping.retry.backoff_max = backoff;
    configuration.mappings.push_back(mapping);
    world->report(ConfigurationChanged{configuration});
    service->configure({config});
    settle();
  }

  void settle() {
    for (int round = 0; round < 20; ++round) {
      loop.run_until(Loop::Clock::now() + 2ms);
      while (world->input_size() > 0 && take(kNever)) {
      }
      take(TimePoint{});
    }
  }
  /// The service looks at its sources again and again by the loop's clock.
  void pass(Duration time) {
    const auto until = Loop::Clock::now() + time;
    while (Loop::Clock::now() < until) loop.run_until(until);
    settle();
  }
  bool take(TimePoint wake_at) {
    const std::optional<TimedEvent> event = world->next(wake_at);
    if (!event) return false;
    Actions actions;
    core->step(event->time, event->event, actions);
    world->perform(*event, actions);
    return true;
  }
  void lend(const std::string& id, const std::string& token) {
    engine.listener.lent({LentMessage{.id = id, .token = token, .body = "body of " + id}});
    settle();
  }
  void lose(const std::string& token) {
    engine.listener.lost({token});
    settle();
  }
  /// Ends the newest run, which must be there.
  void finish(ErrorClass outcome = ErrorClass::None) {
    ASSERT_FALSE(runs.empty());
    const forewarm::Run run = runs.back();
    runs.pop_back();
    world->report(
        RunFinished{.run = run.run, .error = outcome, .error_key = 7, .service_time = 1ms, .failed = {}});
    settle();
  }
  using Kinds = std::vector<std::pair<std::string, SettleKind>>;

  SourceConfig config{.queue = "orders",
                      .url = "fake://user:secret@host/orders?key=1",
                      .password_file = {},
                      .ca_file = {},
                      .options = {}};
  Loop loop;
  FullStore store;
  FakeEngine engine;
  std::uint32_t slots = 1;
  Duration backoff = 1ms;
  std::vector<std::string> warnings;
  std::vector<forewarm::Run> runs;
  std::unique_ptr<Orchestrator> core;
  std::unique_ptr<SourceService> service;
  std::unique_ptr<LiveWorld> world;
};

TEST_F(SourceServiceTest, AcknowledgesWhatSucceededAndKeepsNothingOfIt) {
  lend("a", "t1");
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_TRUE(engine.settled.empty());
  EXPECT_EQ(store.records.size(), 1U);
  finish();
  EXPECT_EQ(engine.kinds(), (Kinds{{"t1", SettleKind::Acknowledge}}));
  EXPECT_TRUE(store.records.empty());
  EXPECT_TRUE(store.messages.empty());
  EXPECT_EQ(service->store().size(), 0U);
}

TEST_F(SourceServiceTest, TheFunctionGetsTheBodyThoughTheStoreHasNone) {
  lend("a", "t1");
  const Result<std::string> payload = service->store().payload(runs.front().leases.front().message);
  ASSERT_TRUE(payload);
  EXPECT_NE(payload->find("body of a"), std::string::npos);
}

TEST_F(SourceServiceTest, AttemptsAreCountedOverRestartsAndThenTheDeadLetterIsKeptHere) {
  lend("a", "t1");
  world.reset();
  service.reset();
  runs.clear();
  open();
  lend("a", "t2");
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs.front().leases.front().receive_count, 2);
  EXPECT_TRUE(engine.settled.empty() || engine.settled.back().kind == SettleKind::Release);
  engine.settled.clear();
  finish(ErrorClass::Handler);
  EXPECT_EQ(engine.kinds(), (Kinds{{"t2", SettleKind::Acknowledge}}));
  ASSERT_EQ(store.messages.size(), 1U);
  EXPECT_EQ(store.messages.begin()->second.message.queue, kDeadLetters);
  EXPECT_NE(store.messages.begin()->second.payload.find("body of a"), std::string::npos);
  EXPECT_TRUE(store.records.empty());
  EXPECT_EQ(core->queue(kDeadLetters).messages, 1U);
}

TEST_F(SourceServiceTest, AnEngineThatTakesDeadLettersGetsThem) {
  config.dead_letters = "engine";
  service->configure({config});
  settle();
  lend("a", "t1");
  finish(ErrorClass::Handler);
  ASSERT_EQ(runs.size(), 1U);
  finish(ErrorClass::Handler);
  EXPECT_EQ(engine.kinds(), (Kinds{{"t1", SettleKind::DeadLetter}}));
  ASSERT_TRUE(engine.settled.back().message);
  EXPECT_EQ(engine.settled.back().message->body, "body of a");
  engine.listener.settled("t1", SettleKind::DeadLetter, {});
  settle();
  EXPECT_EQ(core->queue(kDeadLetters).messages, 0U);
  EXPECT_TRUE(store.messages.empty());
  EXPECT_EQ(service->store().size(), 0U);
}

TEST_F(SourceServiceTest, WhatWaitsAndIsLostIsForgottenUntilItComesAgain) {
  lend("a", "t1");
  lend("b", "t2");
  ASSERT_EQ(runs.size(), 1U);  // there is one instance
  lose("t2");
  EXPECT_EQ(core->queue(kOrders).messages, 1U);
  finish();
  EXPECT_TRUE(runs.empty());
  lend("b", "t3");
  finish();
  EXPECT_EQ(engine.kinds(), (Kinds{{"t1", SettleKind::Acknowledge}, {"t3", SettleKind::Acknowledge}}));
  EXPECT_EQ(service->store().size(), 0U);
}

TEST_F(SourceServiceTest, WhatRunsWhileItIsLostIsAcknowledgedWhenItComesAgainAndNotRunTwice) {
  lend("a", "t1");
  lose("t1");
  finish();
  EXPECT_TRUE(engine.settled.empty());
  lend("a", "t2");
  EXPECT_TRUE(runs.empty());
  EXPECT_EQ(engine.kinds(), (Kinds{{"t2", SettleKind::Acknowledge}}));
  // Its end is confirmed: another message of that id is another message.
  engine.listener.settled("t2", SettleKind::Acknowledge, {});
  settle();
  lend("a", "t3");
  EXPECT_EQ(runs.size(), 1U);
}

TEST_F(SourceServiceTest, WhatRunsWhileItIsLostAndComesAgainMeanwhileIsSettledByItsNewToken) {
  lend("a", "t1");
  lose("t1");
  lend("a", "t2");
  EXPECT_EQ(runs.size(), 1U);
  finish();
  EXPECT_EQ(engine.kinds(), (Kinds{{"t2", SettleKind::Acknowledge}}));
}

TEST_F(SourceServiceTest, WhatFailsWhileItIsLostIsNotTriedHereUntilItComesAgain) {
  backoff = 1h;  // with less a slow machine tries it again before it is forgotten
  open();
  lend("a", "t1");
  lose("t1");
  finish(ErrorClass::Handler);
  EXPECT_EQ(core->queue(kOrders).messages, 0U);
  lend("a", "t2");
  EXPECT_TRUE(runs.empty());
  ASSERT_EQ(core->queue(kOrders).delayed, 1U) << "it waits for as long as it would have";
  EXPECT_EQ(core->messages(kOrders, 1).front().message.receive_count, 1);
}

TEST_F(SourceServiceTest, WhatIsLostOfAGroupTogetherIsNotRunOutOfItsOrder) {
  config.queue = "orders.fifo";
  backoff = 1h;
  open();
  engine.listener.lent({LentMessage{.id = "a", .token = "t1", .body = "first", .group = "g"},
                        LentMessage{.id = "b", .token = "t2", .body = "second", .group = "g"}});
  settle();
  ASSERT_EQ(runs.size(), 1U);
  finish(ErrorClass::Handler);
  ASSERT_TRUE(runs.empty()) << "the second waits for the first";
  ASSERT_EQ(core->queue(kOrders).messages, 2U);
  engine.listener.lost({"t1", "t2"});
  settle();
  EXPECT_TRUE(runs.empty()) << "the first is gone, and not done";
  EXPECT_EQ(core->queue(kOrders).messages, 0U);
}

TEST_F(SourceServiceTest, AnAcknowledgementThatTheEngineDidNotTakeIsRepeated) {
  lend("a", "t1");
  finish();
  engine.listener.settled("t1", SettleKind::Acknowledge, error(ErrorCode::Io, "the connection ended"));
  settle();
  engine.settled.clear();
  lend("a", "t2");
  EXPECT_TRUE(runs.empty());
  EXPECT_EQ(engine.kinds(), (Kinds{{"t2", SettleKind::Acknowledge}}));
}

TEST_F(SourceServiceTest, AMessageThatIsLikeOneThatWasDoneIsNotTakenForIt) {
  lend("a", "t1");
  finish();  // the engine has not said yet that it has the acknowledgement
  lend("a", "t2");
  ASSERT_EQ(runs.size(), 1U);
  engine.listener.settled("t1", SettleKind::Acknowledge, error(ErrorCode::Io, "the connection ended"));
  finish();
  engine.listener.lent({LentMessage{.id = "a", .token = "t3", .body = "new", .deliveries = 1}});
  settle();
  EXPECT_EQ(runs.size(), 1U);
  finish();
  engine.settled.clear();
  engine.listener.lent({LentMessage{.id = "a", .token = "t4", .body = "again", .deliveries = 2}});
  engine.listener.lent({LentMessage{.id = "a", .token = "t5", .body = "again", .deliveries = 2}});
  settle();
  // One acknowledgement was in vain, so one of the two was done.
  EXPECT_EQ(engine.kinds(), (Kinds{{"t4", SettleKind::Acknowledge}}));
  EXPECT_EQ(runs.size(), 1U);
}

TEST_F(SourceServiceTest, TwoMessagesOfOneIdAreTwo) {
  lend("a", "t1");
  lend("a", "t2");
  finish();
  finish();
  EXPECT_EQ(engine.kinds(), (Kinds{{"t1", SettleKind::Acknowledge}, {"t2", SettleKind::Acknowledge}}));
}

TEST_F(SourceServiceTest, NothingIsSettledBeforeItsCommit) {
  lend("a", "t1");
  store.refuses = true;
  finish();
  EXPECT_TRUE(engine.settled.empty());
  store.refuses = false;
  lend("b", "t2");  // what was refused is tried again with the next commit
  finish();
  ASSERT_FALSE(engine.settled.empty());
  EXPECT_EQ(engine.kinds().front(), (std::pair<std::string, SettleKind>{"t1", SettleKind::Acknowledge}));
}

TEST_F(SourceServiceTest, TheWindowFollowsTheSlots) {
  pass(110ms);
  EXPECT_EQ(engine.window, 10U);
  slots = 40;
  pass(110ms);
  EXPECT_EQ(engine.window, 80U);
}

TEST_F(SourceServiceTest, LeasesAreRenewedAtHalfTheirTime) {
  engine.traits.lease = 30s;
  engine.listener.lent(
      {LentMessage{.id = "a", .token = "t1", .body = "x", .lent_until = world->now() + 10s}});
  settle();
  pass(110ms);
  ASSERT_FALSE(engine.extended.empty());
  EXPECT_EQ(engine.extended.front(), "t1");
  engine.listener.extended({{"t1", world->now() + 30s}});
  settle();
  engine.extended.clear();
  pass(110ms);
  EXPECT_TRUE(engine.extended.empty());
}

TEST_F(SourceServiceTest, AtTheEndWhatWaitsIsGivenBackAndWhatRunsEnds) {
  lend("a", "t1");
  lend("b", "t2");
  service->stop();
  settle();
  EXPECT_EQ(engine.kinds(), (Kinds{{"t2", SettleKind::Release}}));
  EXPECT_EQ(core->queue(kOrders).messages, 1U);
  finish();
  EXPECT_EQ(engine.kinds().back(), (std::pair<std::string, SettleKind>{"t1", SettleKind::Acknowledge}));
  lend("c", "t3");
  EXPECT_TRUE(runs.empty());
  EXPECT_EQ(engine.kinds().back(), (std::pair<std::string, SettleKind>{"t3", SettleKind::Release}));
}

TEST_F(SourceServiceTest, AQueueThatIsPurgedHereGivesBackWhatItWasLent) {
  lend("a", "t1");
  lend("b", "t2");
  world->report(QueuePurged{kOrders});
  settle();
  EXPECT_EQ(engine.kinds(), (Kinds{{"t1", SettleKind::Release}, {"t2", SettleKind::Release}}));
  EXPECT_EQ(service->store().size(), 0U);
}

TEST_F(SourceServiceTest, SaysWhereAQueueLivesWithoutItsSecrets) {
  EXPECT_EQ(service->elsewhere(kOrders), "fake://host/orders");
  EXPECT_EQ(service->elsewhere(kDeadLetters), "");
}

TEST_F(SourceServiceTest, ARecordThatCannotBeReadIsNamed) {
  const Result<bool> read = service->recover("lent/1/x", "many");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("lent/1/x"), std::string::npos);
  EXPECT_FALSE(*service->recover("queue/1", ""));
}

}  // namespace
}  // namespace forewarm
