#include "edge/cloud/invoke/invoke_gate.h"

#include <algorithm>

#include "base/check.h"

namespace forewarm {

bool InvokeGate::is_open(Time now) const {
  return under_way_ < limit_ && now >= closed_until_;
}

void InvokeGate::refused(Time now, Time begun, std::chrono::milliseconds asked) {
  check(under_way_ > 0, "what is refused was under way");
  --under_way_;
  limit_ = std::clamp<std::uint32_t>(under_way_, 1, limit_);
  grown_ = 0;
  // What was begun before the last refusal says nothing that is not known.
  if (begun >= refused_at_) ++refusals_;
  refused_at_ = now;
  std::chrono::milliseconds pause = asked;
  if (under_way_ == 0) {
    const auto longest = std::min(kPauseFirst * (1 << std::min<std::uint32_t>(refusals_, 16)), kPauseLongest);
    const auto half = static_cast<std::uint64_t>(longest.count()) / 2;
    // Half of it by chance, so that several servers do not come back together.
    pause = std::max(pause, std::chrono::milliseconds(half + random_.below(half + 1)));
  }
  closed_until_ = std::max(closed_until_, now + pause);
}

void InvokeGate::answered(Time now) {
  check(under_way_ > 0, "what is answered was under way");
  --under_way_;
  refusals_ = 0;
  if (limit_ == kUnlimited || now < refused_at_ + kHolds) return;
  if (++grown_ < limit_) return;
  grown_ = 0;
  ++limit_;
}

}  // namespace forewarm
