#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "core/model/event.h"
#include "edge/store/store.h"

namespace forewarm {

// What an operator has told a queue's scaling, as one record of the store: "scaling/<queue id>"
// (docs/formats/records.md).

/// Puts it there, or takes it away where the queue is to scale as planned again.
Write scaling_record(const ScalingOrdered& ordered);
/// Nothing if the record is another's; Corrupt names the record.
Result<std::optional<ScalingOrdered>> read_scaling_record(std::string_view key, std::string_view value);

}  // namespace forewarm
