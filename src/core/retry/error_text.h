#pragma once

#include <string>
#include <string_view>

namespace forewarm {

/// What errors that differ only in whom they met have in common: the first line of an error's message in
/// lower case, with what is quoted, words with digits in them (numbers, ids, times) and long hexadecimal
/// words replaced by '#', runs of them by one. At most kErrorTextMax bytes are looked at. For fingerprints:
/// "no user 17" and "no user 23" are one error, as log templates are found (Vaarandi 2003, "A data clustering
/// algorithm for mining patterns from event logs").
std::string normalised_error(std::string_view message);

inline constexpr std::size_t kErrorTextMax = 512;

}  // namespace forewarm
