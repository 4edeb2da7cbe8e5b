#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/trace/series_parser.h"

using namespace forewarm;

/// Any bytes in pieces of any size give series on a grid or an error, and the
/// pieces do not matter.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = 1 + data[0] % 64;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  SeriesOptions options{.steps_max = 10'000};
  if (data[1] & 1U) options.step = 60s;
  if (data[1] & 2U) options.absent = AbsentRow::NotMeasured;
  if (data[1] & 4U) options.regressors = {"a"};

  const auto parse = [&](std::size_t length) -> Result<std::vector<RecordedSeries>> {
    SeriesParser parser("fuzz", options);
    for (std::size_t at = 0; at < bytes.size(); at += length) {
      if (Result<void> fed = parser.feed(bytes.substr(at, length)); !fed) return std::unexpected(fed.error());
    }
    return parser.finish();
  };
  const auto whole = parse(bytes.size() + 1);
  const auto pieces = parse(piece);
  check(whole.has_value() == pieces.has_value(), "pieces do not change whether a file is right");
  if (!whole) return 0;
  check(whole->size() == pieces->size(), "pieces do not change the series");
  for (const RecordedSeries& one : *whole) {
    check(one.step > Duration(0) && !one.values.empty(), "a series has steps");
    for (const auto& regressor : one.regressors)
      check(regressor.size() == one.values.size(), "a regressor is as long as its series");
  }
  return 0;
}
