#pragma once

#include <memory>
#include <string>

#include "edge/sql/sql.h"

namespace forewarm {

struct SqliteFile {
  std::string path{};
  bool create = true;
  std::int64_t application = 0;  ///< says whose file it is
  std::int64_t format = 1;
  std::string tables{};  ///< definitions for a new file
  std::string later{};   ///< of tables that older files lack; runs each time
};

extern const SqlDialect kSqliteDialect;

/// A file that several programs may have open at once. Invalid for a database of another program or a newer
/// format, which is left untouched; Corrupt for damage.
Result<std::unique_ptr<SqlSession>> open_sqlite_session(const SqliteFile& file);

}  // namespace forewarm
