#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace forewarm {

/// How long one call may wait, and what ends it sooner.
struct PostgresPatience {
  std::chrono::milliseconds timeout{10'000};
  std::stop_token stop{};
};

/// One parameter; no text: NULL.
struct PostgresValue {
  std::uint32_t type = 0;  ///< object id of its type; 0: as the server makes out
  std::optional<std::string> text;
};
struct PostgresQuery {
  std::string statement;  ///< one; `$1`, `$2`, ... are the values
  std::vector<PostgresValue> values{};
};

/// One session with a PostgreSQL server (libpq 15), for one thread at a time. Everything that the session
/// holds ends with it.
class PostgresConnection {
 public:
  /// Of an answer; none: NULL.
  using Row = std::vector<std::optional<std::string>>;

  /// `url` is a connection string of libpq (PostgreSQL documentation, 34.1.1); what it leaves out is in the
  /// environment (PGPASSWORD, PGPASSFILE, PGSSLROOTCERT, ...). A `password` that is not empty counts more
  /// than both. `application` is what the session is called there, unless the URL says. Invalid for what is
  /// no such string, and where a server may not be connected to (egress.h); Io, with the server's words but
  /// never the password, where there is no session.
  static Result<std::unique_ptr<PostgresConnection>> open(const std::string& url, const std::string& password,
                                                          const std::string& application,
                                                          const PostgresPatience& patience);
  virtual ~PostgresConnection() = default;

  /// All of them in one go (PostgreSQL documentation, 34.5: pipeline mode); the rows of the last. After an
  /// error the rest is not run. After Closed the session is over (or may be: nobody answered in time), or of
  /// no use: a server that shuts down, a standby. Conflict: another session's lock was in the way, and the
  /// same may succeed later. Any other error is the statement's.
  virtual Result<std::vector<Row>> run_all(std::span<const PostgresQuery> queries,
                                           const PostgresPatience& patience) = 0;
  /// One statement whose parameters the server reads as texts of their types.
  virtual Result<std::vector<Row>> query(const std::string& statement,
                                         std::span<const std::string> parameters,
                                         const PostgresPatience& patience) = 0;
};

/// Invalid, with what is expected, for what is no connection string. Never says anything of it, because it
/// may hold a password.
Result<void> check_postgres_url(const std::string& url);
/// A checked `url` for people: user, host, port and database, without a password.
std::string postgres_place(const std::string& url);

}  // namespace forewarm
