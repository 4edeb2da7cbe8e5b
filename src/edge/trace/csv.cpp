#include "edge/trace/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace forewarm {

CsvPlace CsvRow::place(std::size_t field) const {
  const std::size_t column =
      field < fields.size() ? static_cast<std::size_t>(fields[field].data() - text.data()) : text.size();
  return {.line = line, .column = column + 1};
}

CsvReader::CsvReader(std::string name, OnRow on_row) : name_(std::move(name)), on_row_(std::move(on_row)) {}

Result<void> CsvReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (rest_.size() + piece.size() > kLineBytesMax)
      return fail({.line = line_ + 1, .column = 1}, "a line longer than 65536 bytes; is this a CSV file?");
    if (end == std::string_view::npos) {
      rest_ += piece;
      return {};
    }
    Result<void> taken;
    if (rest_.empty()) {
      taken = take_line(piece);
    } else {
      rest_ += piece;
      const std::string line = std::exchange(rest_, {});
      taken = take_line(line);
    }
    if (!taken) return taken;
    bytes.remove_prefix(end + 1);
  }
  return {};
}

Result<void> CsvReader::finish() {
  if (rest_.empty()) return {};
  const std::string line = std::exchange(rest_, {});
  return take_line(line);
}

std::unexpected<Error> CsvReader::fail(CsvPlace place, const std::string& what) const {
  return error(ErrorCode::Invalid,
               name_ + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + what);
}

Result<void> CsvReader::take_line(std::string_view line) {
  ++line_;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (line_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return {};

  const std::size_t quote = line.find('"');
  if (quote != std::string_view::npos)
    return fail({.line = line_, .column = quote + 1},
                "quoted fields are not read; write the file without quotes");

  fields_.clear();
  for (std::string_view left = line;;) {
    if (fields_.size() == kFieldsMax)
      return fail({.line = line_, .column = line.size() - left.size() + 1}, "more than 256 columns");
    const std::size_t comma = left.find(',');
    fields_.push_back(left.substr(0, comma));
    if (comma == std::string_view::npos) break;
    left.remove_prefix(comma + 1);
  }
  return on_row_({.line = line_, .fields = fields_, .text = line});
}

std::optional<double> finite_number(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::size_t find_column(const CsvRow& header, std::string_view name) {
  const auto found = std::find(header.fields.begin(), header.fields.end(), name);
  return found == header.fields.end() ? kNoColumn : static_cast<std::size_t>(found - header.fields.begin());
}

std::string printable(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string out;
  for (const char c : text.substr(0, kShown)) out += (c >= ' ' && c <= '~') ? c : '?';
  if (text.size() > kShown) out += "...";
  return out;
}

}  // namespace forewarm
