#pragma once

#include <cstdint>
#include <optional>

#include "core/scale/ahead.h"
#include "core/scale/choice.h"
#include "core/scale/facts.h"
#include "core/scale/newsvendor.h"
#include "core/scale/scaler.h"
#include "core/scale/shadow/shadow.h"
#include "core/scale/trust.h"

namespace forewarm {

/// The most instances that the shadow of such a queue ever has.
std::uint32_t shadow_levels_max(const ScalingSettings& settings);

/// forewarm's own scaler of one queue.
///
/// Many candidates run in the shadow on the messages that come (shadow/): each keeps an instance as long as
/// its next need is worth a price, and has some number ahead of need besides, by head-room or by a level of
/// the forecast. The cheapest that keeps the objective decides (choice.h), which makes forecast and keeping
/// times pay their way in the same currency: where the forecast brings nothing, a candidate without it is
/// cheaper. Until the shadow has seen enough the newsvendor level of the forecast and the price of lateness
/// decide. What waits already is staffed whatever a candidate wants.
class PredictiveScaler final : public Scaler {
 public:
  explicit PredictiveScaler(const ScalingSettings& settings);

  ScalingPlan plan(const ScalingInputs& inputs) override;
  std::uint32_t start_now(const ScalingInputs& inputs) override;
  std::vector<ProjectedSlot> project(const ScalingInputs& inputs, Duration slot,
                                     std::size_t count) const override;
  void observe_ready(TimePoint at) override;
  void observe_start(TimePoint at, Duration lateness) override;
  void observe_service(Duration each) override;
  std::optional<ScalerMemory> memory(TimePoint now) const override;
  bool restore(TimePoint now, const ScalerMemory& memory) override;
  double idle_value(const IdleInstance& instance) const override;
  double need_value() const override;
  bool plans_without_messages() const override { return settings_.instances_min > 0; }
  Duration period() const override { return period_; }

 private:
  /// The forecast and what is wanted of it hold for a step.
  void read_ahead(const ScalingFacts& facts, const ScalingInputs& inputs);
  /// Why this plan must do without the forecast, if it must.
  std::optional<Constraint> reactive_because(const ScalingFacts& facts) const;
  Duration patience(const ScalingFacts& facts) const;
  Choice choose(const ScalingFacts& facts, bool forecast);
  /// The candidate to begin with: the newsvendor level, and the price that goes with it.
  Candidate by_the_book(const ScalingFacts& facts, bool forecast) const;
  double newsvendor_level_now(const ScalingFacts& facts) const;
  /// What one late message is worth in seconds of an idle instance.
  double late_price_seconds(const ScalingFacts& facts) const;
  /// What a message that finds no instance costs, in seconds of one: its start, and its lateness.
  double cold_price_seconds(const ScalingFacts& facts) const;
  /// Those of a projected slot: as many as its most demanding moment needs, since no target can be told
  /// anything finer.
  void keep_to_bounds(const ScalingInputs& inputs, ScalingFacts facts, ProjectedSlot& slot) const;
  void keep_to_bounds(const ScalingFacts& facts, std::uint32_t present, ScalingPlan& plan) const;
  void hold(const ScalingFacts& facts, TimePoint now, ScalingPlan& plan);

  ScalingSettings settings_;
  Trust trust_;
  Shadow shadow_;
  CandidateChoice choice_;
  Choice deciding_{.candidate = {.price = kPrices - 1, .ahead = 0}};
  PlanReason reason_;  ///< of the last plan, before its bounds
  Duration period_ = Duration(0);
  std::uint32_t held_ = 0;  ///< instances, at least until
  TimePoint held_until_ = TimePoint::min();
  double start_seconds_ = 1;  ///< as last planned with
  double cold_price_seconds_ = 1;

  TimePoint read_at_ = kNever;
  TimePoint read_start_ = kNever;  ///< of the forecast that was read
  std::uint64_t read_serial_ = 0;
  ModelId model_ = ModelId::None;  ///< none: no usable forecast
  AheadOfNeed ahead_;
  std::optional<StepOutlook> next_step_;
  std::uint32_t warm_floor_ = 0;
};

}  // namespace forewarm
