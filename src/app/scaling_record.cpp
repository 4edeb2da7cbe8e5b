#include "app/scaling_record.h"

#include <boost/json.hpp>
#include <charconv>
#include <string>

#include "edge/observe/words.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::string_view kScalingPrefix = "scaling/";
constexpr std::size_t kOrderKinds = 4;

}  // namespace

Write scaling_record(const ScalingOrdered& ordered) {
  std::string key = std::string(kScalingPrefix) + std::to_string(ordered.queue.value());
  const ScalingOrder& order = ordered.order;
  if (order.kind == OrderKind::None) return RemoveRecord{std::move(key)};
  return PutRecord{std::move(key), json::serialize(json::object{{"version", 1},
                                                                {"order", word(order.kind)},
                                                                {"instances", order.instances},
                                                                {"until_us", count_us(order.until)}})};
}

Result<std::optional<ScalingOrdered>> read_scaling_record(std::string_view key, std::string_view value) {
  if (!key.starts_with(kScalingPrefix)) return std::nullopt;
  const auto corrupt = [&] {
    return error(ErrorCode::Corrupt, "the record " + std::string(key) + " is no queue's scaling");
  };
  const std::string_view id = key.substr(kScalingPrefix.size());
  QueueId::number_type queue = 0;
  const auto [end, wrong] = std::from_chars(id.data(), id.data() + id.size(), queue);
  if (wrong != std::errc() || end != id.data() + id.size()) return corrupt();
  boost::system::error_code code;
  const json::value read = json::parse(value, code);
  if (code || !read.is_object()) return corrupt();
  const json::value* kind = read.as_object().if_contains("order");
  if (kind == nullptr) kind = read.as_object().if_contains("directive");  // as records before called it
  const json::value* instances = read.as_object().if_contains("instances");
  const json::value* until = read.as_object().if_contains("until_us");
  if (kind == nullptr || !kind->is_string() || instances == nullptr || !instances->is_int64() ||
      instances->as_int64() < 0 || instances->as_int64() > UINT32_MAX || until == nullptr ||
      !until->is_int64())
    return corrupt();
  return ScalingOrdered{QueueId(queue),
                        {.kind = from_word(std::string_view(kind->as_string()), kOrderKinds, OrderKind::None),
                         .instances = static_cast<std::uint32_t>(instances->as_int64()),
                         .until = time_point_us(until->as_int64())}};
}

}  // namespace forewarm
