#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "edge/sql/sql.h"

namespace forewarm {

struct PostgresDatabase {
  std::string url{};                          ///< of libpq; the environment says what it leaves out
  std::string password_file{};                ///< read for each session; empty: what libpq finds itself
  std::string called{};                       ///< what the session is called there
  std::chrono::milliseconds timeout{10'000};  ///< for one answer, and for a session to begin
  std::stop_token stop{};                     ///< ends a wait sooner

  std::string what{};  ///< whose tables these are, for people: "history"
  std::string schema = "forewarm";
  bool create = true;  ///< NotFound when it is false and there are no tables
  std::int64_t format = 1;
  std::vector<std::string> tables{};  ///< definitions for a new schema
  std::string newest{};               ///< a table that `later` makes
  std::vector<std::string> later{};   ///< what schemas of before lack too; run once, after `tables`
};

extern const SqlDialect kPostgresDialect;

/// A session that is begun anew when it was lost, after a while that doubles, and until then says at once
/// that it is. In a transaction statements are sent together at the next read or the commit; an advisory lock
/// makes it the only one that writes.
/// Invalid for tables of another program or a newer format, which are left untouched; Io where there is no
/// session now.
Result<std::unique_ptr<SqlSession>> open_postgres_session(const PostgresDatabase& database);

}  // namespace forewarm
