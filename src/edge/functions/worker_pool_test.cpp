#include "edge/functions/worker_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "edge/functions/worker_protocol.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

const FunctionId kOrders(1);

/// What a worker was answered; breaks as a connection does when its other end goes.
struct Answer {
  std::optional<HttpResponse> response;
  std::function<void()> closed;
};
class NotedReply final : public HttpReply {
 public:
  explicit NotedReply(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  void send(HttpResponse response) override { answer_->response = std::move(response); }
  void start_stream(HttpResponse) override {}
  void write(std::string_view) override {}
  void finish() override {}
  std::size_t unsent() const override { return 0; }
  void on_closed(std::function<void()> closed) override { answer_->closed = std::move(closed); }

 private:
  std::shared_ptr<Answer> answer_;
};

class WorkerPoolTest : public testing::Test {
 protected:
  using AnswerPtr = std::shared_ptr<Answer>;

  WorkerPoolTest() { make({.hold = 10min, .lost_after = 10min}); }

  void make(WorkerPool::Options options, WorkerFunction function = {.name = "orders", .arn = "arn:orders"}) {
    options.warn = [this](const std::string& text) { warnings_.push_back(text); };
    pool_ = std::make_unique<WorkerPool>(loop_, std::move(options),
                                         [this](PoolEvent event) { events_.push_back(std::move(event)); });
    pool_->define(kOrders, std::move(function));
  }

  AnswerPtr call(const std::string& worker, std::string method, std::string path, std::string body = "",
                 HttpHeaders headers = {}) {
    auto answer = std::make_shared<Answer>();
    headers.emplace_back(kWorkerHeader, worker);
    pool_->handle(kOrders,
                  {.method = std::move(method),
                   .path = std::move(path),
                   .headers = std::move(headers),
                   .body = std::move(body)},
                  std::make_shared<NotedReply>(answer));
    return answer;
  }
  AnswerPtr next(const std::string& worker = "w1") { return call(worker, "GET", std::string(kNextPath)); }
  AnswerPtr next_having_lost(const std::string& run, const std::string& worker = "w1") {
    return call(worker, "GET", std::string(kNextPath), "", {{std::string(kRunHeader), run}});
  }
  AnswerPtr beat(const std::string& worker = "w1") {
    return call(worker, "POST", std::string(kHeartbeatPath));
  }
  AnswerPtr respond(const std::string& request_id, const std::string& worker = "w1") {
    return call(worker, "POST", "/2018-06-01/runtime/invocation/" + request_id + "/response", "{}");
  }
  AnswerPtr goodbye(const std::string& run, const std::string& worker = "w1") {
    return call(worker, "POST", std::string(kGoodbyePath), "",
                {{std::string(kRunHeader), run}, {std::string(kReasonHeader), "exit status 7"}});
  }
  void run(std::uint64_t n, std::uint64_t instance = 1) {
    pool_->run(InstanceId(instance),
               {.run = RunId(n), .request_id = "r" + std::to_string(n), .payload = "p" + std::to_string(n)});
  }
  /// A worker that is instance 1 and waits.
  AnswerPtr ready() {
    pool_->start(InstanceId(1), kOrders, 0);
    AnswerPtr waiting = next();
    EXPECT_EQ(of<PoolReady>().size(), 1U);
    return waiting;
  }
  template <class Condition>
  void run_until(Condition condition) {
    const auto deadline = Loop::Clock::now() + 20s;
    while (!condition() && Loop::Clock::now() < deadline) loop_.run_until(Loop::Clock::now() + 2ms);
    EXPECT_TRUE(condition());
  }
  void settle() { loop_.run_until(Loop::Clock::now() + 5ms); }
  template <class Wanted>
  std::vector<Wanted> of() const {
    std::vector<Wanted> found;
    for (const PoolEvent& event : events_) {
      if (const auto* wanted = std::get_if<Wanted>(&event)) found.push_back(*wanted);
    }
    return found;
  }
  static unsigned status(const AnswerPtr& answer) { return answer->response ? answer->response->status : 0; }

