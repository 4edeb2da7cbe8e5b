#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/orchestrator.h"

namespace forewarm {

inline constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;

/// What a function's scaler says; changed by the test at will.
struct Wish {
  std::uint32_t planned = 0;
  double idle_value = 0;
  double need_value = 1;
  Constraint constraint = Constraint::Cost;
  int evicted = 0;
};

class WishfulScaler final : public Scaler {
 public:
  explicit WishfulScaler(Wish& wish) : wish_(wish) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    ScalingPlan plan;
    plan.queue = inputs.queue;
    plan.instances = std::min(wish_.planned, inputs.instances_limit);
    plan.keep_idle = 1h;
    plan.reason.constraint = wish_.constraint;
    return plan;
  }
  std::uint32_t start_now(const ScalingInputs& inputs) override {
    const InstanceCounts& there = inputs.instances;
    return inputs.backlog.ready - std::min(inputs.backlog.ready, there.idle + there.starting);
  }
  void observe_start(TimePoint, Duration) override {}
  double idle_value(const IdleInstance&) const override { return wish_.idle_value; }
  double need_value() const override { return wish_.need_value; }
  void observe_eviction(const IdleInstance&) override { ++wish_.evicted; }
  bool plans_without_messages() const override { return true; }

 private:
  Wish& wish_;
};

/// For tests: a core on a machine that may be too small for what it wants. Queue n is mapped to function n.
/// Instances start and stop, and runs end, when the test says so.
class SmallMachine {
 protected:
  SmallMachine() {
    settings_.forecast.step = 1s;
    settings_.instances_max = 100;
  }

  void add(std::uint32_t id, std::uint64_t megabytes, Wish wish = {}) {
    FunctionSettings function;
    function.id = FunctionId(id);
    function.start_time_guess = start_times_.try_emplace(function.id, 1s).first->second;
    function.variants = {FunctionVariant{megabytes * kMegabyte}};
    settings_.functions.push_back(function);
    MappingSettings mapping;
    mapping.queue = QueueId(id);
    mapping.function = function.id;
    settings_.mappings.push_back(mapping);
    wishes_[mapping.queue] = wish;
  }
  /// The configuration, and a queue for each function.
  void open() {
    if (!core_) {
      core_.emplace(Orchestrator::Options{.make_scaler = make_scaler_});
    }
    step(ConfigurationChanged{settings_});
    for (const MappingSettings& mapping : settings_.mappings) step(QueueChanged{mapping.queue, {}});
    pass(0s);
  }

  void step(const Event& event) {
    Actions actions;
    core_->step(now_, event, actions);
    for (const Action& action : actions) {
      if (const auto* start = std::get_if<StartInstance>(&action)) {
        happened_ += " +" + std::to_string(start->function.value());
        of_[start->instance] = start->function;
        starting_.push_back(start->instance);
      } else if (const auto* stop = std::get_if<StopInstance>(&action)) {
        happened_ += " -" + std::to_string(of_.at(stop->instance).value());
        stopping_.push_back(stop->instance);
        last_stop_ = stop->reason;
      } else if (const auto* run = std::get_if<forewarm::Run>(&action)) {
        running_[run->function].push_back(run->run);
      }
    }
  }
  /// Time passes, with all that the core does by itself.
  void pass(Duration time) {
    const TimePoint until = now_ + time;
    while (core_->wake_at() <= until) {
      now_ = std::max(now_, core_->wake_at());
      step(TimePassed{});
    }
    now_ = until;
  }
  void arrive(std::uint32_t queue, int messages = 1) {
    for (int i = 0; i < messages; ++i) {
      Message message;
      message.id = MessageId(++messages_);
      message.queue = QueueId(queue);
      message.sent = message.visible_at = message.deadline = now_;
      step(MessageArrived{message});
    }
    pass(0s);
  }
  void starts_end() {
    for (const InstanceId instance : std::exchange(starting_, {}))
      step(InstanceReady{instance, start_times_.at(of_.at(instance))});
    pass(0s);
  }
  void stops_end() {
    for (const InstanceId instance : std::exchange(stopping_, {})) step(InstanceLost{instance, {}});
    pass(0s);
  }
  void runs_end(std::uint32_t function) {
    for (const RunId run : std::exchange(running_[FunctionId(function)], {}))
      step(RunFinished{.run = run, .service_time = 100ms, .failed = {}});
    pass(0s);
  }
  /// The function gets idle instances, used in this order after all that there are.
  void make_idle(std::uint32_t function, int count = 1) {
    arrive(function, count);
    starts_end();
    pass(50ms);
    runs_end(function);
    pass(10s);  // no longer young
    happened_.clear();
  }
  /// Starts (+) and stops (-) of functions since the last call.
  std::string happened() { return std::exchange(happened_, ""); }
  std::uint32_t idle(std::uint32_t function) { return core_->function(FunctionId(function)).instances.idle; }

  Configuration settings_;
  std::function<std::unique_ptr<Scaler>(const MappingSettings&)> make_scaler_ =
      [this](const MappingSettings& mapping) {
        return std::make_unique<WishfulScaler>(wishes_.at(mapping.queue));
      };
  std::map<FunctionId, Duration> start_times_;  ///< where not a second
  std::map<QueueId, Wish> wishes_;
  std::optional<Orchestrator> core_;
  TimePoint now_ = TimePoint(Duration(1h));
  ScaleReason last_stop_ = ScaleReason::Surplus;

 private:
  std::string happened_;
  std::uint64_t messages_ = 0;
  std::map<InstanceId, FunctionId> of_;
  std::map<FunctionId, std::vector<RunId>> running_;
  std::vector<InstanceId> starting_, stopping_;
};

}  // namespace forewarm
