#pragma once

#include <boost/json/fwd.hpp>

#include "edge/signal/json_points.h"

namespace forewarm {

/// read_json_points() of a document that is parsed already.
Result<Points> json_points(const boost::json::value& document, const PointShape& shape, TimePoint now);
/// A document, or Invalid with how it begins.
Result<boost::json::value> parse_json(std::string_view text);

}  // namespace forewarm
