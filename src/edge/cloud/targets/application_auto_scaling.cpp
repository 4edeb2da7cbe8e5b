#include "edge/cloud/targets/application_auto_scaling.h"

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <utility>

#include "edge/cloud/cloud_stamp.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kScalingPagesMax = 100;
constexpr const char* kScalingService = "AnyScaleFrontendService.";

std::unexpected<Error> not_expected(const char* operation, const std::string& what) {
  return error(ErrorCode::Corrupt, std::string(operation) + ": expected " + what + " in the answer");
}

std::string text_in(const json::object& from, std::string_view name) {
  const json::value* value = from.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::uint32_t> capacity_in(const json::object& from, std::string_view name) {
  const json::value* value = from.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  boost::system::error_code failed;
  const auto number = value->to_number<std::uint32_t>(failed);
  return failed ? std::nullopt : std::optional(number);
}

/// The objects of an answer's list.
Result<std::vector<json::object>> listed(std::string_view text, const char* operation, const char* list,
                                         std::string& next_token) {
  boost::system::error_code failed;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed || !document.is_object()) return not_expected(operation, "a JSON object");
  const json::value* all = document.get_object().if_contains(list);
  if (all == nullptr || !all->is_array()) return not_expected(operation, list);
  std::vector<json::object> objects;
  for (const json::value& one : all->get_array()) {
    if (!one.is_object()) return not_expected(operation, std::string(list) + " that are objects");
    objects.push_back(one.get_object());
  }
  next_token = text_in(document.get_object(), "NextToken");
  return objects;
}

/// "at(2026-03-01T17:58:00)" to the second.
std::string at_expression(TimePoint at) {
  std::string stamp = cloud_stamp(at);
  stamp.pop_back();
  return "at(" + stamp + ")";
}

TimePoint single_time(const json::object& action) {
  const std::string schedule = text_in(action, "Schedule");
  const std::string zone = text_in(action, "Timezone");
  if (!schedule.starts_with("at(") || !schedule.ends_with(')')) return {};
  if (!zone.empty() && zone != "UTC" && zone != "Etc/UTC") return {};
  return parse_cloud_stamp(schedule.substr(3, schedule.size() - 4) + "Z").value_or(TimePoint());
}

class ScalableCapacity : public ScaleTarget, public LevelSchedule {
 public:
  ScalableCapacity(ServiceAccess access, ScalableResource resource)
      : access_(std::move(access)), resource_(std::move(resource)) {}

  Result<TargetState> current(const std::stop_token& stop) override;
  Result<void> set(std::optional<std::uint32_t> instances, const std::stop_token& stop) override;
  Result<void> put_back(const TargetState& found, const std::stop_token& stop) override;
  std::string request_text(std::optional<std::uint32_t> instances) const override;
  std::string put_back_text(const TargetState& found) const override;
  LevelSchedule* schedule() override { return this; }

  Result<std::vector<ScheduledLevel>> scheduled(const std::stop_token& stop) override;
  Result<void> change(const ScheduleChange& change, const std::stop_token& stop) override;
  std::string change_text(const ScheduleChange& change) const override;

 private:
  struct Call {
    const char* operation;
    json::object body;
  };
  /// What identifies it in every request but one.
  json::object named() const {
    return {{"ServiceNamespace", resource_.space()},
            {"ResourceId", resource_.id},
            {"ScalableDimension", resource_.dimension}};
  }
  bool above_most(std::uint32_t capacity) const { return resource_.raise_most && capacity > most_; }
  Call registering(std::optional<std::uint32_t> least, std::optional<std::uint32_t> most) const {
    Call call{"RegisterScalableTarget", named()};
    if (least) call.body["MinCapacity"] = *least;
    if (most) call.body["MaxCapacity"] = *most;
    return call;
  }
  Call registering(std::uint32_t least) const {
    return registering(least, above_most(least) ? std::optional(least) : std::nullopt);
  }
  Call changing(const ScheduleChange& change) const;
  std::string text(const Call& call) const {
    return "POST " + access_.url + "/ " + call.operation + " " + json::serialize(call.body);
  }
  Result<std::string> ask(const Call& call, const std::stop_token& stop) const;
  bool is_meant(const std::string& id, const std::string& dimension) const {
    return id == resource_.id && dimension == resource_.dimension;
  }

