#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace forewarm {

/// Splits what a process writes into lines that are safe to show: bytes that could steer a terminal or forge
/// a log line are escaped as \xNN, and a line longer than the cap is cut and says by how much. Memory: one
/// line.
class OutputLines {
 public:
  static constexpr std::size_t kLineMaxBytes = 8192;

  using Line = std::function<void(std::string)>;
  void feed(std::string_view bytes, const Line& line);
  /// The last line, if it did not end.
  void finish(const Line& line);
  std::size_t bytes_fed() const { return bytes_fed_; }

 private:
  void end_line(const Line& line);

  std::string pending_;
  std::size_t dropped_ = 0;
  std::size_t bytes_fed_ = 0;
};

/// Escapes control characters (C0 but tab, DEL, C1) and bytes that are not UTF-8.
std::string escape_control_characters(std::string_view text);

}  // namespace forewarm
