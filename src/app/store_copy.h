#pragma once

#include <string>

#include "base/result.h"
#include "edge/sqlite/copy.h"
#include "edge/store/inspection.h"

namespace forewarm {

/// Copies the queues, their messages and the history of the data folder `from` to `to`, as they are at one
/// moment each, and reads the whole copy to see that it is intact. A server may run on `from`. Used for a
/// backup and for bringing one back.
///
/// `to` is there whole or not at all: it is made beside its place, as `to`.partial, and renamed.
/// Conflict if `to` holds something. Corrupt names what is wrong with the copy.
Result<Inspection> copy_store(const std::string& from, const std::string& to,
                              const sqlite::CopyProgress& progress);

}  // namespace forewarm
