#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "core/model/text.h"
#include "core/small_machine.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kFilm = 100'000, kThumbnail = 1'000;

/// A function of two variants, the second with four times the memory; its films take eight times as long on
/// the first.
class Routing : public testing::Test {
 protected:
  Routing() {
    FunctionSettings function;
    function.id = FunctionId(1);
    function.variants = {{.memory_bytes = 128 << 20}, {.memory_bytes = 512 << 20}};
    function.concurrency_max = 4;
    MappingSettings mapping;
    mapping.queue = QueueId(1);
    mapping.function = function.id;
    mapping.scaling.objective = 1s;
    mapping.scaling.instances_max = 4;
    settings_.functions = {function};
    settings_.mappings = {mapping};
    settings_.instances_max = 10;
    begin();
  }

  void begin() {
    step(ConfigurationChanged{settings_});
    step(QueueChanged{QueueId(1), {}});
  }
  /// Another core, with what this one has learnt of the function, if it is to have it.
  void restart(const std::optional<FunctionMemory>& memory) {
    core_ = std::make_unique<Orchestrator>(Orchestrator::Options{});
    for (auto* list : {&starting_, &stopping_}) list->clear();
    runs_.clear();
    variant_.clear();
    begin();
    if (memory) step(FunctionRestored{FunctionId(1), *memory});
  }
  FunctionMemory memory() const { return *core_->function_memory(FunctionId(1)); }
  /// A few runs of each kind.
  void learn_both() {
    measured_ = true;
    for (int i = 0; i < 5; ++i) {
      work(kThumbnail);
      work(kFilm);
    }
  }

  void step(const Event& event) {
    Actions actions;
    core_->step(now_, event, actions);
    for (const Action& action : actions) {
      if (const auto* start = std::get_if<StartInstance>(&action)) {
        variant_[start->instance] = start->variant;
        starting_.push_back(start->instance);
      } else if (const auto* stop = std::get_if<StopInstance>(&action)) {
        stops_.push_back(stop->reason);
        stopping_.push_back(stop->instance);
      } else if (const auto* run = std::get_if<forewarm::Run>(&action)) {
        runs_.push_back(*run);
      }
    }
  }
  void settle() {
    while (core_->wake_at() <= now_) step(TimePassed{});
  }
  void pass(Duration time) {
    const TimePoint until = now_ + time;
    while (core_->wake_at() <= until) {
      now_ = std::max(now_, core_->wake_at());
      step(TimePassed{});
    }
    now_ = until;
  }
  void send(std::uint32_t bytes) {
    Message message;
    message.id = MessageId(++messages_);
    message.queue = QueueId(1);
    message.sent = message.visible_at = now_;
    message.bytes = bytes;
    step(MessageArrived{message});
    settle();
    for (int i = 0; i < 3; ++i) {
      for (const InstanceId instance : std::exchange(starting_, {})) {
        now_ += 100ms;
        step(InstanceReady{instance, 100ms});
      }
      for (const InstanceId instance : std::exchange(stopping_, {})) step(InstanceLost{instance, {}});
      settle();
    }
  }
  /// The oldest run ends as its instance and message make it.
  forewarm::Run end_run(std::uint32_t bytes, ErrorClass error = ErrorClass::None) {
    const forewarm::Run run = runs_.front();
    runs_.erase(runs_.begin());
    const bool film = bytes > 10'000;
    const Duration takes =
        film ? (variant_[run.instance] == 0 ? Duration(4s) : Duration(500ms)) : Duration(50ms);
    now_ += takes;
    const std::uint64_t needs = !measured_ ? 0 : film ? 300 << 20 : 40 << 20;
    step(RunFinished{
        .run = run.run, .error = error, .service_time = takes, .failed = {}, .memory_bytes = needs});
    if (error == ErrorClass::Crash) step(InstanceLost{run.instance, LossReason::Crashed});
    settle();
    return run;
  }
  forewarm::Run work(std::uint32_t bytes) {
    send(bytes);
    EXPECT_FALSE(runs_.empty());
    return end_run(bytes);
  }

