#include <gtest/gtest.h>

#include <vector>

#include "core/orchestrator.h"

namespace forewarm {
namespace {

constexpr QueueId kLetters(1);

/// One instance of one function, and what it is given; every run succeeds.
class Batches : public testing::Test {
 protected:
  Batches() {
    FunctionSettings function;
    function.id = FunctionId(1);
    function.concurrency_max = 1;
    MappingSettings mapping;
    mapping.queue = kLetters;
    mapping.function = function.id;
    mapping.batch_size = 10;
    Configuration configuration;
    configuration.functions = {function};
    configuration.mappings = {mapping};
    step(ConfigurationChanged{configuration});
    step(QueueChanged{kLetters, {}});
  }

  void step(const Event& event) {
    Actions actions;
    core_.step(now_, event, actions);
    std::vector<Event> answers;
    for (const Action& action : actions) {
      if (const auto* start = std::get_if<StartInstance>(&action)) starting_.push_back(start->instance);
      const auto* run = std::get_if<forewarm::Run>(&action);
      if (run == nullptr) continue;
      batches_.push_back(run->leases.size());
      answers.emplace_back(RunFinished{run->run, ErrorClass::None, 0, 10ms, {}});
    }
    for (const Event& answer : answers) step(answer);
  }

  /// All wait before the first can be run.
  std::vector<std::size_t> batches_of(const std::vector<std::uint32_t>& bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      Message message;
      message.id = MessageId(i + 1);
      message.queue = kLetters;
      message.sent = message.visible_at = now_;
      message.bytes = bytes[i];
      step(MessageArrived{message});
    }
    for (const InstanceId instance : std::exchange(starting_, {})) step(InstanceReady{instance, 100ms});
    return batches_;
  }

 private:
  TimePoint now_ = TimePoint(Duration(1h));
  Orchestrator core_{Orchestrator::Options{}};
  std::vector<InstanceId> starting_;
  std::vector<std::size_t> batches_;
};

TEST_F(Batches, HoldAsManyAsTheMappingSays) {
  EXPECT_EQ(batches_of(std::vector<std::uint32_t>(25, 1000)), (std::vector<std::size_t>{10, 10, 5}));
}

TEST_F(Batches, HoldNoMoreBytesThanAnInvocationTakes) {
  EXPECT_EQ(batches_of(std::vector<std::uint32_t>(10, 1 << 20)), (std::vector<std::size_t>{3, 3, 3, 1}));
}

TEST_F(Batches, OfALargeMessageAmongSmallOnesHoldOneAtLeast) {
  EXPECT_EQ(batches_of({10, 5'000'000, 10, 10}), (std::vector<std::size_t>{1, 1, 2}));
}

}  // namespace
}  // namespace forewarm
