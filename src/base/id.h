#pragma once

#include <compare>
#include <cstdint>

namespace forewarm {

/// A number that names one thing of one kind. Ids of different kinds do not compare or convert, so a queue
/// cannot be passed where a message is meant. Zero is "none" for every kind.
template <class Tag, class Number = std::uint64_t>
class Id {
 public:
  using number_type = Number;

  constexpr Id() = default;
  constexpr explicit Id(Number value) : value_(value) {}

  constexpr Number value() const { return value_; }
  constexpr explicit operator bool() const { return value_ != 0; }
  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  Number value_ = 0;
};

}  // namespace forewarm