  Configuration settings_;
  std::unique_ptr<Orchestrator> core_ = std::make_unique<Orchestrator>(Orchestrator::Options{});
  TimePoint now_ = TimePoint(Duration(1h));
  std::map<InstanceId, std::uint16_t> variant_;
  std::vector<InstanceId> starting_, stopping_;
  std::vector<ScaleReason> stops_;
  std::vector<forewarm::Run> runs_;
  std::uint64_t messages_ = 0;
  bool measured_ = false;  ///< films were measured to need 300 MB, the others 40
};

TEST_F(Routing, AStartHasTheVariantThatTheMessagesNeed) {
  for (int i = 0; i < 150; ++i) {
    work(kFilm);
    pass(3s);
  }
  const forewarm::Run last = work(kFilm);
  EXPECT_EQ(variant_[last.instance], 1);
  EXPECT_EQ(last.routing.variant, 1);
}

TEST_F(Routing, InAFullPoolAnInstanceOfTheWrongVariantIsExchanged) {
  settings_.mappings[0].scaling.instances_min = 1;
  settings_.mappings[0].scaling.instances_max = 1;
  step(ConfigurationChanged{settings_});
  pass(1s);
  for (int i = 0; i < 150; ++i) {
    work(kFilm);
    pass(3s);
  }
  EXPECT_EQ(variant_[work(kFilm).instance], 1);
  EXPECT_NE(std::ranges::find(stops_, ScaleReason::Variant), stops_.end());
}

TEST_F(Routing, AMessageThatEndedItsProcessGetsALargerVariant) {
  send(kThumbnail);
  ASSERT_EQ(runs_.size(), 1U);
  ASSERT_EQ(variant_[runs_[0].instance], 0);
  end_run(kThumbnail, ErrorClass::Crash);
  pass(20min);
  for (const InstanceId instance : std::exchange(starting_, {})) step(InstanceReady{instance, 100ms});
  settle();
  ASSERT_FALSE(runs_.empty());
  EXPECT_EQ(variant_[runs_.back().instance], 1);
}

TEST_F(Routing, AMessageThatFitsInNoInstanceWaitsForOneThatIsStartedForIt) {
  measured_ = true;
  ASSERT_EQ(variant_[work(kThumbnail).instance], 0);
  ASSERT_EQ(variant_[work(kFilm).instance], 0);  // nothing is known of films yet
  EXPECT_EQ(variant_[work(kFilm).instance], 1);
  EXPECT_EQ(variant_.size(), 2U);
  EXPECT_EQ(variant_[work(kFilm).instance], 1);
}

TEST_F(Routing, InAFullPoolItTakesThePlaceOfAFreeInstance) {
  settings_.mappings[0].scaling.instances_max = 1;
  step(ConfigurationChanged{settings_});
  measured_ = true;
  work(kThumbnail);
  ASSERT_EQ(variant_[work(kFilm).instance], 0);
  EXPECT_EQ(variant_[work(kFilm).instance], 1);
  EXPECT_EQ(stops_, std::vector{ScaleReason::Variant});
}

TEST_F(Routing, WhatIsBehindAMessageThatWaitsForItsInstanceGoesOn) {
  measured_ = true;
  work(kThumbnail);
  work(kFilm);
  Message film, thumbnail;
  for (auto [message, bytes] : {std::pair{&film, kFilm}, {&thumbnail, kThumbnail}}) {
    message->id = MessageId(++messages_);
    message->queue = QueueId(1);
    message->sent = message->visible_at = now_;
    message->bytes = bytes;
    step(MessageArrived{*message});
    settle();
  }
  ASSERT_EQ(runs_.size(), 1U);
  EXPECT_EQ(runs_[0].leases.at(0).message, thumbnail.id);
  ASSERT_EQ(starting_.size(), 1U);
  EXPECT_EQ(variant_[starting_[0]], 1);
}

TEST_F(Routing, WhereNoneMayBeStartedItRunsWhereItDoesNotFit) {
  measured_ = true;
  work(kThumbnail);
  work(kFilm);
  step(ScalingOrdered{QueueId(1), {.kind = OrderKind::PauseOut, .until = now_ + 1h}});
  EXPECT_EQ(variant_[work(kFilm).instance], 0);
}

