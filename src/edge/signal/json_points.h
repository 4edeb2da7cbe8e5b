#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// A value of a signal at a time, as it came: not checked yet.
struct Observation {
  TimePoint at;
  double value = 0;
  std::string id = {};  ///< that its sender gave it, the same when it is sent again; empty: none

  friend bool operator==(const Observation&, const Observation&) = default;
};

/// Where in a JSON document the values and their times are: JSON Pointers (RFC 6901).
struct PointShape {
  std::string items = "";  ///< of a list of items, or of one; empty: the whole document
  std::string value = "/value";
  std::string time = "/time";  ///< in an item; where there is nothing the time of reading counts

  friend bool operator==(const PointShape&, const PointShape&) = default;
};

/// What a document or a batch had in it.
struct Points {
  std::vector<Observation> taken;
  std::size_t malformed = 0;  ///< items without a usable value or time
  std::string problem = {};   ///< what was wrong with the first of them

  void refuse(std::string why);
};

/// Invalid unless `text` is a JSON Pointer: empty, or parts that each begin with '/'; "~0" and "~1" stand for
/// "~" and "/".
Result<void> check_pointer(std::string_view text);

/// Values in a JSON document. An item is a number, or what the shape's pointers lead into. A value may be
/// a number, true or false (1, 0) or a number in a text; a time RFC 3339 or a number since the epoch:
/// seconds, or milliseconds or microseconds where it is too large for that. Invalid if the text is not JSON
/// or has nothing at `items`.
Result<Points> read_json_points(std::string_view text, const PointShape& shape, TimePoint now);

/// A text that is a number and nothing else ("NaN" and "Inf" too), with spaces around it.
Result<double> parse_value(std::string_view text);
/// As a time in JSON: RFC 3339, or a number since the epoch in seconds, milliseconds or microseconds.
Result<TimePoint> parse_point_time(std::string_view text);

}  // namespace forewarm