  Loop loop_;
  std::vector<PoolEvent> events_;
  std::vector<std::string> warnings_;
  std::unique_ptr<WorkerPool> pool_;
};

TEST_F(WorkerPoolTest, AStartIsAnsweredByTheNextWorkerThatAsks) {
  pool_->start(InstanceId(1), kOrders, 0);
  settle();
  EXPECT_TRUE(events_.empty());
  const AnswerPtr waiting = next();
  ASSERT_EQ(of<PoolReady>().size(), 1U);
  EXPECT_EQ(of<PoolReady>()[0].instance, InstanceId(1));
  EXPECT_EQ(status(waiting), 0U);
  run(1);
  ASSERT_EQ(status(waiting), 200U);
  EXPECT_EQ(waiting->response->body, "p1");
  EXPECT_EQ(find_header(waiting->response->headers, kRequestIdHeader), "r1");
  EXPECT_EQ(find_header(waiting->response->headers, kTimeoutHeader), "30000");
  EXPECT_EQ(find_header(waiting->response->headers, "Lambda-Runtime-Invoked-Function-Arn"), "arn:orders");
  EXPECT_EQ(status(respond("r1")), 202U);
  ASSERT_EQ(of<PoolFinished>().size(), 1U);
  EXPECT_EQ(of<PoolFinished>()[0].error, ErrorClass::None);
  EXPECT_EQ(of<PoolFinished>()[0].response, "{}");
}

TEST_F(WorkerPoolTest, AWorkerThatCameFirstAnswersAStartAtOnce) {
  next("early");
  EXPECT_EQ(pool_->workers(kOrders), (std::array<std::uint32_t, 2>{0, 1}));
  pool_->start(InstanceId(5), kOrders, 0);
  run_until([&] { return of<PoolReady>().size() == 1; });
  EXPECT_EQ(pool_->workers(kOrders), (std::array<std::uint32_t, 2>{1, 0}));
}

TEST_F(WorkerPoolTest, AStartThatNoWorkerAnswersIsTakenBackAndIsNoFailure) {
  make({.hold = 40ms, .lost_after = 40ms}, {.name = "orders", .start_timeout = 20ms});
  pool_->start(InstanceId(1), kOrders, 0);
  run_until([&] { return !of<PoolLost>().empty(); });
  EXPECT_EQ(of<PoolLost>()[0].reason, LossReason::Stopped);
  EXPECT_NE(of<PoolLost>()[0].detail.find("no worker of 'orders' has connected"), std::string::npos);
  next();
  EXPECT_TRUE(of<PoolReady>().empty());
}

TEST_F(WorkerPoolTest, ARunWaitsForAWorkerThatIsOnItsWay) {
  ready();
  run(1);
  respond("r1");
  run(2);
  const AnswerPtr waiting = next();
  EXPECT_EQ(waiting->response.value_or(HttpResponse{}).body, "p2");
}

TEST_F(WorkerPoolTest, WhatIsAnsweredTwiceOrForAnotherRunIsRefused) {
  ready();
  run(1);
  EXPECT_EQ(status(respond("other")), 400U);
  EXPECT_EQ(status(respond("r1")), 202U);
  EXPECT_EQ(status(respond("r1")), 403U);
  EXPECT_EQ(of<PoolFinished>().size(), 1U);
  EXPECT_EQ(status(respond("r1", "stranger")), 404U);
}

TEST_F(WorkerPoolTest, AnErrorIsTheRunsFailure) {
  ready();
  run(1);
  const AnswerPtr answer = call("w1", "POST", "/2018-06-01/runtime/invocation/r1/error",
                                R"({"errorType":"Broken","errorMessage":"as asked"})");
  EXPECT_EQ(status(answer), 202U);
  ASSERT_EQ(of<PoolFinished>().size(), 1U);
  EXPECT_EQ(of<PoolFinished>()[0].error, ErrorClass::Handler);
  EXPECT_EQ(of<PoolFinished>()[0].error_type, "Broken");
  EXPECT_TRUE(of<PoolLost>().empty());
}

TEST_F(WorkerPoolTest, AWorkerWithoutARequestIsLostAndItsRunWithIt) {
  make({.hold = 10min, .lost_after = 30ms});
  const AnswerPtr waiting = ready();
  run(1);
  const AnswerPtr heart = beat();
  settle();
  EXPECT_TRUE(of<PoolLost>().empty());
  heart->closed();
  run_until([&] { return !of<PoolLost>().empty(); });
  EXPECT_EQ(of<PoolLost>()[0].reason, LossReason::Crashed);
  EXPECT_NE(of<PoolLost>()[0].detail.find("worker w1 of 'orders': not heard of for 30 ms"),
            std::string::npos);
  EXPECT_TRUE(of<PoolFinished>().empty()) << "its run ends with it";
  EXPECT_EQ(status(respond("r1")), 404U);
  EXPECT_EQ(status(beat()), 404U);
}

TEST_F(WorkerPoolTest, AHalfOpenConnectionIsFoundByAnsweringIt) {
  make({.hold = 20ms, .lost_after = 20ms});
  const AnswerPtr waiting = ready();
  run_until([&] { return !of<PoolLost>().empty(); });
  EXPECT_EQ(status(waiting), 204U);
  EXPECT_EQ(of<PoolLost>()[0].reason, LossReason::Crashed);
}

TEST_F(WorkerPoolTest, AWorkerThatGoesOnAskingStays) {
  make({.hold = 10ms, .lost_after = 100s});
  AnswerPtr waiting = ready();
  for (int i = 0; i < 5; ++i) {
    run_until([&] { return status(waiting) == 204; });
    waiting = next();
  }
  EXPECT_TRUE(of<PoolLost>().empty());
  run(1);
  EXPECT_EQ(status(waiting), 200U);
}

TEST_F(WorkerPoolTest, AnInvocationThatDidNotArriveCostsNothing) {
  ready();
  run(1);
  const AnswerPtr again = next();
  ASSERT_EQ(of<PoolFinished>().size(), 1U);
  EXPECT_EQ(of<PoolFinished>()[0].error, ErrorClass::Capacity);
  EXPECT_EQ(of<PoolFinished>()[0].service_time, 0us);
  run(2);
  EXPECT_EQ(status(again), 200U);
}

TEST_F(WorkerPoolTest, ARunWhoseResultDidNotArriveHasFailed) {
  ready();
  run(1);
  next_having_lost("r0");  // of another run: this one never arrived
  EXPECT_EQ(of<PoolFinished>().back().error, ErrorClass::Capacity);
  run(2);
  const AnswerPtr waiting = next_having_lost("r2");
  EXPECT_EQ(of<PoolFinished>().back().error, ErrorClass::Handler);
  EXPECT_EQ(of<PoolFinished>().back().error_type, "Worker.ResultLost");
  run(3);
  EXPECT_EQ(status(waiting), 200U) << "and it is there for the next";
}

TEST_F(WorkerPoolTest, ARunOverItsTimeIsATimeoutAndItsWorkerIsToldToEnd) {
  make({.hold = 40ms, .lost_after = 10min}, {.name = "orders", .timeout = 10ms});
  ready();
  run(1);
  AnswerPtr heart = beat();
  run_until([&] { return !of<PoolLost>().empty(); });
  ASSERT_EQ(of<PoolFinished>().size(), 1U);
  EXPECT_EQ(of<PoolFinished>()[0].error, ErrorClass::Timeout);
  EXPECT_EQ(of<PoolLost>()[0].reason, LossReason::Killed);
  EXPECT_EQ(status(heart), 410U);
  EXPECT_EQ(status(respond("r1")), 410U);
  EXPECT_EQ(status(next()), 410U);
}

TEST_F(WorkerPoolTest, AWorkerThatDoesNotComeForItsRunGivesItBack) {
  make({.hold = 40ms, .lost_after = 10min}, {.name = "orders", .timeout = 10ms});
  ready();
  run(1);
  respond("r1");
  beat();
  run(2);
  run_until([&] { return !of<PoolLost>().empty(); });
  ASSERT_EQ(of<PoolFinished>().size(), 2U);
  EXPECT_EQ(of<PoolFinished>()[1].error, ErrorClass::Capacity);
}

TEST_F(WorkerPoolTest, WhoIsNotNeededStaysAndIsTheNextInstance) {
  const AnswerPtr waiting = ready();
  pool_->release(InstanceId(1));
  run_until([&] { return !of<PoolLost>().empty(); });
  EXPECT_EQ(of<PoolLost>()[0].reason, LossReason::Stopped);
  EXPECT_EQ(status(waiting), 0U);
  pool_->start(InstanceId(2), kOrders, 0);
  run_until([&] { return of<PoolReady>().size() == 2; });
  run(1, 2);
  EXPECT_EQ(status(waiting), 200U);
}

TEST_F(WorkerPoolTest, WhoIsStoppedIsToldToEnd) {
  const AnswerPtr waiting = ready();
  pool_->stop(InstanceId(1));
  EXPECT_EQ(status(waiting), 410U);
  pool_->start(InstanceId(2), kOrders, 0);
  EXPECT_EQ(status(next()), 410U);
  run_until([&] { return !of<PoolLost>().empty(); });
  EXPECT_EQ(of<PoolReady>().size(), 1U);
}

TEST_F(WorkerPoolTest, WhoIsNotNeededIsToldToEndWhereThatIsWished) {
  make({.hold = 10min, .lost_after = 10min}, {.name = "orders", .end_surplus = true});
  const AnswerPtr waiting = ready();
  pool_->release(InstanceId(1));
  EXPECT_EQ(status(waiting), 410U);
}

TEST_F(WorkerPoolTest, AGoodbyeDuringARunIsACrashWithItsReason) {
  ready();
  run(1);
  EXPECT_EQ(status(goodbye("r1")), 204U);
  ASSERT_EQ(of<PoolLost>().size(), 1U);
  EXPECT_EQ(of<PoolLost>()[0].reason, LossReason::Crashed);
  EXPECT_NE(of<PoolLost>()[0].detail.find("exit status 7"), std::string::npos);
}

TEST_F(WorkerPoolTest, AGoodbyeThatCrossedAnInvocationGivesItBack) {
  ready();
  run(1);
  goodbye("");
  ASSERT_EQ(of<PoolFinished>().size(), 1U);
  EXPECT_EQ(of<PoolFinished>()[0].error, ErrorClass::Capacity);
  ASSERT_EQ(of<PoolLost>().size(), 1U);
  EXPECT_EQ(of<PoolLost>()[0].reason, LossReason::Stopped);
}

TEST_F(WorkerPoolTest, ManyWorkersWaitAndEachHasOneRun) {
  constexpr std::uint64_t kMany = 2000;
  std::vector<AnswerPtr> waiting;
  for (std::uint64_t i = 1; i <= kMany; ++i) {
    pool_->start(InstanceId(i), kOrders, 0);
    waiting.push_back(next("w" + std::to_string(i)));
  }
  EXPECT_EQ(of<PoolReady>().size(), kMany);
  for (std::uint64_t i = 1; i <= kMany; ++i) run(i, i);
  EXPECT_TRUE(std::ranges::all_of(waiting, [](const AnswerPtr& a) { return status(a) == 200; }));
}

TEST_F(WorkerPoolTest, OnlySoManyAreTaken) {
  make({.workers_max = 1});
  next("w1");
  EXPECT_EQ(status(next("w2")), 503U);
}

TEST_F(WorkerPoolTest, WhatIsNoCallOfAWorkerIsAnsweredWithWhatIs) {
  EXPECT_EQ(status(call("", "GET", std::string(kNextPath))), 400U);
  EXPECT_EQ(status(call("a b", "GET", std::string(kNextPath))), 400U);
  EXPECT_EQ(status(call("w", "GET", "/v1/functions")), 404U);
  EXPECT_EQ(status(call("w", "GET", "/metrics")), 404U);
  EXPECT_EQ(status(call("w", "POST", std::string(kNextPath))), 405U);
  EXPECT_EQ(status(call("w", "GET", std::string(kHeartbeatPath))), 405U);
}

TEST_F(WorkerPoolTest, AFailedInitIsSaid) {
  call("w", "POST", "/2018-06-01/runtime/init/error", R"({"errorType":"NoModule","errorMessage":"index"})");
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_EQ(warnings_[0], "a worker of 'orders' cannot start: NoModule: index");
}

/// Everything that workers, networks and the core may do, in any order: each run ends exactly once, and each
/// instance.
class WorkerNemesis : public WorkerPoolTest {
 protected:
  struct Known {
    bool ready = false;
    bool stopping = false;
    bool lost = false;
    std::uint64_t run = 0;
  };

