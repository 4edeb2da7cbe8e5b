#pragma once

#include <cstdint>

namespace forewarm {

/// Finds the price of lateness at which the objective is just met: the multiplier on the late cost rises
/// while more messages are late than allowed and falls while fewer are.
///
/// Dual ascent on the constraint "late share <= late_share_max" (Zinkevich 2003), in the logarithm so that
/// the price stays positive and errors in either direction weigh alike, once a step. Bounded both ways, so
/// that one bad night is forgotten within minutes, and still where the level did not decide, so that it does
/// not wind up against a limit.
class LatenessFeedback {
 public:
  static constexpr double kMultiplierMin = 1.0 / 64;
  static constexpr double kMultiplierMax = 4096;

  /// `late_share_max` within (0, 1).
  explicit LatenessFeedback(double late_share_max);

  void observe(bool late);
  /// A step ended. `level_decided`: the plan followed the newsvendor level, so lateness says something about
  /// it.
  void close_step(bool level_decided);
  /// More than twice the share allowed was late of late, in steps that the level decided.
  bool objective_missed() const;
  double multiplier() const { return multiplier_; }

 private:
  double late_share_max_;
  double started_ = 0;
  double late_ = 0;
  double log_multiplier_ = 0;
  double multiplier_ = 1;
  double recent_late_share_ = 0;
};

}  // namespace forewarm
