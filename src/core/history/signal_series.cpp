#include "core/history/signal_series.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"

namespace forewarm {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kCellsPerStep = 4;

}  // namespace

SignalSeries::SignalSeries(const Options& options)
    : options_(options), cell_(std::max<Duration>(options.step / kCellsPerStep, 1ms)) {
  check(options.step > Duration(0), "a step takes time");
}

bool SignalSeries::observe(TimePoint at, double value, TimePoint now) {
  past_.clear();
  forget(now);
  const Duration past = options_.step * static_cast<Duration::rep>(options_.past_steps);
  if (!std::isfinite(value) || at < now - past || at == kNever) return false;
  const Duration since = at.time_since_epoch() % cell_;
  const TimePoint cell = at - (since < Duration(0) ? since + cell_ : since);
  // Nearly always it is the newest.
  auto place = points_.end();
  if (!points_.empty() && points_.back().at >= cell)
    place = std::ranges::lower_bound(points_, cell, {}, &Point::at);
  bool news = true;
  if (place == points_.end() || place->at != cell) {
    points_.insert(place, {cell, value});
  } else if (options_.kind == SignalKind::Count) {
    place->value += value;
  } else {
    news = std::exchange(place->value, value) != value;
  }
  const std::size_t most = kCellsPerStep * (options_.past_steps + options_.future_steps) + 2;
  if (points_.size() > most) points_.pop_back();
  return news;
}

/// One that is older than all that will be asked for says what holds then.
void SignalSeries::forget(TimePoint now) {
  const TimePoint oldest = now - options_.step * static_cast<Duration::rep>(options_.past_steps + 1);
  while (points_.size() > 1 && points_[1].at <= oldest) points_.pop_front();
}

std::vector<float> SignalSeries::aligned(TimePoint start, std::size_t count, TimePoint passed) const {
  if (points_.empty()) return std::vector<float>(count, kUnknown);
  return options_.kind == SignalKind::Level ? levels(start, count) : counts(start, count, passed);
}

std::span<const float> SignalSeries::past(TimePoint end, std::size_t count) {
  if (past_end_ != end || past_.size() < count) {
    past_ = aligned(end - options_.step * static_cast<Duration::rep>(count), count, end);
    past_end_ = end;
  }
  return std::span<const float>(past_).last(count);
}

std::optional<double> SignalSeries::latest(TimePoint now) const {
  auto after = std::ranges::upper_bound(points_, now, {}, &Point::at);
  if (after == points_.begin()) return std::nullopt;
  if (options_.kind == SignalKind::Level) {
    const Point& last = *std::prev(after);
    const bool holds = options_.holds <= Duration(0) || now < saturating_add(last.at, options_.holds);
    return holds ? std::optional(last.value) : std::nullopt;
  }
  double sum = 0;
  while (after != points_.begin() && std::prev(after)->at > now - options_.step) sum += (--after)->value;
  return sum;
}

SignalSeries SignalSeries::coarser(std::size_t factor) const {
  SignalSeries out = *this;
  out.past_.clear();
  out.options_.step = options_.step * static_cast<Duration::rep>(factor);
  return out;
}

SignalSeries SignalSeries::with_future(std::size_t steps) const {
  SignalSeries out = *this;
  out.options_.future_steps = std::max(options_.future_steps, steps);
  return out;
}

std::vector<float> SignalSeries::levels(TimePoint start, std::size_t count) const {
  std::vector<float> out(count, kUnknown);
  const Duration half = options_.step / 2;
  // The piece that holds at the step's beginning, and those that begin in it.
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const TimePoint begin = start + options_.step * static_cast<Duration::rep>(i);
    const TimePoint end = begin + options_.step;
    while (next < points_.size() && points_[next].at <= begin) ++next;
    double sum = 0;
    Duration known(0);
    for (std::size_t piece = next == 0 ? 0 : next - 1; piece < points_.size() && points_[piece].at < end;
         ++piece) {
      const TimePoint from = std::max(points_[piece].at, begin);
      TimePoint to = piece + 1 < points_.size() ? std::min(points_[piece + 1].at, end) : end;
      if (options_.holds > Duration(0)) to = std::min(to, saturating_add(points_[piece].at, options_.holds));
      if (to <= from) continue;
      sum += points_[piece].value * static_cast<double>((to - from).count());
      known += to - from;
    }
    if (known > Duration(0) && known >= half)
      out[i] = static_cast<float>(sum / static_cast<double>(known.count()));
  }
  return out;
}

std::vector<float> SignalSeries::counts(TimePoint start, std::size_t count, TimePoint passed) const {
  std::vector<float> out(count, kUnknown);
  const TimePoint first = points_.front().at;
  const TimePoint known_until = std::max(points_.back().at + cell_, passed);
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const TimePoint begin = start + options_.step * static_cast<Duration::rep>(i);
    const TimePoint end = begin + options_.step;
    while (next < points_.size() && points_[next].at < begin) ++next;
    double sum = 0;
    for (std::size_t said = next; said < points_.size() && points_[said].at < end; ++said)
      sum += points_[said].value;
    if (end <= first || begin >= known_until) continue;
    out[i] = static_cast<float>(sum);
  }
  return out;
}

}  // namespace forewarm
