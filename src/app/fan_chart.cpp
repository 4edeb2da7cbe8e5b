#include "app/fan_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "app/terminal.h"

namespace forewarm {
namespace {

constexpr std::size_t kAxisWidth = 8;  // of the numbers on the left, with a space
constexpr std::size_t kTimeWidth = 14;
constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();
constexpr const char* kEighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

enum class Ink { Plain, Past, Band, Median, Came, Axis };

const char* colour_of(Ink ink) {
  switch (ink) {
    case Ink::Past:
      return "\033[34m";
    case Ink::Band:
      return "\033[33m";
    case Ink::Median:
      return "\033[1;33m";
    case Ink::Came:
      return "\033[1;36m";
    case Ink::Axis:
      return "\033[2m";
    case Ink::Plain:
      return "";
  }
  return "";
}

/// Means of neighbours, so that `columns` are left; or each value several times.
std::vector<float> fit_to(std::span<const float> values, std::size_t columns, std::size_t steps) {
  std::vector<float> out(columns, kNothing);
  for (std::size_t c = 0; c < columns; ++c) {
    const std::size_t from = c * steps / columns, to = std::max(from + 1, (c + 1) * steps / columns);
    double sum = 0, count = 0;
    for (std::size_t i = from; i < to && i < values.size(); ++i) {
      if (!std::isfinite(values[i])) continue;
      sum += static_cast<double>(values[i]);
      ++count;
    }
    if (count > 0) out[c] = static_cast<float>(sum / count);
  }
  return out;
}

std::string short_figure(double value) {
  if (value >= 1e6) return fixed(value / 1e6, 1) + "M";
  if (value >= 1e4) return fixed(value / 1e3, 1) + "k";
  return fixed(value, value < 10 && value != std::floor(value) ? 1 : 0);
}

std::string padded_left(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}

/// One line of the plot, whose colours change only where they must.
class Line {
 public:
  explicit Line(bool colour) : colour_(colour) {}
  void put(std::string_view glyph, Ink ink) {
    if (colour_ && ink != ink_) {
      if (ink_ != Ink::Plain) text_ += "\033[0m";
      text_ += colour_of(ink);
      ink_ = ink;
    }
    text_ += glyph;
  }
  std::string finish() {
    put("", Ink::Plain);
    if (!colour_) text_.erase(text_.find_last_not_of(' ') + 1);
    return text_ + "\n";
  }

 private:
  bool colour_;
  Ink ink_ = Ink::Plain;
  std::string text_;
};

class Chart {
 public:
  Chart(const FanPicture& picture, const ChartSize& size) : picture_(picture), size_(size) {
    const std::size_t room = std::max<std::size_t>(20, size.width) - kAxisWidth - 2;
    const std::size_t ahead = picture.median.size(), before = picture.past.size();
    const std::size_t steps = std::max<std::size_t>(1, ahead + before);
    const std::size_t wide = std::max<std::size_t>(1, room / steps);
    const std::size_t all = std::min(room, steps * wide);
    ahead_columns_ = std::max<std::size_t>(1, all * ahead / steps);
    past_columns_ = all - ahead_columns_;
    past_ = fit_to(picture.past, past_columns_, before);
    const auto fit = [&](const std::vector<float>& values) { return fit_to(values, ahead_columns_, ahead); };
    low_ = fit(picture.low);
    lower_ = fit(picture.lower);
    median_ = fit(picture.median);
    upper_ = fit(picture.upper);
    high_ = fit(picture.high);
    came_ = fit(picture.came);
    for (const auto* values : {&past_, &upper_, &came_, &median_}) {
      for (const float value : *values)
        if (std::isfinite(value)) top_ = std::max(top_, static_cast<double>(value));
    }
    // One wild upper quantile must not flatten all the rest.
    double highest = 0;
    for (const float value : high_) highest = std::max(highest, static_cast<double>(value));
    top_ = std::max(std::min(highest, 2 * top_), top_);
    if (top_ <= 0) top_ = 1;
  }

  std::string text() const {
    std::string out;
    for (std::size_t row = size_.height; row > 0; --row) out += plot_line(row - 1);
    return out + time_line();
  }

