#pragma once

#include <source_location>
#include <string_view>

namespace forewarm {

/// Stops the program with the place and `what_holds`, in release builds too: a broken invariant must not
/// spread.
[[noreturn]] void check_failed(std::string_view what_holds, const std::source_location& where);

/// States what holds at this point if the program is right. For what the outside world may do wrong, return a
/// Result.
inline void check(bool condition, std::string_view what_holds,
                  const std::source_location& where = std::source_location::current()) {
  if (!condition) [[unlikely]]
    check_failed(what_holds, where);
}

}  // namespace forewarm
