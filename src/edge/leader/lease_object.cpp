#include "edge/leader/lease_object.h"

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>

namespace forewarm {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& from, const char* name) {
  const json::value* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// A whole number from 0 on; 0 where it is none.
std::int64_t number_of(const json::object& from, const char* name) {
  const json::value* found = from.if_contains(name);
  return found != nullptr && found->is_int64() && found->get_int64() > 0 ? found->get_int64() : 0;
}

std::string micro_time(TimePoint at) {
  const std::chrono::sys_time<Duration> time(at.time_since_epoch());
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

/// RFC 3339 in UTC; the epoch for anything else, since nothing depends on it.
TimePoint time_of(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, length = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second,
                  &length) != 6)
    return {};
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return {};
  Duration fraction(0);
  std::size_t at = static_cast<std::size_t>(length);
  if (at < text.size() && text[at] == '.') {
    Duration digit = 100ms;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, digit /= 10)
      fraction += (text[at] - '0') * digit;
  }
  const Duration since_epoch = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                               std::chrono::minutes(minute) + std::chrono::seconds(second) + fraction;
  return TimePoint(since_epoch);
}

void write_record(json::object& spec, const LeaseRecord& record) {
  spec["holderIdentity"] = record.holder;
  spec["leaseDurationSeconds"] = std::chrono::duration_cast<std::chrono::seconds>(record.duration).count();
  spec["acquireTime"] = micro_time(record.acquired);
  spec["renewTime"] = micro_time(record.renewed);
  spec["leaseTransitions"] = record.transitions;
}

/// Null where it is not one with a version.
const json::object* lease_in(const json::value& document) {
  const json::object* lease = document.if_object();
  const json::value* metadata = lease != nullptr ? lease->if_contains("metadata") : nullptr;
  if (metadata == nullptr || !metadata->is_object() || text_of(*lease, "kind") != "Lease") return nullptr;
  return text_of(metadata->get_object(), "resourceVersion").empty() ? nullptr : lease;
}

}  // namespace

Result<LeaseFound> parse_lease(std::string_view object) {
  boost::system::error_code failed;
  const json::value document = json::parse(json::string_view(object.data(), object.size()), failed);
  const json::object* lease = failed ? nullptr : lease_in(document);
  if (lease == nullptr)
    return error(ErrorCode::Invalid,
                 "the answer is no Lease with a resourceVersion: is leader.url that of a Kubernetes API?");
  LeaseFound found{.record = {}, .version = text_of(lease->at("metadata").get_object(), "resourceVersion")};
  const json::value* spec = lease->if_contains("spec");
  if (spec == nullptr || !spec->is_object()) return found;
  const json::object& from = spec->get_object();
  found.record = {.holder = text_of(from, "holderIdentity"),
                  .duration = std::chrono::seconds(
                      std::min<std::int64_t>(number_of(from, "leaseDurationSeconds"), INT32_MAX)),
                  .acquired = time_of(text_of(from, "acquireTime")),
                  .renewed = time_of(text_of(from, "renewTime")),
                  .transitions = number_of(from, "leaseTransitions")};
  return found;
}

std::string new_lease(const std::string& name, const LeaseRecord& record) {
  json::object spec;
  write_record(spec, record);
  return json::serialize(json::object{{"apiVersion", "coordination.k8s.io/v1"},
                                      {"kind", "Lease"},
                                      {"metadata", json::object{{"name", name}}},
                                      {"spec", std::move(spec)}});
}

std::string changed_lease(std::string_view object, const LeaseRecord& record) {
  json::value document = json::parse(json::string_view(object.data(), object.size()));
  json::object& lease = document.as_object();
  json::value& spec = lease["spec"];
  if (!spec.is_object()) spec = json::object();
  write_record(spec.get_object(), record);
  return json::serialize(document);
}

}  // namespace forewarm
