#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/signal/source.h"

namespace forewarm {

/// The fields of one line of CSV (RFC 4180, but for line breaks inside quotes): surrounding quotes taken
/// away, doubled ones made one. Nothing if a quote is not closed or stands where it may not.
std::optional<std::vector<std::string>> split_csv(std::string_view line);

/// Makes values of lines that come in pieces of any size.
class LineReader {
 public:
  explicit LineReader(const FileSourceOptions& options) : options_(options) {}

  /// A file begins: of CSV, its header is to come. The start of a line that has no end is dropped.
  void begin_file();
  /// `untimed` false: lines without a time of their own are left out, for nobody knows when they were
  /// written.
  void feed(std::string_view bytes, TimePoint now, bool untimed, Points& out);
  /// The file is complete: what has no newline yet is a line too.
  void end_file(TimePoint now, Points& out);
  /// What comes next is the rest of a line whose beginning was not read.
  void skip_line() { skipping_ = true; }

  static constexpr std::size_t kLineBytesMax = 1U << 20;

 private:
  void take_line(std::string_view line, TimePoint now, bool untimed, Points& out);
  void take_json(std::string_view line, TimePoint now, bool untimed, Points& out) const;
  void take_csv(std::string_view line, TimePoint now, bool untimed, Points& out);
  bool take_header(const std::vector<std::string>& fields);

  FileSourceOptions options_;
  std::string rest_;
  bool skipping_ = false;
  bool at_header_ = true;
  std::optional<std::size_t> time_field_;
  std::optional<std::size_t> value_field_;
};

}  // namespace forewarm
