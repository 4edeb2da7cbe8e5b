#include "edge/leader/pod_cost.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "edge/net/http.h"
#include "edge/net/loop.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;
using Kind = PodUse::Kind;

constexpr PodCostBook::Clock::time_point kBegin{1000s};

PodUse in_pod(const char* name, Kind kind, std::chrono::milliseconds since, std::uint64_t workload = 1,
              const char* space = "shop") {
  return {.pod = {space, name}, .workload = workload, .kind = kind, .since = since};
}

class PodCostBookTest : public testing::Test {
 protected:
  /// The patches as "NAME COST", in order; they succeed.
  std::vector<std::string> look(const std::vector<PodUse>& uses, std::chrono::seconds at = 0s) {
    std::vector<std::string> said;
    for (const PodCostPatch& patch : book_.plan(uses, kBegin + at)) {
      book_.settled(patch);
      said.push_back(patch.pod.name + " " + std::to_string(patch.cost));
    }
    return said;
  }
  using Said = std::vector<std::string>;

  PodCostBook book_{{.settle = 2s, .rest = 10s}};
};

TEST_F(PodCostBookTest, ThoseThatAreNotNeededGoBeforeIdleOnesAndBusyOnesLast) {
  const std::vector<PodUse> uses{in_pod("busy", Kind::Busy, 3s), in_pod("idle", Kind::Idle, 3s),
                                 in_pod("spare", Kind::Unused, 2s)};
  EXPECT_EQ(look(uses), (Said{"spare -100", "busy 100", "idle 0"}));
  EXPECT_EQ(look(uses), Said{}) << "they are so already";
}

TEST_F(PodCostBookTest, NothingChangesWhileAllAreNeeded) {
  std::vector<PodUse> uses{in_pod("a", Kind::Busy, 60s), in_pod("b", Kind::Idle, 60s)};
  EXPECT_EQ(look(uses), (Said{"a 0", "b 0"})) << "what a server before this one left is taken away";
  for (int i = 0; i < 10; ++i) {
    std::swap(uses[0].kind, uses[1].kind);
    EXPECT_EQ(look(uses), Said{});
  }
  uses.push_back(in_pod("spare of others", Kind::Unused, 60s, 2));
  EXPECT_EQ(look(uses), Said{"spare of others -100"});
}

TEST_F(PodCostBookTest, WhatDoesNotLastIsNotFollowed) {
  std::vector<PodUse> uses{in_pod("a", Kind::Busy, 100ms), in_pod("new", Kind::Unused, 1900ms),
                           in_pod("spare", Kind::Unused, 60s)};
  EXPECT_EQ(look(uses), (Said{"spare -100", "a 0"})) << "one that has just come may be needed at once";
  for (int i = 0; i < 10; ++i) {
    uses[0].kind = i % 2 == 0 ? Kind::Idle : Kind::Busy;
    EXPECT_EQ(look(uses), Said{});
  }
  uses[0].since = 2s;
  uses[0].kind = Kind::Busy;
  EXPECT_EQ(look(uses), Said{"a 100"});
  uses[0] = in_pod("a", Kind::Idle, 100ms);
  EXPECT_EQ(look(uses), Said{}) << "it stays for as long as it may be busy again";
  uses[0].since = 2s;
  EXPECT_EQ(look(uses), Said{"a 0"});
}

TEST_F(PodCostBookTest, OneThatIsNeededAgainIsNotLeftTheFirstToGo) {
  EXPECT_EQ(look({in_pod("a", Kind::Unused, 3s), in_pod("b", Kind::Busy, 3s)}), (Said{"a -100", "b 100"}));
  EXPECT_EQ(look({in_pod("a", Kind::Busy, 0ms), in_pod("b", Kind::Unused, 3s)}), (Said{"a 0", "b -100"}));
  EXPECT_EQ(look({in_pod("a", Kind::Busy, 0ms), in_pod("b", Kind::Idle, 0ms)}), Said{"b 0"});
}

TEST_F(PodCostBookTest, APodIsWhatTheBusiestOfItsWorkersIs) {
  EXPECT_EQ(look({in_pod("two", Kind::Unused, 9s), in_pod("two", Kind::Busy, 9s),
                  in_pod("two", Kind::Idle, 9s), in_pod("spare", Kind::Unused, 9s)}),
            (Said{"spare -100", "two 100"}));
}

TEST_F(PodCostBookTest, OneThatComesBackIsNotTakenForWhatItWas) {
  const PodUse spare = in_pod("spare", Kind::Unused, 9s);
  EXPECT_EQ(look({spare}), Said{"spare -100"});
  EXPECT_EQ(look({}), Said{});
  EXPECT_EQ(look({in_pod("spare", Kind::Idle, 0ms)}), Said{"spare 0"});
}

TEST_F(PodCostBookTest, ANamespaceThatRefusesRestsAndOthersGoOn) {
  const std::vector<PodUse> uses{in_pod("a", Kind::Unused, 9s, 1, "closed"), in_pod("b", Kind::Unused, 9s)};
  EXPECT_EQ(book_.plan(uses, kBegin).size(), 2U);
  book_.failed({"closed", "a"}, kBegin);
  EXPECT_EQ(look(uses, 1s), Said{"b -100"});
  EXPECT_EQ(look(uses, 9s), Said{});
  EXPECT_EQ(look(uses, 10s), Said{"a -100"});
}

