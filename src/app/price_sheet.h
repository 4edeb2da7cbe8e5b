#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sim/prices.h"

namespace forewarm {

/// Reads a price sheet, docs/formats/prices.md. `file` is for messages only. All errors are Invalid and say
/// file:line:column, what was expected, the allowed values, and the nearest known name where one is misspelt.
Result<PriceSheet> read_price_sheet(std::string_view text, std::string_view file);

/// The names of the sheets in the program, in the order of their files.
std::vector<std::string_view> built_in_price_sheets();

/// The sheet in the program with this name, or else that of the file with this path. NotFound with the names,
/// and the nearest of them, where there is neither; otherwise as read_price_sheet.
Result<PriceSheet> find_price_sheet(const std::string& name_or_path);

}  // namespace forewarm
