#pragma once

#include <string_view>

#include "core/model/decision.h"
#include "core/model/event.h"
#include "core/model/forecast.h"
#include "core/model/instance.h"
#include "core/model/scaling_plan.h"

namespace forewarm {

// The one spelling of each enumerator in metrics' labels, JSON and the dashboard: lower case with
// underscores.

std::string_view word(ErrorClass error);
std::string_view word(RetryChoice choice);
std::string_view word(FailureCause cause);
std::string_view word(ScaleReason reason);
std::string_view word(MoveReason reason);
std::string_view word(RouteReason reason);
std::string_view word(LossReason reason);
std::string_view word(Constraint constraint);
std::string_view word(ModelId model);
std::string_view word(Origin origin);
std::string_view word(OrderKind kind);

inline constexpr std::size_t kRetryChoiceCount = 4;
inline constexpr std::size_t kScaleReasonCount = 10;
inline constexpr std::size_t kMoveReasonCount = 4;
inline constexpr std::size_t kRouteReasonCount = 7;
inline constexpr std::size_t kLossReasonCount = 5;
inline constexpr std::size_t kConstraintCount = 15;
inline constexpr std::size_t kModelCount = kModelNames.size();
inline constexpr std::size_t kOriginCount = 3;

/// The enumerator that is spelled `text`, or `otherwise`. `count` is how many there are, from zero up.
template <class Enum>
Enum from_word(std::string_view text, std::size_t count, Enum otherwise) {
  for (std::size_t i = 0; i < count; ++i)
    if (word(static_cast<Enum>(i)) == text) return static_cast<Enum>(i);
  return otherwise;
}

}  // namespace forewarm