TEST_F(Routing, OneVariantIsRoutedByWarmthAndSaysSo) {
  settings_.functions[0].variants.resize(1);
  settings_.functions[0].version = 2;
  step(ConfigurationChanged{settings_});
  const forewarm::Run run = work(kThumbnail);
  EXPECT_EQ(run.routing.reason, RouteReason::Only);
  EXPECT_EQ(run.routing.evidence, 0U);
}

TEST_F(Routing, WhatWasLearntOutlivesTheCoreAndDecidesAboutTheFirstMessage) {
  learn_both();
  const FunctionMemory learnt = memory();
  const FunctionView before = core_->function(FunctionId(1));
  EXPECT_GE(learnt.learnt, 10U);

  restart({});
  EXPECT_EQ(core_->function(FunctionId(1)).start_time.mean, 1s) << "the guess";
  EXPECT_EQ(variant_[work(kFilm).instance], 0);

  restart(learnt);
  EXPECT_EQ(memory(), learnt);
  const FunctionView after = core_->function(FunctionId(1));
  EXPECT_EQ(after.start_time.mean, before.start_time.mean);
  EXPECT_EQ(after.start_time.p95, before.start_time.p95);
  EXPECT_EQ(after.memory_need_bytes, before.memory_need_bytes);
  EXPECT_EQ(after.memory_measured, before.memory_measured);
  EXPECT_EQ(variant_[work(kFilm).instance], 1);
  EXPECT_EQ(variant_[work(kThumbnail).instance], 1) << "it is there and free";
}

TEST_F(Routing, APlannedStartHasTheVariantThatItsWorkCalledFor) {
  for (int i = 0; i < 60; ++i) work(kFilm);
  const FunctionMemory learnt = memory();
  settings_.mappings[0].scaling.instances_min = 1;
  restart({});
  pass(1s);
  ASSERT_EQ(starting_.size(), 1U);
  EXPECT_EQ(variant_[starting_[0]], 0);
  restart(learnt);
  pass(1s);
  ASSERT_EQ(starting_.size(), 1U);
  EXPECT_EQ(variant_[starting_[0]], 1);
}

TEST_F(Routing, OfVariantsWithOtherSizesOnlyWhatDoesNotDependOnThemIsTaken) {
  learn_both();
  const FunctionMemory learnt = memory();
  settings_.functions[0].variants = {{.memory_bytes = 64 << 20}, {.memory_bytes = 1024 << 20}};
  restart(learnt);
  const FunctionMemory taken = memory();
  EXPECT_EQ(taken.service.overall, learnt.service.overall);
  EXPECT_EQ(taken.need, learnt.need);
  EXPECT_EQ(taken.starts, learnt.starts);
  EXPECT_EQ(taken.service.variants.weight, (std::vector<float>{0, 0}));
  EXPECT_EQ(taken.crashes.weight, std::vector<float>(2 * 17));
  EXPECT_TRUE(taken.work_seconds.empty());
  EXPECT_EQ(variant_[work(kFilm).instance], 1) << "300 MB do not fit into the other";
}

TEST_F(Routing, WhoeverHasLearntOrIsNotThereTakesNoMemory) {
  learn_both();
  const FunctionMemory learnt = memory();
  step(FunctionRestored{FunctionId(77), learnt});
  EXPECT_FALSE(core_->function_memory(FunctionId(77)));
  restart({});
  work(kThumbnail);
  const FunctionMemory own = memory();
  step(FunctionRestored{FunctionId(1), learnt});
  EXPECT_EQ(memory(), own);
}