  ServiceAccess access_;
  ScalableResource resource_;
  bool suspended_ = false;                        ///< when it was read last
  std::atomic<std::uint32_t> most_ = UINT32_MAX;  ///< MaxCapacity then
};

Result<std::string> ScalableCapacity::ask(const Call& call, const std::stop_token& stop) const {
  return ask_service(access_,
                     {.method = "POST",
                      .url = access_.url + "/",
                      .headers = {{"Content-Type", "application/x-amz-json-1.1"},
                                  {"X-Amz-Target", kScalingService + std::string(call.operation)}},
                      .body = json::serialize(call.body)},
                     1, stop);
}

Result<TargetState> ScalableCapacity::current(const std::stop_token& stop) {
  Call call{"DescribeScalableTargets",
            {{"ServiceNamespace", resource_.space()},
             {"ResourceIds", json::array{resource_.id}},
             {"ScalableDimension", resource_.dimension}}};
  for (std::size_t pages = 0; pages < kScalingPagesMax; ++pages) {
    const Result<std::string> answer = ask(call, stop);
    if (!answer) return std::unexpected(answer.error());
    const Result<ScalableTargetPage> page = parse_scalable_targets(*answer);
    if (!page) return std::unexpected(page.error());
    for (const ScalableTargetPage::One& one : page->targets) {
      if (!is_meant(one.id, one.dimension)) continue;
      suspended_ = one.suspended;
      most_ = one.most;
      if (resource_.raise_most) return TargetState{.set = one.least, .ready = {}, .beside = one.most};
      return TargetState{.set = one.least, .ready = {}, .most = one.most};
    }
    if (page->next_token.empty())
      return error(ErrorCode::NotFound,
                   resource_.id + " is no scalable target for " + resource_.dimension +
                       ". Register it, with the least and the most that it may have: aws "
                       "application-autoscaling register-scalable-target");
    call.body["NextToken"] = page->next_token;
  }
  return error(ErrorCode::Corrupt, "DescribeScalableTargets: the answer does not end");
}

Result<void> ScalableCapacity::set(std::optional<std::uint32_t> instances, const std::stop_token& stop) {
  if (!instances) return error(ErrorCode::Invalid, "a scalable target has a MinCapacity");
  const Result<std::string> answer = ask(registering(*instances), stop);
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Result<void> ScalableCapacity::put_back(const TargetState& found, const std::stop_token& stop) {
  if (!found.set || !found.beside) return set(found.set, stop);
  const Result<std::string> answer = ask(registering(found.set, found.beside), stop);
  if (!answer) return std::unexpected(answer.error());
  return {};
}

std::string ScalableCapacity::put_back_text(const TargetState& found) const {
  return found.set && found.beside ? text(registering(found.set, found.beside)) : request_text(found.set);
}

std::string ScalableCapacity::request_text(std::optional<std::uint32_t> instances) const {
  return instances ? text(registering(*instances)) : "a scalable target has a MinCapacity";
}

Result<std::vector<ScheduledLevel>> ScalableCapacity::scheduled(const std::stop_token& stop) {
  Call call{"DescribeScheduledActions", named()};
  std::vector<ScheduledLevel> ours;
  for (std::size_t pages = 0; pages < kScalingPagesMax; ++pages) {
    const Result<std::string> answer = ask(call, stop);
    if (!answer) return std::unexpected(answer.error());
    Result<ScheduledActionPage> page = parse_scheduled_actions(*answer);
    if (!page) return std::unexpected(page.error());
    for (ScheduledActionPage::One& one : page->actions)
      if (is_meant(one.id, one.dimension) && is_level_name(one.level.name, resource_.queue))
        ours.push_back(std::move(one.level));
    if (page->next_token.empty()) return ours;
    call.body["NextToken"] = page->next_token;
  }
  return error(ErrorCode::Corrupt, "DescribeScheduledActions: the answer does not end");
}

ScalableCapacity::Call ScalableCapacity::changing(const ScheduleChange& change) const {
  Call call{"DeleteScheduledAction", named()};
  call.body["ScheduledActionName"] = change.level.name;
  if (change.kind == ScheduleChange::Kind::Remove) return call;
  call.operation = "PutScheduledAction";
  call.body["Schedule"] = at_expression(change.level.at);
  call.body["ScalableTargetAction"] = json::object{{"MinCapacity", change.level.instances}};
  return call;
}

Result<void> ScalableCapacity::change(const ScheduleChange& change, const std::stop_token& stop) {
  if (suspended_ && change.kind == ScheduleChange::Kind::Put)
    return error(ErrorCode::Conflict, "scheduled scaling of " + resource_.id +
                                          " is suspended (ScheduledScalingSuspended); only what is set at "
                                          "once has an effect");
  // At its time the action finds room.
  if (change.kind == ScheduleChange::Kind::Put && above_most(change.level.instances)) {
    const Result<std::string> raised = ask(registering(std::nullopt, change.level.instances), stop);
    if (!raised) return std::unexpected(raised.error());
    most_ = change.level.instances;
  }
  const Result<std::string> answer = ask(changing(change), stop);
  const bool gone = !answer && change.kind == ScheduleChange::Kind::Remove &&
                    answer.error().message.find("ObjectNotFoundException") != std::string::npos;
  if (!answer && !gone) return std::unexpected(answer.error());
  return {};
}

std::string ScalableCapacity::change_text(const ScheduleChange& change) const {
  return text(changing(change));
}

}  // namespace

