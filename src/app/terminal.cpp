#include "app/terminal.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace forewarm {

bool is_terminal(int descriptor) {
  return ::isatty(descriptor) == 1;
}

bool may_colour(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  return is_terminal(descriptor) && (no_colour == nullptr || *no_colour == '\0');
}

int failed(const Error& failure) {
  std::cerr << failure.message << "\n";
  return 1;
}

int terminal_width(int descriptor) {
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)),
      enabled_(is_terminal(STDERR_FILENO)),
      start_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() {
  if (enabled_) std::fputs("\r\033[K", stderr);
}

void ProgressBar::show(double share, std::string_view detail) {
  const auto now = std::chrono::steady_clock::now();
  if (!enabled_ || now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  share = std::clamp(share, 0.0, 1.0);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  std::string left;
  if (share > 0.01) left = " " + fixed(elapsed / share * (1 - share), 0) + " s left";
  const int width = std::clamp(
      terminal_width() - static_cast<int>(label_.size() + left.size() + detail.size()) - 12, 5, 40);
  const int full = static_cast<int>(std::floor(share * width + 0.5));
  std::string line = "\r\033[K" + label_ + " [" + std::string(static_cast<std::size_t>(full), '#') +
                     std::string(static_cast<std::size_t>(width - full), '.') + "] " + fixed(share * 100, 0) +
                     "%" + left;
  if (!detail.empty()) line += " " + std::string(detail);
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      if (i > 0) line += "  ";
      line += i == 0 ? row[i] + padding : padding + row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string fixed(double number, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, number);
  return buffer;
}

}  // namespace forewarm
