#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "core/model/action.h"
#include "core/model/ids.h"

namespace forewarm {

/// Watches dead letters of one error that are sent back, and says how many may follow.
///
/// First the canaries, and nothing else until it is known of each whether it was done. Of those and of the
/// newest fifty later ones at most one in five may fail again (of later ones three at least, so that two
/// unlucky ones end nothing); else the redrive stops. A message has failed with its first attempt that does,
/// whatever becomes of it then. No more than two hundred are on their way at a time, so a redrive that turns
/// out wrong has sent back so many at most. Outcomes are watched ten minutes; an outcome that has not come by
/// then ends the redrive, since nothing seems to take the messages.
///
/// Without canaries the messages are not waited for: only failures that come stop it.
class GroupRedrive {
 public:
  static constexpr std::uint32_t kCanaries = 5;
  static constexpr std::uint32_t kCanariesMax = 100;
  static constexpr double kFailedShareMax = 0.2;
  static constexpr std::size_t kNewest = 50;
  static constexpr std::uint32_t kLaterFailedMin = 3;
  static constexpr std::size_t kUnderWayMax = 200;
  static constexpr Duration kPatience = 10min;

  GroupRedrive(std::uint64_t fingerprint, std::uint32_t canaries)
      : fingerprint_(fingerprint), canaries_(canaries) {}

  std::uint64_t fingerprint() const { return fingerprint_; }
  std::uint32_t canaries() const { return canaries_; }
  std::uint64_t succeeded() const { return succeeded_; }
  std::uint64_t failed() const { return failed_; }
  std::size_t under_way() const { return under_way_.size(); }
  /// The canaries' outcomes are still waited for.
  bool testing() const { return canaries_known_ < canaries_; }

  std::uint32_t may_follow() const;
  void moved(MessageId message, TimePoint now);
  /// Every action of the core.
  void observe(const Action& action);
  /// Messages that are gone without an outcome (purged) are not waited for.
  void forget_gone(const std::function<bool(MessageId)>& exists);
  /// Why nothing more is to be sent back; nothing while it may go on.
  std::optional<std::string> verdict(TimePoint now) const;

 private:
  void known(MessageId message, bool succeeded);

  std::uint64_t fingerprint_ = 0;
  std::uint32_t canaries_ = 0;
  std::uint32_t moved_ = 0;  ///< up to the number of canaries
  std::uint32_t canaries_known_ = 0;
  std::uint32_t canaries_failed_ = 0;
  std::uint64_t succeeded_ = 0;
  std::uint64_t failed_ = 0;
  std::map<MessageId, TimePoint> under_way_;
  std::deque<bool> newest_;  ///< of the later ones: whether they failed
};

}  // namespace forewarm
