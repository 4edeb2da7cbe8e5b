#include "edge/cloud/servicebus/bus_data.h"

#include <proton/condition.h>
#include <proton/disposition.h>

#include <limits>

#include "edge/cloud/servicebus/proton_connection.h"
#include "edge/cloud/utf8.h"

namespace forewarm {
namespace {

// A hundred thousand years on either side; beyond it milliseconds overflow as microseconds.
constexpr std::int64_t kMillisecondsMost = 3'155'760'000'000'000;

}  // namespace

std::optional<std::string> data_text(pn_data_t* data) {
  const auto type = pn_data_type(data);
  if (type != PN_STRING && type != PN_SYMBOL) return std::nullopt;
  const pn_bytes_t bytes = pn_data_get_bytes(data);
  std::string text(bytes.start, bytes.size);
  return is_utf8(text) ? std::optional(std::move(text)) : std::nullopt;
}

std::optional<std::int64_t> data_whole_number(pn_data_t* data) {
  switch (pn_data_type(data)) {
    case PN_BYTE:
      return pn_data_get_byte(data);
    case PN_UBYTE:
      return pn_data_get_ubyte(data);
    case PN_SHORT:
      return pn_data_get_short(data);
    case PN_USHORT:
      return pn_data_get_ushort(data);
    case PN_INT:
      return pn_data_get_int(data);
    case PN_UINT:
      return pn_data_get_uint(data);
    case PN_LONG:
      return pn_data_get_long(data);
    case PN_ULONG: {
      const auto number = pn_data_get_ulong(data);
      if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
      return static_cast<std::int64_t>(number);
    }
    default:
      return std::nullopt;
  }
}

std::optional<TimePoint> data_time(pn_data_t* data) {
  if (pn_data_type(data) != PN_TIMESTAMP) return std::nullopt;
  const std::int64_t since = pn_data_get_timestamp(data);
  if (since > kMillisecondsMost || since < -kMillisecondsMost) return std::nullopt;
  return TimePoint(std::chrono::milliseconds(since));
}

std::vector<TimePoint> data_times(pn_data_t* data) {
  std::vector<TimePoint> times;
  const auto type = pn_data_type(data);
  if ((type != PN_ARRAY && type != PN_LIST) || !pn_data_enter(data)) return times;
  while (pn_data_next(data)) {
    if (const auto time = data_time(data)) times.push_back(*time);
  }
  pn_data_exit(data);
  return times;
}

void for_each_entry(pn_data_t* data, const std::function<void(std::string_view, pn_data_t*)>& take) {
  pn_data_rewind(data);
  if (!pn_data_next(data) || pn_data_type(data) != PN_MAP || !pn_data_enter(data)) return;
  while (pn_data_next(data)) {
    const auto name = data_text(data);
    if (!pn_data_next(data)) break;
    if (name) take(*name, data);
  }
  pn_data_exit(data);
}

void put_text(pn_data_t* data, std::string_view text) {
  pn_data_put_string(data, pn_bytes(text.size(), text.data()));
}

void put_symbol(pn_data_t* data, std::string_view text) {
  pn_data_put_symbol(data, pn_bytes(text.size(), text.data()));
}

std::string condition_of(pn_delivery_t* delivery) {
  return condition_text(pn_disposition_condition(pn_delivery_remote(delivery)));
}

}  // namespace forewarm
