// FaasCache on a machine whose memory is short, against its rule worked out by hand.

#include "sim/baselines/faascache.h"

#include <gtest/gtest.h>

#include "core/small_machine.h"
#include "sim/policies.h"

namespace forewarm {
namespace {

class FaasCache : public ::testing::Test, protected SmallMachine {
 protected:
  FaasCache() {
    // A policy is copied into each world that it is for.
    make_scaler_ = parse_policy("faascache")->make_scaler;
  }

  void add_one(std::uint32_t id, std::uint64_t megabytes, Duration start) {
    start_times_[FunctionId(id)] = start;
    add(id, megabytes);
  }
  /// One message comes and is done; what was started and stopped for it.
  std::string use(std::uint32_t id) {
    arrive(id);
    stops_end();
    starts_end();
    pass(100ms);
    runs_end(id);
    pass(1min);
    return happened();
  }
};

TEST_F(FaasCache, evicts_by_clock_and_frequency_times_cost_over_size) {
  add_one(1, 100, 1000ms);
  add_one(2, 100, 100ms);
  add_one(3, 100, 500ms);
  add_one(4, 100, 300ms);
  add_one(5, 100, 50ms);
  add_one(6, 100, 100ms);
  settings_.memory_max_bytes = 300 * kMegabyte;
  open();
  EXPECT_EQ(use(1), " +1");  // 0 + 1 * 1000 / 100 = 10
  EXPECT_EQ(use(2), " +2");
  EXPECT_EQ(use(2) + use(2), "");  // 0 + 3 * 100 / 100 = 3
  EXPECT_EQ(use(3), " +3");        // 5
  EXPECT_EQ(use(4), " -2 +4");     // of 10, 3, 5; clock 3; 3 + 300 / 100 = 6
  EXPECT_EQ(use(5), " -3 +5");     // of 10, 5, 6; clock 5; 5 + 50 / 100 = 5.5
  EXPECT_EQ(use(3), " -5 +3");     // of 10, 6, 5.5; clock 5.5; its first use since: 5.5 + 5 = 10.5
  EXPECT_EQ(use(6), " -4 +6");     // of 10, 6, 10.5; clock 6; 6 + 1 = 7
  EXPECT_EQ(use(1), "");           // 6 + 2 * 1000 / 100 = 26
  EXPECT_EQ(use(2), " -6 +2");     // of 26, 10.5, 7; clock 7; 7 + 1 = 8
  EXPECT_EQ(use(4), " -2 +4");     // of 26, 10.5, 8; clock 8; 8 + 3 = 11
  EXPECT_EQ(use(5), " -3 +5");     // of 26, 10.5, 11
}

TEST_F(FaasCache, counts_a_large_one_for_less_and_evicts_until_it_fits) {
  add_one(1, 400, 1000ms);  // 2.5
  add_one(2, 100, 300ms);   // 3
  add_one(3, 100, 600ms);   // 6
  add_one(4, 500, 200ms);
  settings_.memory_max_bytes = 600 * kMegabyte;
  open();
  EXPECT_EQ(use(1) + use(2) + use(3), " +1 +2 +3");
  EXPECT_EQ(use(4), " -1 -2 +4");  // clock 3; 3 + 200 / 500 = 3.4
  EXPECT_EQ(use(2), " -4 +2");     // of 6, 3.4
}

TEST_F(FaasCache, keeps_for_ever_what_it_has_room_for) {
  add_one(1, 100, 100ms);
  settings_.memory_max_bytes = 300 * kMegabyte;
  open();
  EXPECT_EQ(use(1), " +1");
  pass(48h);
  EXPECT_EQ(use(1), "");
}

TEST_F(FaasCache, has_a_clock_of_its_own_on_each_machine) {
  const ScalerFactory first = make_scaler_, second = make_scaler_;
  const IdleInstance instance{.now = {}, .memory_bytes = 1 << 20, .runs = 1};
  const MappingSettings mapping;
  const std::unique_ptr<Scaler> evicted = first(mapping), beside = first(mapping),
                                elsewhere = second(mapping);
  ScalingInputs inputs;
  inputs.start_time.mean = 5ms;
  for (const auto& scaler : {evicted.get(), beside.get(), elsewhere.get()}) {
    scaler->plan(inputs);
    scaler->observe_start({}, {});
  }
  evicted->observe_eviction(instance);
  beside->observe_start({}, {});
  elsewhere->observe_start({}, {});
  EXPECT_EQ(beside->idle_value(instance) / (1 << 20), 5 + 2 * 5);
  EXPECT_EQ(elsewhere->idle_value(instance) / (1 << 20), 2 * 5);
}

}  // namespace
}  // namespace forewarm
