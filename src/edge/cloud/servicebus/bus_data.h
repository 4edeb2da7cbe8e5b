#pragma once

#include <proton/codec.h>
#include <proton/delivery.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace forewarm {

/// Reads the value that `data` stands at; Proton's tree of an AMQP value is walked by a cursor.
std::optional<std::string> data_text(pn_data_t* data);  ///< of strings and symbols that are UTF-8
std::optional<std::int64_t> data_whole_number(pn_data_t* data);
std::optional<TimePoint> data_time(pn_data_t* data);
/// Of an array or a list; what is no time is left out.
std::vector<TimePoint> data_times(pn_data_t* data);

/// Each entry whose key is a text, of the map that is the whole of `data`; none of anything else.
void for_each_entry(pn_data_t* data, const std::function<void(std::string_view, pn_data_t*)>& take);

void put_text(pn_data_t* data, std::string_view text);
void put_symbol(pn_data_t* data, std::string_view text);

/// Why the other side rejected a delivery: "NAME: DESCRIPTION", or nothing.
std::string condition_of(pn_delivery_t* delivery);

}  // namespace forewarm