/// By @kubernetes/client-node 1.3.0: patchNamespacedPod with PatchStrategy.MergePatch sends these bytes.
TEST(PodCost, ThePatchesAreThoseOfKubernetesJavaScriptClient) {
  EXPECT_EQ(pod_cost_patch(kUnusedPodCost),
            R"({"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"-100"}}})");
  EXPECT_EQ(pod_cost_patch(kBusyPodCost),
            R"({"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"100"}}})");
  EXPECT_EQ(pod_cost_patch(kIdlePodCost),
            R"({"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":null}}})");
}

/// An API server that answers each request as a test says.
class PodCostKeeperTest : public testing::Test {
 protected:
  PodCostKeeperTest() {
    server_ = std::move(*HttpServer::listen(
        loop_, {.listen = {"127.0.0.1", 0}}, [this](HttpRequest request, std::shared_ptr<HttpReply> reply) {
          asked_.push_back(request.method + " " + request.path + " " +
                           std::string(find_header(request.headers, "Content-Type")));
          reply->send({.status = status_, .body = R"({"kind":"Status","message":"as it says"})"});
        }));
    begin({});
  }

  void begin(PodCosts costs) {
    costs.url = "http://" + to_string(server_->endpoint()) + "/";
    costs.problem = [this](const std::string& space, const std::string& text) {
      const std::lock_guard lock(mutex_);
      said_.push_back(space + ": " + text);
    };
    keeper_ = keep_pod_costs(std::move(costs));
  }
  std::size_t count_said() {
    const std::lock_guard lock(mutex_);
    return said_.size();
  }
  template <class Condition>
  void run_until(Condition condition) {
    const auto deadline = Loop::Clock::now() + 60s;
    while (!condition() && Loop::Clock::now() < deadline) loop_.run_until(Loop::Clock::now() + 2ms);
    ASSERT_TRUE(condition());
  }

  Loop loop_;
  unsigned status_ = 200;
  std::vector<std::string> asked_;
  std::mutex mutex_;
  std::vector<std::string> said_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<PodCostKeeper> keeper_;
};

TEST_F(PodCostKeeperTest, ItAsksForOnePodAfterTheOther) {
  keeper_->look({in_pod("a", Kind::Unused, 9s), in_pod("b", Kind::Unused, 9s)});
  run_until([&] { return asked_.size() == 2; });
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_EQ(asked_[i],
              std::string("PATCH /api/v1/namespaces/shop/pods/") + "ab"[i] + " application/merge-patch+json");
  EXPECT_EQ(count_said(), 0U);
}

TEST_F(PodCostKeeperTest, NoMoreThanSoManyAreSentInATime) {
  begin({.url = {}, .pause = 40ms});
  std::vector<PodUse> uses;
  for (int i = 0; i < 5; ++i) uses.push_back(in_pod("a", Kind::Unused, 9s));
  for (std::size_t i = 0; i < uses.size(); ++i) uses[i].pod.name += std::to_string(i);
  const auto begun = Loop::Clock::now();
  keeper_->look(uses);
  run_until([&] { return asked_.size() == 5; });
  EXPECT_GE(Loop::Clock::now() - begun, 4 * 40ms);
}

TEST_F(PodCostKeeperTest, ARefusalIsSaidOnceWithTheRightItNeedsAndTriedAgain) {
  begin({.url = {}, .pause = 1ms, .timing = {.rest = 1ms}});
  status_ = 403;
  const std::vector<PodUse> uses{in_pod("a", Kind::Unused, 9s)};
  const auto look_until = [&](const auto& condition) {
    run_until([&] {
      keeper_->look(uses);
      loop_.run_until(Loop::Clock::now() + 5ms);
      return condition();
    });
  };
  look_until([&] { return asked_.size() >= 3; });
  ASSERT_EQ(count_said(), 1U);
  EXPECT_EQ(said_[0],
            "shop: status 403: as it says (its Role needs verbs [patch] on resources [pods] in the "
            "namespace shop)");
  status_ = 200;
  look_until([&] { return count_said() == 2; });
  EXPECT_EQ(said_[1], "shop: ");
}

TEST_F(PodCostKeeperTest, APodThatHasGoneIsNoTroubleUnlessNoneWasEverFound) {
  status_ = 404;
  keeper_->look({in_pod("a", Kind::Unused, 9s)});
  run_until([&] { return count_said() == 1; });
  EXPECT_NE(said_[0].find("there is no pod a in the namespace shop"), std::string::npos) << said_[0];
  status_ = 200;
  keeper_->look({in_pod("b", Kind::Unused, 9s)});
  run_until([&] { return count_said() == 2; });
  status_ = 404;
  keeper_->look({in_pod("c", Kind::Unused, 9s)});
  run_until([&] { return asked_.size() == 3; });
  keeper_.reset();
  EXPECT_EQ(count_said(), 2U);
}

TEST_F(PodCostKeeperTest, AServerThatIsNotThereIsSaid) {
  server_->stop_accepting();
  keeper_->look({in_pod("a", Kind::Unused, 9s)});
  run_until([&] { return count_said() == 1; });
  EXPECT_TRUE(said_[0].starts_with("shop: ")) << said_[0];
}

}  // namespace
}  // namespace forewarm
