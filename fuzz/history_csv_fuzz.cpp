#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "edge/trace/history_csv.h"

using namespace forewarm;

/// Any bytes in pieces of any size give rows within their bounds or an error, and the pieces do not matter.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto parse = [&](std::size_t step, std::vector<std::int64_t>& stamps) -> Result<void> {
    HistoryCsv csv("fuzz", [&](HistoryCsv::Format, const HistoryRow& row) -> Result<void> {
      check(!row.series.empty(), "a row has a name");
      check(row.at_us >= 0, "a row has a time");
      for (const double value : row.values)
        check(std::isnan(value) || std::abs(value) <= 1e15, "numbers are bounded");
      stamps.push_back(row.at_us);
      return {};
    });
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      if (Result<void> fed = csv.feed(bytes.substr(at, step)); !fed) return fed;
    }
    return csv.finish();
  };
  std::vector<std::int64_t> whole, pieces;
  const Result<void> first = parse(bytes.size() + 1, whole);
  const Result<void> second = parse(1 + data[0] % 64, pieces);
  check(first.has_value() == second.has_value(), "pieces do not change whether a history is right");
  check(!first || whole == pieces, "pieces do not change the rows");
  return 0;
}