  void take_events() {
    for (const PoolEvent& event : std::exchange(events_, {})) {
      if (const auto* ready = std::get_if<PoolReady>(&event)) {
        Known& known = instances_.at(ready->instance);
        ASSERT_FALSE(known.ready || known.lost);
        known.ready = true;
      } else if (const auto* done = std::get_if<PoolFinished>(&event)) {
        Known& known = instances_.at(done->instance);
        ASSERT_FALSE(known.lost);
        ASSERT_EQ(known.run, done->run.value()) << "a run ends once, on its instance";
        known.run = 0;
      } else {
        Known& known = instances_.at(std::get<PoolLost>(event).instance);
        ASSERT_FALSE(known.lost) << "an instance is lost once";
        known.lost = true;
        known.run = 0;
      }
    }
  }

  void act(std::mt19937& random) {
    const std::string worker = "w" + std::to_string(random() % 4);
    const auto some = [&]() -> std::pair<const InstanceId, Known>* {
      if (instances_.empty()) return nullptr;
      auto each = instances_.begin();
      std::advance(each, static_cast<std::ptrdiff_t>(random() % instances_.size()));
      return &*each;
    };
    auto* chosen = some();
    switch (random() % 11) {
      case 0:
        instances_[InstanceId(++started_)] = {};
        return pool_->start(InstanceId(started_), kOrders, 0);
      case 1:
        open_.push_back(next(worker));
        return;
      case 2:
        open_.push_back(next_having_lost("r" + std::to_string(runs_ - random() % 2), worker));
        return;
      case 3:
        open_.push_back(beat(worker));
        return;
      case 4:
        respond("r" + std::to_string(runs_ - random() % 3), worker);
        return;
      case 5:
        goodbye(random() % 2 == 0 ? "r" + std::to_string(runs_) : "", worker);
        return;
      case 6:
      case 7:
        if (chosen == nullptr || !chosen->second.ready || chosen->second.lost || chosen->second.stopping ||
            chosen->second.run != 0)
          return;
        chosen->second.run = ++runs_;
        return run(runs_, chosen->first.value());
      case 8:
        if (chosen == nullptr || chosen->second.run != 0 || chosen->second.lost) return;
        chosen->second.stopping = true;
        return random() % 2 == 0 ? pool_->stop(chosen->first) : pool_->release(chosen->first);
      case 9:
        if (open_.empty()) return;
        if (const AnswerPtr broken = open_[random() % open_.size()]; !broken->response && broken->closed)
          std::exchange(broken->closed, nullptr)();
        return;
      default:
        loop_.run_until(Loop::Clock::now() + std::chrono::milliseconds(random() % 3));
    }
  }

