#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forewarm {

/// Zero is success; any other number is the backend's own, which SqlSession::to_error() explains.
using SqlCode = int;
inline constexpr SqlCode kSqlOk = 0;
/// A row is not what was written; the same number in all backends.
inline constexpr SqlCode kSqlCorrupt = 11;

/// One statement of a session. Parameters are `?1`, `?2`, ... and have the types that they are bound with.
/// It must not outlive its session.
class SqlStatement {
 public:
  virtual ~SqlStatement() = default;

  virtual SqlStatement& bind(int position, std::int64_t value) = 0;
  /// NaN is NULL.
  virtual SqlStatement& bind(int position, double value) = 0;
  /// The text must stay where it is until the statement has run.
  virtual SqlStatement& bind_text(int position, std::string_view text) = 0;

  /// Runs a statement that gives no rows. In a transaction it may be only noted: then whatever comes of it is
  /// told by the next read, or by the commit.
  virtual SqlCode run() = 0;
  /// Steps to the next row: true if there is one. False at the end and on errors (see `code`).
  virtual bool next() = 0;
  virtual SqlCode code() const = 0;
  /// Leaves the rows that were not read.
  virtual void reset() = 0;

  virtual std::int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual bool is_null(int column) const = 0;
  /// Valid until the next step or reset.
  virtual std::string_view text(int column) const = 0;
};

/// How tables are defined where databases differ.
struct SqlDialect {
  std::string_view integer;  ///< 64 bits
  std::string_view real;     ///< 64 bits
  std::string_view text;     ///< compared byte by byte
  std::string_view number;   ///< a primary key that counts up by itself
  std::string_view rowid_table;
  std::string_view key_table;  ///< a table that is stored by its key
  std::string_view time;       ///< of `i.start`, milliseconds since the epoch, for people
};

/// One session with a database that speaks SQL; for one thread at a time. What is written by several sessions
/// at once is as if they had written one after the other: a transaction is the only one that writes.
class SqlSession {
 public:
  virtual ~SqlSession() = default;

  /// An error of `sql` is told by prepare_code(), or when it runs first.
  virtual std::unique_ptr<SqlStatement> prepare(const std::string& sql) = 0;
  virtual SqlCode prepare_code() const = 0;

  virtual SqlCode begin() = 0;
  virtual SqlCode commit() = 0;
  virtual void roll_back() = 0;
  /// The transaction stood in another's way and may be done all over again.
  virtual bool worth_again(SqlCode code) const = 0;

  /// `what` was being done: "reading". Names the place, never a password.
  virtual Error to_error(SqlCode code, std::string_view what) const = 0;
};

}  // namespace forewarm
