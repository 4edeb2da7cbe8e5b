#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace forewarm {

bool is_terminal(int descriptor);
/// True if colours may be written there: a terminal, and NO_COLOR (no-color.org) is not set.
bool may_colour(int descriptor = STDERR_FILENO);
/// Says on standard error why a command could not do its work; what the program then exits with (1: 2 is for
/// command lines that cannot be read).
int failed(const Error& failure);
int terminal_width(int descriptor = STDERR_FILENO);  ///< columns; 80 if unknown

/// A progress bar on standard error with the time left. Nothing at all off a terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  ~ProgressBar();  ///< leaves the line clean
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `share` 0..1; drawn at most ten times a second. `detail` stands behind the bar.
  void show(double share, std::string_view detail = {});

 private:
  std::string label_;
  bool enabled_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

/// Columns of text, the first left-aligned and the others right-aligned, with two spaces between them.
class TextTable {
 public:
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number);
/// A number with this many digits after the point.
std::string fixed(double number, int digits);

}  // namespace forewarm