bool is_scalable_dimension(std::string_view text) {
  const std::size_t first = text.find(':'), last = text.rfind(':');
  if (first == std::string_view::npos || first == last) return false;
  const bool plain = std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == ':';
  });
  return plain && first > 0 && last > first + 1 && last + 1 < text.size() &&
         std::ranges::count(text, ':') == 2;
}

Result<ScalableTargetPage> parse_scalable_targets(std::string_view text) {
  constexpr const char* kOperation = "DescribeScalableTargets";
  ScalableTargetPage page;
  const auto objects = listed(text, kOperation, "ScalableTargets", page.next_token);
  if (!objects) return std::unexpected(objects.error());
  for (const json::object& target : *objects) {
    const auto least = capacity_in(target, "MinCapacity"), most = capacity_in(target, "MaxCapacity");
    if (!least || !most) return not_expected(kOperation, "a MinCapacity and a MaxCapacity from 0 on");
    const json::value* state = target.if_contains("SuspendedState");
    const json::value* suspended = state != nullptr && state->is_object()
                                       ? state->get_object().if_contains("ScheduledScalingSuspended")
                                       : nullptr;
    page.targets.push_back(
        {.id = text_in(target, "ResourceId"),
         .dimension = text_in(target, "ScalableDimension"),
         .least = *least,
         .most = *most,
         .suspended = suspended != nullptr && suspended->is_bool() && suspended->get_bool()});
  }
  return page;
}

Result<ScheduledActionPage> parse_scheduled_actions(std::string_view text) {
  ScheduledActionPage page;
  const auto objects = listed(text, "DescribeScheduledActions", "ScheduledActions", page.next_token);
  if (!objects) return std::unexpected(objects.error());
  for (const json::object& action : *objects) {
    ScheduledActionPage::One& one = page.actions.emplace_back();
    one.id = text_in(action, "ResourceId");
    one.dimension = text_in(action, "ScalableDimension");
    one.level.name = text_in(action, "ScheduledActionName");
    const json::value* what = action.if_contains("ScalableTargetAction");
    if (what == nullptr || !what->is_object() || what->get_object().contains("MaxCapacity")) continue;
    const auto least = capacity_in(what->get_object(), "MinCapacity");
    if (!least) continue;
    one.level.instances = *least;
    one.level.at = single_time(action);
  }
  return page;
}

std::unique_ptr<ScaleTarget> make_application_auto_scaling(ServiceAccess access, ScalableResource resource) {
  while (access.url.ends_with('/')) access.url.pop_back();
  return std::make_unique<ScalableCapacity>(std::move(access), std::move(resource));
}

}  // namespace forewarm
