#pragma once

#include "core/retry/failure_odds.h"

namespace forewarm {

/// The logarithm of the odds that an attempt fails, before anything has been learnt of this function's
/// messages: how functions fail in general. An incident happens once, so what is learnt while it lasts comes
/// too late; what its first minutes look like has to be known before.
///
/// Two logistic regressions, of first attempts and of those after a failure, over what is known of the newest
/// outcomes, and a piecewise linear curve on each. Fitted to simulated incidents, other ones than those that
/// bench/retry.cpp reports; nothing in it is of one function, tenant or error. Of a function with few
/// outcomes it is the hierarchical estimate. Finite whatever comes in.
double prior_log_odds(const AttemptFeatures& attempt);

}  // namespace forewarm