 private:
  std::string plot_line(std::size_t row) const {
    Line line(size_.colour);
    const bool labelled = row + 1 == size_.height || row == size_.height / 2 || row == 0;
    const double at = row == 0 ? 0 : top_ * static_cast<double>(row + 1) / static_cast<double>(size_.height);
    line.put(padded_left(labelled ? short_figure(at) : "", kAxisWidth - 1) + " ", Ink::Axis);
    for (const float value : past_) put_bar(line, value, row);
    line.put("│", Ink::Axis);
    for (std::size_t c = 0; c < ahead_columns_; ++c) put_fan(line, c, row);
    return line.finish();
  }

  /// Where a value stands, in rows from the bottom.
  double height_of(float value) const {
    return static_cast<double>(value) / top_ * static_cast<double>(size_.height);
  }

  void put_bar(Line& line, float value, std::size_t row) const {
    const double inside = std::isfinite(value) ? height_of(value) - static_cast<double>(row) : 0;
    const double eighths = std::clamp(std::round(inside * 8), 0.0, 8.0);
    line.put(kEighths[static_cast<std::size_t>(eighths)], Ink::Past);
  }

  bool is_in_row(float value, std::size_t row) const {
    if (!std::isfinite(value)) return false;
    const double height = std::min(height_of(value), static_cast<double>(size_.height) - 0.5);
    return static_cast<std::size_t>(std::max(0.0, height)) == row;
  }

  void put_fan(Line& line, std::size_t column, std::size_t row) const {
    const double middle = static_cast<double>(row) + 0.5;
    const auto between = [&](const std::vector<float>& from, const std::vector<float>& to) {
      return height_of(from[column]) <= middle && middle <= height_of(to[column]);
    };
    if (is_in_row(came_[column], row))
      line.put("●", Ink::Came);
    else if (is_in_row(median_[column], row))
      line.put("━", Ink::Median);
    else if (between(lower_, upper_))
      line.put("▒", Ink::Band);
    else if (between(low_, high_))
      line.put("░", Ink::Band);
    else
      line.put(" ", Ink::Plain);
  }

  std::string clock_at(std::size_t column) const {
    const auto from_start = static_cast<double>(column) - static_cast<double>(past_columns_);
    const double steps = from_start < 0 ? from_start * static_cast<double>(picture_.past.size()) /
                                              static_cast<double>(std::max<std::size_t>(1, past_columns_))
                                        : from_start * static_cast<double>(picture_.median.size()) /
                                              static_cast<double>(ahead_columns_);
    const double step_s = seconds(picture_.step);
    const auto at =
        count_us(picture_.start) / 1'000'000 + static_cast<std::int64_t>(std::floor(steps * step_s));
    return clock_text(at, step_s < 60);
  }

  static std::string clock_text(std::int64_t seconds_since_epoch, bool with_seconds) {
    const std::int64_t of_day = ((seconds_since_epoch % 86400) + 86400) % 86400;
    const auto two = [](std::int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); };
    std::string text = two(of_day / 3600) + ":" + two(of_day / 60 % 60);
    if (with_seconds) text += ":" + two(of_day % 60);
    return text;
  }

  std::string time_line() const {
    std::string line(kAxisWidth, ' ');
    const std::size_t columns = past_columns_ + 1 + ahead_columns_;
    // A time below the beginning of the forecast, and others as far from it as they need room.
    for (std::size_t c = past_columns_ % kTimeWidth; c + 8 <= columns; c += kTimeWidth) {
      line.resize(kAxisWidth + c, ' ');
      line += clock_at(c);
    }
    Line out(size_.colour);
    out.put(line, Ink::Axis);
    return out.finish();
  }

  const FanPicture& picture_;
  ChartSize size_;
  std::size_t past_columns_ = 0, ahead_columns_ = 1;
  std::vector<float> past_, low_, lower_, median_, upper_, high_, came_;
  double top_ = 0;
};

}  // namespace

std::string fan_chart(const FanPicture& picture, const ChartSize& size) {
  return Chart(picture, size).text();
}

}  // namespace forewarm
