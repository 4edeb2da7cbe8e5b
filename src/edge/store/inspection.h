#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/store/format.h"
#include "edge/store/store.h"

namespace forewarm {

/// What is in a store's folder, and what is wrong with it.
struct Inspection {
  std::int64_t format = 0;
  std::uint64_t messages = 0;  ///< in the tables, whole and intact
  std::uint64_t records = 0;
  std::uint64_t payload_bytes = 0;
  std::uint64_t unsettled_commits = 0;  ///< that are in the journal only
  StoreState state = {};                ///< as stored; zeros if it cannot be read
  /// One sentence each, naming the row; the first kNamedMax of them.
  std::vector<std::string> problems = {};
  std::uint64_t problems_left_out = 0;

  static constexpr std::size_t kNamedMax = 1000;
  bool intact() const { return problems.empty(); }
};

/// What inspect_store() could read, in the order of ids and keys; either may be empty.
struct InspectionVisitor {
  std::function<Result<void>(StoredMessage)> message = {};
  std::function<Result<void>(std::string_view key, std::string_view value)> record = {};
};

/// Reads everything in a store's tables, payloads included, past rows and pages that are damaged, and looks
/// through its journal; changes nothing. It sees one moment, so a server may run meanwhile.
///
/// A message whose lease is damaged alone is given as one that was never received. Rows are looked for
/// through the index of their table only: what lies in pages that the index does not reach may be what was
/// deleted.
/// NotFound where there is no store, Invalid where it is of a newer format or of another program, Corrupt or
/// Io where nothing at all can be read. Errors of the visitor end it.
Result<Inspection> inspect_store(const std::string& directory, const InspectionVisitor& visitor = {});

/// Copies what inspect_store() can read, and what the journal holds beyond it, into a new store in `target`,
/// a folder that is empty or not there. The inspection is the source's; its numbers of messages and records
/// are the new store's. Conflict if `target` holds something, or if `source` is in use.
Result<Inspection> salvage_store(const std::string& source, const std::string& target);

}  // namespace forewarm
