#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "edge/signal/json_points.h"

namespace forewarm {

/// A request that pushes values of a signal.
struct PushRequest {
  std::string_view content_type;
  /// Header names as they came, any case. Only those that begin with "ce-" are looked at.
  std::span<const std::pair<std::string, std::string>> headers;
  std::string_view body;
};

/// The values in a pushed request, in any of these forms:
///  - JSON: a number, an item or a list of items (read_json_points());
///  - a CloudEvent, structured (application/cloudevents+json) or binary ("ce-" headers), or a batch of them
///    (application/cloudevents-batch+json): CloudEvents 1.0.2, its JSON format and HTTP protocol binding.
///    The event's data is what plain JSON would be; its time counts where an item has none; its source and id
///    are the id of its values.
/// An event of a batch that is wrong is counted and the others are taken. Invalid where nothing can be read
/// at all.
Result<Points> read_push(const PushRequest& request, const PointShape& shape, TimePoint now);

}  // namespace forewarm
