#include "core/scale/outlook.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace forewarm {
namespace {

constexpr float kMessagesPerStepMax = 1e9F;
constexpr Duration kStepMin = 1ms;
constexpr Duration kStepMax = 24h;

bool sound(const Forecast& forecast) {
  if (forecast.step < kStepMin || forecast.step > kStepMax) return false;
  if (forecast.values.empty() || forecast.values.size() % kForecastLevelCount != 0) return false;
  for (std::size_t h = 0; h < forecast.horizon(); ++h) {
    float below = 0;
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      const float value = forecast.at(h, level);
      if (!(value >= below && value <= kMessagesPerStepMax)) return false;  // NaN fails too
      below = value;
    }
  }
  return true;
}

}  // namespace

double ForecastPieces::messages() const {
  double sum = 0;
  for (const WorkPiece& piece : pieces()) sum += piece.messages;
  return sum;
}

double ForecastPieces::peak_rate() const {
  double rate = 0;
  for (const WorkPiece& piece : pieces()) rate = std::max(rate, piece.messages / piece.seconds);
  return rate;
}

void ForecastPieces::add(WorkPiece piece) {
  check(count_ < kPiecesMax, "a window is cut into at most kPiecesMax pieces");
  pieces_[count_++] = piece;
}

std::optional<Outlook> Outlook::of(const ModelForecast* forecast, TimePoint now) {
  if (forecast == nullptr || forecast->model == ModelId::None || !sound(forecast->forecast))
    return std::nullopt;
  // In doubles: a start at either end of the time line must not overflow.
  const double elapsed_us =
      static_cast<double>(count_us(now)) - static_cast<double>(count_us(forecast->forecast.start));
  const double position = elapsed_us / static_cast<double>(forecast->forecast.step.count());
  if (position < -1 || position >= static_cast<double>(forecast->forecast.horizon())) return std::nullopt;
  return Outlook(*forecast, std::max(position, 0.0));
}

Outlook::Outlook(const ModelForecast& forecast, double position)
    : forecast_(&forecast.forecast),
      model_(forecast.model),
      position_(position),
      step_seconds_(seconds(forecast.forecast.step)) {}

double Outlook::rate(std::size_t row, double level) const {
  return forecast_->quantile(std::min(row, forecast_->horizon() - 1), level) / step_seconds_;
}

ForecastPieces Outlook::window(double seconds, double level) const {
  ForecastPieces result;
  const double end = position_ + seconds / step_seconds_;
  const double horizon = static_cast<double>(forecast_->horizon());
  // The first and the last row are cut, and what is behind the horizon is one piece.
  const auto rows = static_cast<std::size_t>(std::min(end, horizon) - position_) + 2;
  const std::size_t rows_a_piece = (rows + ForecastPieces::kPiecesMax - 3) / (ForecastPieces::kPiecesMax - 2);
  auto row = static_cast<std::size_t>(position_);
  double from = position_;
  while (from < std::min(end, horizon)) {
    WorkPiece piece;
    for (std::size_t i = 0; i < rows_a_piece && from < std::min(end, horizon); ++i, ++row) {
      const double until = std::min(static_cast<double>(row + 1), end);
      piece.seconds += (until - from) * step_seconds_;
      piece.messages += (until - from) * step_seconds_ * rate(row, level);
      from = until;
    }
    result.add(piece);
  }
  if (end > from) {
    const double rest = (end - from) * step_seconds_;
    result.add({.seconds = rest, .messages = rest * rate(row, level)});
  }
  return result;
}

std::array<double, kForecastLevelCount> Outlook::next_step(double seconds) const {
  std::array<double, kForecastLevelCount> messages{};
  for (std::size_t i = 0; i < kForecastLevelCount; ++i)
    messages[i] = window(seconds, kForecastLevels[i]).messages();
  return messages;
}

double Outlook::lowest_rate(double level) const {
  auto row = static_cast<std::size_t>(position_);
  double lowest = rate(row, level);
  for (++row; row < forecast_->horizon(); ++row) lowest = std::min(lowest, rate(row, level));
  return lowest;
}

}  // namespace forewarm
