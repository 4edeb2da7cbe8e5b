#pragma once

#include <optional>

#include "core/scale/choice.h"
#include "core/scale/facts.h"
#include "core/scale/feedback.h"
#include "core/scale/outlook.h"
#include "core/scale/scaler.h"
#include "core/scale/trust.h"

namespace forewarm {

/// forewarm's own scaler of one queue.
///
/// A plan reads the forecast at the newsvendor level over the lead time and the step after it, because an
/// instance asked for now helps only then, and asks how many instances start that demand within the slack:
/// once for the forecast's own spread between steps, once for random clumping within them (queueing.h). It
/// falls back to what already waits when there is no forecast, none that pays, or no need for one. Instances
/// above the plan go by their idle time and not by the plan's moves, so noise does not stop and start them.
class PredictiveScaler final : public Scaler {
 public:
  explicit PredictiveScaler(const ScalingSettings& settings);

  ScalingPlan plan(const ScalingInputs& inputs) override;
  std::uint32_t start_now(const ScalingInputs& inputs) override;
  void observe_start(TimePoint at, Duration lateness) override;
  void observe_ready(TimePoint at) override;
  void observe_service(Duration each) override;
  Duration period() const override { return period_; }
  bool plans_without_messages() const override { return settings_.instances_min > 0; }

 private:
  /// Why this plan must do without the forecast, if it must.
  std::optional<Constraint> reactive_because(const ScalingFacts& facts,
                                             const std::optional<Outlook>& outlook) const;
  void plan_ahead(const ScalingFacts& facts, const Outlook& outlook, ScalingPlan& plan) const;
  /// What the shadow has learnt, if that is enough to go by.
  const Candidate* learnt(const ScalingFacts& facts, bool forecast);
  AheadInstances ahead_of_need(const ScalingFacts& facts, const ScalingInputs& inputs,
                               const std::optional<Outlook>& outlook) const;
  double level_of(const ScalingFacts& facts, const Outlook& outlook) const;
  void keep_to_bounds(const ScalingFacts& facts, std::uint32_t present, ScalingPlan& plan) const;
  /// The idle time that costs as much as a start, its lateness included; at most keep_idle_max.
  Duration ski_rental(const ScalingFacts& facts, double arrivals_per_second) const;
  double late_cost_in_idle_seconds(const ScalingFacts& facts) const;

  ScalingSettings settings_;
  LatenessFeedback feedback_;
  Trust trust_;
  bool level_decided_ = false;
  Shadow shadow_;
  CandidateChoice choice_;
  Duration period_ = Duration(0);
};

}  // namespace forewarm
