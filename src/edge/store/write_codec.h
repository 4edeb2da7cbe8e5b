#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/store/store.h"

namespace forewarm {

// How writes lie in the body of a journal's entry, one after another; docs/formats/store.md describes it.

/// `payload` is an AppendMessage's; its own is not looked at.
void encode_write(const Write& write, std::string_view payload, std::string& body);

/// The writes of a body in their order, an AppendMessage with its payload in it. Corrupt if it is none: then
/// the writes before the fault have been given.
Result<void> decode_writes(std::string_view body, const std::function<Result<void>(Write)>& take);

}  // namespace forewarm
