#include "app/group_redrive.h"

#include <algorithm>

namespace forewarm {
namespace {

/// What an action says of its message's attempt; nothing if it says nothing.
std::optional<std::pair<MessageId, bool>> outcome_in(const Action& action) {
  if (const auto* gone = std::get_if<Delete>(&action)) {
    if (gone->reason == DeleteReason::Expired) return std::nullopt;
    return std::pair(gone->message, true);
  }
  if (const auto* move = std::get_if<Move>(&action)) {
    if (move->reason == MoveReason::Redrive) return std::nullopt;
    return std::pair(move->message, false);
  }
  const auto* again = std::get_if<SetVisibility>(&action);
  if (again == nullptr || again->decision.error == ErrorClass::None ||
      again->decision.error == ErrorClass::Capacity)
    return std::nullopt;
  return std::pair(again->message, false);
}

std::string of_so_many(std::size_t failed, std::size_t all) {
  return std::to_string(failed) + " of " + std::to_string(all);
}

}  // namespace

std::uint32_t GroupRedrive::may_follow() const {
  if (moved_ < canaries_) return canaries_ - moved_;
  if (testing()) return 0;
  if (canaries_ == 0) return kUnderWayMax;
  return static_cast<std::uint32_t>(kUnderWayMax - std::min(kUnderWayMax, under_way_.size()));
}

void GroupRedrive::moved(MessageId message, TimePoint now) {
  if (moved_ < canaries_) ++moved_;
  under_way_.insert_or_assign(message, now);
  // Without canaries nothing is waited for, and what was sent long ago is not watched any more.
  if (under_way_.size() > kUnderWayMax) {
    under_way_.erase(std::ranges::min_element(under_way_, {}, [](const auto& each) { return each.second; }));
  }
}

void GroupRedrive::observe(const Action& action) {
  if (under_way_.empty()) return;
  if (const auto outcome = outcome_in(action)) known(outcome->first, outcome->second);
}

void GroupRedrive::known(MessageId message, bool succeeded) {
  if (under_way_.erase(message) == 0) return;
  ++(succeeded ? succeeded_ : failed_);
  if (testing()) {
    ++canaries_known_;
    canaries_failed_ += succeeded ? 0 : 1;
    return;
  }
  newest_.push_back(!succeeded);
  if (newest_.size() > kNewest) newest_.pop_front();
}

void GroupRedrive::forget_gone(const std::function<bool(MessageId)>& exists) {
  const std::size_t gone = std::erase_if(under_way_, [&](const auto& each) { return !exists(each.first); });
  // A canary that nothing is learnt from is replaced by another.
  if (testing()) moved_ -= std::min<std::uint32_t>(moved_, static_cast<std::uint32_t>(gone));
}

std::optional<std::string> GroupRedrive::verdict(TimePoint now) const {
  const std::string limit = "; it stops at more than one in five";
  if (canaries_failed_ > kFailedShareMax * canaries_)
    return of_so_many(canaries_failed_, canaries_) + " canaries failed again" + limit;
  const auto failed = static_cast<std::size_t>(std::ranges::count(newest_, true));
  if (failed >= kLaterFailedMin &&
      static_cast<double>(failed) > kFailedShareMax * static_cast<double>(newest_.size()))
    return of_so_many(failed, newest_.size()) + " messages sent back last failed again" + limit;
  if (canaries_ == 0) return std::nullopt;
  const auto waits_too_long = [&](const auto& each) { return each.second + kPatience < now; };
  if (const auto late = std::ranges::count_if(under_way_, waits_too_long); late > 0)
    return std::to_string(late) + " messages sent back have no outcome after " +
           std::to_string(std::chrono::duration_cast<std::chrono::minutes>(kPatience).count()) +
           " minutes: does anything take messages from that queue?";
  return std::nullopt;
}

}  // namespace forewarm
