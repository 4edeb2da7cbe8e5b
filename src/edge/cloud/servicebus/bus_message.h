#pragma once

#include <proton/message.h>
#include <proton/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "edge/cloud/message_source.h"

namespace forewarm {

/// A lock token as 32 hexadecimal digits, in the order of a UUID's text. A delivery's tag has the bytes in
/// .NET's order, in which the first three fields are little-endian. Empty for what has not 16 bytes.
std::string lock_token_of_tag(std::string_view tag);
/// As AMQP writes a UUID; nothing for what is no such token.
std::optional<pn_uuid_t> uuid_of_lock_token(std::string_view token);

/// A message as the service delivers it: body (of one data section, or of a text), application properties and
/// properties that are text, and what the annotations say of its place in the queue. The token is the
/// caller's to add; `lent_until` is the annotation's, by the service's clock.
LentMessage lent_of_bus_message(pn_message_t* message);

/// The other way round, for publishing: attributes that have the name of a property become it, and the
/// group the session. Borrows nothing.
void fill_bus_message(const LentMessage& from, pn_message_t* message);

}  // namespace forewarm
