#pragma once

#include <string>

#include "base/result.h"
#include "edge/sqlite/copy.h"
#include "edge/store/directory.h"

namespace forewarm {

/// Copies the store in the folder `from` as it is at one moment, while a server goes on with it, into a
/// folder without one: messages.db with the journal settled into it. NotFound if there is no store, Closed if
/// `progress` gave up, otherwise as the database says.
Result<void> copy_messages(const std::string& from, const StoreDirectory& into,
                           const sqlite::CopyProgress& progress);

}  // namespace forewarm