  std::map<InstanceId, Known> instances_;
  std::vector<AnswerPtr> open_;
  std::uint64_t started_ = 0;
  std::uint64_t runs_ = 0;
};

TEST_F(WorkerNemesis, InAnyOrderEachRunAndEachInstanceEndsOnce) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    make({.hold = 8ms, .lost_after = 8ms}, {.name = "orders", .timeout = 12ms, .start_timeout = 20ms});
    events_.clear();
    instances_.clear();
    open_.clear();
    std::mt19937 random(seed);
    for (int i = 0; i < 120 && !HasFatalFailure(); ++i) {
      act(random);
      take_events();
    }
    // Nobody calls any more: all of them are found to be gone.
    run_until([&] {
      take_events();
      return HasFatalFailure() ||
             std::ranges::all_of(instances_, [](const auto& each) { return each.second.lost; });
    });
    ASSERT_FALSE(HasFatalFailure());
  }
}

/// The pods as "POD USE" with what each worker is used for.
std::vector<std::string> pods_of(const WorkerPool& pool) {
  std::vector<std::string> all;
  for (const PoolWorkerPod& each : pool.pods())
    all.push_back(each.pod + std::array{" unused", " idle", " busy"}[static_cast<std::size_t>(each.use)]);
  return all;
}

TEST_F(WorkerPoolTest, ItIsKnownWhichPodsAreBusyAndForHowLong) {
  using Said = std::vector<std::string>;
  const auto next_in = [&](const std::string& worker, const std::string& pod) {
    return call(worker, "GET", std::string(kNextPath), "", {{std::string(kPodHeader), pod}});
  };
  next("in none");
  next_in("w1", "shop/orders-1");
  EXPECT_EQ(pods_of(*pool_), Said{"shop/orders-1 unused"});
  loop_.run_until(Loop::Clock::now() + 5ms);
  EXPECT_GE(pool_->pods()[0].since, 5ms);
  goodbye("", "in none");
  pool_->start(InstanceId(1), kOrders, 0);
  run_until([&] { return of<PoolReady>().size() == 1; });
  EXPECT_EQ(pods_of(*pool_), Said{"shop/orders-1 idle"});
  run(1);
  next_in("w2", "orders-2");
  EXPECT_EQ(pods_of(*pool_), (Said{"shop/orders-1 busy", "orders-2 unused"}));
  loop_.run_until(Loop::Clock::now() + 5ms);
  EXPECT_GE(pool_->pods()[0].since, 5ms);
  respond("r1");
  EXPECT_EQ(pods_of(*pool_)[0], "shop/orders-1 idle");
  pool_->release(InstanceId(1));
  EXPECT_EQ(pods_of(*pool_)[0], "shop/orders-1 unused");
  goodbye("");
  EXPECT_EQ(pods_of(*pool_), Said{"orders-2 unused"});
  pool_->start(InstanceId(2), kOrders, 0);
  run_until([&] { return of<PoolReady>().size() == 2; });
  pool_->stop(InstanceId(2));
  EXPECT_EQ(pods_of(*pool_), Said{}) << "it is told to end";
}

TEST_F(WorkerPoolTest, APodIsNamedAsKubernetesNamesItOrNotAtAll) {
  for (const char* right : {"orders-7f9c-x2x1z", "shop/orders-1", "a", "shop/a.b.c", "9/9"})
    EXPECT_TRUE(names_pod(right)) << right;
  const std::string long_name(254, 'a');
  for (const std::string& wrong :
       {std::string(), std::string("Orders"), std::string("-a"), std::string("a-"), std::string("/a"),
        std::string("shop/"), std::string("a/b/c"), std::string("../x"), std::string("shop.x/a"),
        std::string("a b"), std::string("a?x=1"), long_name, std::string(64, 's') + "/a"})
    EXPECT_FALSE(names_pod(wrong)) << wrong;
  const AnswerPtr refused =
      call("w1", "GET", std::string(kNextPath), "", {{std::string(kPodHeader), "a/../b"}});
  EXPECT_EQ(status(refused), 400U);
  EXPECT_TRUE(pool_->pods().empty());
}

}  // namespace
}  // namespace forewarm
