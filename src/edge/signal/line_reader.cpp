#include "edge/signal/line_reader.h"

#include <algorithm>

namespace forewarm {

std::optional<std::vector<std::string>> split_csv(std::string_view line) {
  std::vector<std::string> fields(1);
  for (std::size_t i = 0; i < line.size();) {
    if (line[i] == '"' && fields.back().empty()) {
      for (++i;; ++i) {
        if (i >= line.size()) return std::nullopt;
        if (line[i] == '"' && (i + 1 >= line.size() || line[i + 1] != '"')) break;
        if (line[i] == '"') ++i;
        fields.back() += line[i];
      }
      ++i;
      if (i < line.size() && line[i] != ',') return std::nullopt;
    } else {
      while (i < line.size() && line[i] != ',') {
        if (line[i] == '"') return std::nullopt;
        fields.back() += line[i++];
      }
    }
    if (i < line.size()) {
      ++i;
      fields.emplace_back();
    }
  }
  return fields;
}

void LineReader::begin_file() {
  rest_.clear();
  skipping_ = false;
  at_header_ = true;
}

void LineReader::feed(std::string_view bytes, TimePoint now, bool untimed, Points& out) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (!skipping_ && rest_.size() + piece.size() > kLineBytesMax) {
      out.refuse("a line of more than " + std::to_string(kLineBytesMax) + " bytes");
      rest_.clear();
      skipping_ = true;
    }
    if (!skipping_) rest_ += piece;
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    if (!skipping_) take_line(rest_, now, untimed, out);
    rest_.clear();
    skipping_ = false;
  }
}

void LineReader::end_file(TimePoint now, Points& out) {
  if (!skipping_) take_line(rest_, now, true, out);
  rest_.clear();
  skipping_ = false;
}

void LineReader::take_line(std::string_view line, TimePoint now, bool untimed, Points& out) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (line.find_first_not_of(" \t") == std::string_view::npos) return;
  if (options_.format == FileSourceOptions::Format::JsonLines)
    take_json(line, now, untimed, out);
  else
    take_csv(line, now, untimed, out);
}

void LineReader::take_json(std::string_view line, TimePoint now, bool untimed, Points& out) const {
  constexpr TimePoint kUnknown = TimePoint::min();
  Result<Points> points = read_json_points(line, options_.shape, untimed ? now : kUnknown);
  if (!points) return out.refuse(std::move(points.error().message));
  for (Observation& each : points->taken) {
    if (each.at != kUnknown) out.taken.push_back(std::move(each));
  }
  if (points->malformed > 0) {
    out.refuse(std::move(points->problem));
    out.malformed += points->malformed - 1;
  }
}

/// False if it does not name the value's column.
bool LineReader::take_header(const std::vector<std::string>& fields) {
  const auto place = [&](const std::string& name) -> std::optional<std::size_t> {
    const auto found = std::ranges::find(fields, name);
    if (found == fields.end()) return std::nullopt;
    return static_cast<std::size_t>(found - fields.begin());
  };
  const std::optional<std::size_t> value = place(options_.value_column);
  if (!value) return false;
  value_field_ = value;
  time_field_ = place(options_.time_column);
  return true;
}

void LineReader::take_csv(std::string_view line, TimePoint now, bool untimed, Points& out) {
  const std::optional<std::vector<std::string>> fields = split_csv(line);
  if (!fields) return out.refuse("a quote that is not closed, or inside a field");
  if (std::exchange(at_header_, false)) {
    if (take_header(*fields)) return;
    // A rotated file may go on without a header; without any there is nothing to go by.
    if (!value_field_)
      return out.refuse("expected a header with the column '" + options_.value_column + "', found '" +
                        std::string(line.substr(0, 80)) + "'");
  }
  if (!value_field_) return out.refuse("a line without a header before it");
  if (*value_field_ >= fields->size()) return out.refuse("a line of too few fields");
  const Result<double> value = parse_value((*fields)[*value_field_]);
  if (!value) return out.refuse(value.error().message);
  if (!time_field_ || *time_field_ >= fields->size()) {
    if (untimed) out.taken.push_back({now, *value});
    return;
  }
  const Result<TimePoint> at = parse_point_time((*fields)[*time_field_]);
  if (!at) return out.refuse(at.error().message);
  out.taken.push_back({*at, *value});
}

}  // namespace forewarm