TEST_F(Routing, NumbersThatNobodyCouldHaveLearntAreNotTaken) {
  learn_both();
  const FunctionMemory learnt = memory();
  restart({});
  const FunctionMemory nothing = memory();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::function<void(FunctionMemory&)>> damages = {
      [](FunctionMemory& m) { m.variant_bytes.clear(); },
      [](FunctionMemory& m) { m.variant_bytes.resize(9); },
      [](FunctionMemory& m) { m.variant_bytes.pop_back(); },
      [](FunctionMemory& m) { m.starts.buckets.at(0) = -1; },
      [](FunctionMemory& m) { m.starts.buckets.resize(1025); },
      [](FunctionMemory& m) { m.starts.first_bucket = -1; },
      [](FunctionMemory& m) { m.starts.first_bucket = std::numeric_limits<std::int32_t>::max(); },
      [](FunctionMemory& m) { m.starts.zeros = kNan; },
      [](FunctionMemory& m) { m.starts.sum_seconds = 1e12; },
      [](FunctionMemory& m) { m.service.overall.mean.at(0) = kNan; },
      [](FunctionMemory& m) { m.service.overall.mean.at(3) = 1e30F; },
      [](FunctionMemory& m) { m.service.overall.weight.at(0) = 201; },
      [](FunctionMemory& m) { m.service.overall.weight.pop_back(); },
      [](FunctionMemory& m) { m.service.variants.mean.emplace_back(); },
      [](FunctionMemory& m) { m.service.variant_sizes = {}; },
      [](FunctionMemory& m) { m.service.variance = -1; },
      [](FunctionMemory& m) { m.service.variance_weight = kNan; },
      [](FunctionMemory& m) { m.service.variances.mean.at(0) = -1; },
      [](FunctionMemory& m) { m.service.types = {1}; },
      [](FunctionMemory& m) {
        m.service.types.assign(2, std::uint64_t{1} << 32 | 0xffff00);
        m.service.typed = {.mean = {1, 2}, .weight = {1, 1}};
      },
      [](FunctionMemory& m) {
        m.service.types = {std::uint64_t{1} << 32 | 2 << 8};  // a third variant
        m.service.typed = {.mean = {1}, .weight = {1}};
      },
      [](FunctionMemory& m) { m.need.overall.weight.at(0) = -1; },
      [](FunctionMemory& m) { m.need_classes.push_back(17); },
      [](FunctionMemory& m) { m.need_classes.push_back(std::uint64_t{1} << 40); },
      [](FunctionMemory& m) { m.crashes.mean.at(0) = 1.5F; },
      [](FunctionMemory& m) {
        m.work_seconds = {1, -1};
      },
      [](FunctionMemory& m) { m.work_seconds.assign(9, 1); },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    FunctionMemory damaged = learnt;
    damages[i](damaged);
    step(FunctionRestored{FunctionId(1), damaged});
    EXPECT_EQ(memory(), nothing) << i;
  }
  step(FunctionRestored{FunctionId(1), learnt});
  EXPECT_EQ(memory(), learnt);
}

TEST_F(Routing, WhateverIsRestoredTheCoreGoesOn) {
  learn_both();
  std::string text;
  write_text({now_, FunctionRestored{FunctionId(1), memory()}}, text);
  constexpr std::string_view kBytes = "0123456789-.e[]{} *naif";
  Random random(11);
  int taken = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = text;
    for (std::uint64_t edits = 1 + random.below(3); edits > 0; --edits) {
      const auto at = static_cast<std::size_t>(random.below(damaged.size()));
      const std::string byte(1, kBytes[static_cast<std::size_t>(random.below(kBytes.size()))]);
      damaged.replace(at, static_cast<std::size_t>(random.below(2)), byte);
    }
    const Result<TimedEvent> read = read_event(damaged);
    const auto* event = read ? std::get_if<FunctionRestored>(&read->event) : nullptr;
    if (event == nullptr) continue;
    restart({});
    step(*event);
    taken += memory().learnt > 0 ? 1 : 0;
    work(kFilm);
    work(kThumbnail);
    const FunctionView view = core_->function(FunctionId(1));
    ASSERT_GE(view.start_time.mean, Duration(0)) << damaged;
    ASSERT_TRUE(std::isfinite(view.memory_need_bytes)) << damaged;
  }
  EXPECT_GT(taken, 50) << "or the test says little";
}

}  // namespace
}  // namespace forewarm
