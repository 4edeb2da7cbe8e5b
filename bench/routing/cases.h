#pragma once

#include <cstdint>
#include <string>

namespace forewarm::bench {

/// Made messages: prints a row a case and policy, and returns whether all bars are met.
///
/// (a) variants: two variants and bimodal sizes. (b) slowed: one instance of eight ten times slower from
/// half-way on. (c) noisy: one tenant of eight sends half of all, more than there is room for. (d) classes:
/// three priorities under overload.
bool run_made_cases(std::uint64_t seed);

/// Recorded messages with priorities and tenants under `folder`: alibaba_gpu2023_pods and alibaba_gentd26.
/// Those that are not there are left out. Empty, or what could not be read.
std::string run_recorded_cases(const std::string& folder, bool design, std::uint64_t seed);

}  // namespace forewarm::bench
