#pragma once

namespace forewarm {

/// Whether the forecast has earned to be acted on: its pinball loss must be below that of the last-value
/// rule. A forecast that was never scored has earned nothing. Loses trust a little later than it gains it, so
/// that a tie does not flap.
class Trust {
 public:
  /// The discounted losses up to now; NaN where there are none yet.
  bool update(double forecast_loss, double naive_loss);
  bool earned() const { return earned_; }

 private:
  bool earned_ = false;
};

}  // namespace forewarm
