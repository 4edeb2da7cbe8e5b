#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "core/model/forecast.h"
#include "core/scale/demand.h"

namespace forewarm {

/// A stretch of a forecast at one level, cut at its steps. A long stretch is cut more coarsely: planning time
/// is bounded.
class ForecastPieces {
 public:
  static constexpr std::size_t kPiecesMax = 24;

  std::span<const WorkPiece> pieces() const { return {pieces_.data(), count_}; }
  double messages() const;
  /// Messages per second in the fullest piece.
  double peak_rate() const;
  void add(WorkPiece piece);

 private:
  std::array<WorkPiece, kPiecesMax> pieces_{};
  std::size_t count_ = 0;
};

/// A forecast read from a moment on. Only of() makes one, so whoever holds it need not doubt its numbers.
class Outlook {
 public:
  /// None unless all values are finite, non-negative, ordered and of a size that a queue can have, and `now`
  /// lies within the horizon (up to one step before it is as good).
  static std::optional<Outlook> of(const ModelForecast* forecast, TimePoint now);

  ModelId model() const { return model_; }
  /// Arrivals at `level` from now until `seconds` later. Behind the horizon its last step goes on.
  ForecastPieces window(double seconds, double level) const;
  /// Arrivals at each of kForecastLevels in the step from now on.
  std::array<double, kForecastLevelCount> next_step(double seconds) const;
  /// Lowest messages per second at `level` in the steps from now to the horizon.
  double lowest_rate(double level) const;

 private:
  Outlook(const ModelForecast& forecast, double position);
  double rate(std::size_t row, double level) const;

  const Forecast* forecast_;
  ModelId model_;
  double position_;  ///< steps from the forecast's start to now
  double step_seconds_;
};

}  // namespace forewarm
