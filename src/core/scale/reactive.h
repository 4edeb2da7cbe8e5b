#pragma once

#include <cstdint>

#include "core/scale/scaler.h"

namespace forewarm {

/// How messages that wait get instances.
struct StartManner {
  Duration patience = Duration(0);  ///< they may wait so much longer than the objective before one is started
  std::uint32_t starts_per_cold = 1;  ///< instances started for each that is needed: one may be slow
};

/// The reactive net: instances to start now because the last message that waits would otherwise wait longer
/// than the objective.
///
/// Within the slack D a free or starting slot begins 1 + D / s messages of service time s and a busy one D /
/// s; what is left over needs slots of its own. Starting instances count as if they were ready, so asking
/// again before they are asks for nothing more. Where the sum says that all is well but a message has waited
/// too long already (runs that hang), one instance more is started at a time. Until a service time was
/// measured, at most kUnmeasuredMax instances are started to find it out.
///
/// O(1). Never above a limit; at least 1 when a message waits, there is no instance and one is allowed.
std::uint32_t instances_to_start(const ScalingInputs& inputs, const ScalingSettings& settings,
                                 const StartManner& manner = {});

inline constexpr std::uint32_t kUnmeasuredMax = 8;

}  // namespace forewarm
