#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/sqlite/sqlite.h"

namespace forewarm {

struct IdRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  ///< included
};

/// Reads a table with integer keys past its damaged pages.
///
/// SQLite ends a scan at the first damaged page. The rest is halved until the halves can be read or are
/// single ids, so that a damaged leaf costs a look-up for each id in it and nothing that lies beyond it.
class RowWalk {
 public:
  /// `sql` selects rows by two parameters, the first and the last id, in the order of ids; its first column
  /// is the id.
  RowWalk(const sqlite::Connection& connection, std::string sql)
      : connection_(connection), sql_(std::move(sql)) {}

  Result<void> visit(IdRange range, const std::function<Result<void>(const sqlite::Statement& row)>& take);
  /// In order, joined where they touch.
  const std::vector<IdRange>& unreadable() const { return unreadable_; }

  /// Failed scans; more would take minutes, and what is left then counts as unreadable.
  static constexpr int kFailuresMax = 200'000;

 private:
  void give_up(IdRange range);

  const sqlite::Connection& connection_;
  std::string sql_;
  std::vector<IdRange> unreadable_;
};

}  // namespace forewarm
