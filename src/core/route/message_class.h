#pragma once

#include <cstdint>

#include "core/model/message.h"

namespace forewarm {

/// What tells how long a message takes and what it needs, as far as the core can see it: its size, in powers
/// of four, and what its sender calls its type.
struct MessageClass {
  std::uint8_t size = 0;
  MessageTypeId type;

  friend bool operator==(const MessageClass&, const MessageClass&) = default;
};
inline constexpr std::size_t kSizeClasses = 17;
MessageClass class_of(const Message& message);

}  // namespace forewarm
