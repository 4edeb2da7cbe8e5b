#include <cstddef>
#include <cstdint>
#include <string_view>

#include "app/config.h"
#include "app/price_sheet.h"
#include "base/check.h"

using namespace forewarm;

/// Any text is refused with a reason, or is a configuration or a price sheet within bounds.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<ServerConfig> config = read_config(text, "fuzz.toml");
  check(config || !config.error().message.empty(), "a refused configuration says why");
  const Result<PriceSheet> prices = read_price_sheet(text, "fuzz.toml");
  check(prices || !prices.error().message.empty(), "a refused price sheet says why");
  if (prices) check(prices->idle_second >= 0 && prices->idle_second <= 1e6, "a price is within its bounds");
  return 0;
}
