#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace forewarm {

/// The consumer as it is: what the broker may send ahead, and what is unacknowledged.
struct PrefetchState {
  std::uint32_t window = 0;
  std::uint32_t prefetch = 0;     ///< of the consumer there is; 0: there is none
  std::uint32_t outstanding = 0;  ///< unacknowledged in all
  std::uint32_t of_former = 0;    ///< of these, what came to consumers that were cancelled
};

/// What the consumer's prefetch is to be from now on: 0 cancels it, nothing leaves it as it is.
///
/// A consumer counts only what came to itself, so each replacement lets the broker send a window again beside
/// what is still outstanding. It is therefore replaced only when it differs by more than a quarter, and not
/// before what came to its predecessors is mostly settled; a smaller one begins when half of its window is
/// free. What is unacknowledged stays below twice the largest window of late.
inline std::optional<std::uint16_t> next_prefetch(const PrefetchState& state) {
  constexpr std::uint32_t kMost = 65'535;  // AMQP's prefetch-count is a short
  const std::uint32_t window = std::min(state.window, kMost);
  const std::uint32_t slack = window / 4;
  if (window == 0) return state.prefetch == 0 ? std::nullopt : std::optional<std::uint16_t>(0);
  const auto wanted = static_cast<std::uint16_t>(window);
  if (state.prefetch == 0) return state.outstanding <= window / 2 ? std::optional(wanted) : std::nullopt;
  if (state.prefetch > window + slack) {
    return state.outstanding <= window / 2 ? std::optional(wanted) : std::optional<std::uint16_t>(0);
  }
  if (state.prefetch + slack < window && state.of_former <= slack) return wanted;
  return std::nullopt;
}

}  // namespace forewarm
