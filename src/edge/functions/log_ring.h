#pragma once

#include <cstddef>
#include <deque>
#include <string_view>
#include <vector>

#include "edge/functions/process_pool.h"

namespace forewarm {

/// The newest lines of all functions, bounded by their number and their bytes.
class LogRing {
 public:
  static constexpr std::size_t kBytesMax = 16U << 20;

  explicit LogRing(std::size_t lines_max) : lines_max_(lines_max) {}

  void add(LogLine line) {
    bytes_ += line.text.size();
    lines_.push_back(std::move(line));
    while (lines_.size() > lines_max_ || bytes_ > kBytesMax) {
      bytes_ -= lines_.front().text.size();
      lines_.pop_front();
    }
  }

  /// The newest `count` of a function, or of all if it has no name, oldest first.
  std::vector<LogLine> newest(std::string_view function, std::size_t count) const {
    std::vector<LogLine> found;
    for (auto line = lines_.rbegin(); line != lines_.rend() && found.size() < count; ++line) {
      if (function.empty() || line->function == function) found.push_back(*line);
    }
    return {found.rbegin(), found.rend()};
  }

 private:
  std::size_t lines_max_;
  std::size_t bytes_ = 0;
  std::deque<LogLine> lines_;
};

}  // namespace forewarm
