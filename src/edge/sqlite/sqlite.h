#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace forewarm::sqlite {

/// A result code of SQLite, extended. Zero is success.
using Code = int;
inline constexpr Code kOk = 0;

/// True if `code` says that a sync did not reach the disk: what the kernel holds of the file can no longer be
/// trusted.
bool sync_failed(Code code);
/// True if `code` is about the row that a write touches (there already, or damaged): other writes may still
/// succeed.
bool is_the_writes_own(Code code);
/// True if `code` says that the disk is full.
bool is_full(Code code);
/// `code` as an Error: Exhausted for a full disk or memory, Corrupt for damage, Conflict for a row that is
/// there already, Io for the rest. `what` was being done.
Error to_error(Code code, std::string_view what, const std::string& path);

/// One connection to a database file. Movable, not copyable; used by one thread at a time.
class Connection {
 public:
  Connection() = default;
  ~Connection() { close(); }
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;

  /// `vfs` null is the operating system's.
  Code open(const std::string& path, const char* vfs, bool create);
  void close();
  /// Leaves the log as it is when the connection closes. For a file that must not be touched any more.
  void forbid_checkpoint_on_close();

  Code execute(const char* sql);
  /// Rows that the last statement inserted, changed or removed.
  int changes() const;
  sqlite3* handle() const { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

/// A prepared statement. It must not outlive its connection.
class Statement {
 public:
  Statement() = default;
  ~Statement() { finalize(); }
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;

  Code prepare(const Connection& connection, const char* sql);
  void finalize();

  Statement& bind(int position, std::int64_t value);
  Statement& bind(int position, std::uint64_t value) {
    return bind(position, static_cast<std::int64_t>(value));
  }
  /// NaN is bound as NULL, as SQLite itself would.
  Statement& bind(int position, double value);
  /// The bytes must stay where they are until the statement has run.
  Statement& bind_blob(int position, std::string_view bytes);
  Statement& bind_text(int position, std::string_view text);

  /// Runs a statement that gives no rows, and makes it ready to run again.
  Code run();
  /// Steps to the next row: true if there is one. False at the end and on errors (see `code`); then it is
  /// ready again.
  bool next();
  Code code() const { return code_; }
  void reset();

  std::int64_t integer(int column) const;
  std::uint64_t unsigned_integer(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  double real(int column) const;
  bool is_null(int column) const;
  /// Valid until the next step or reset.
  std::string_view bytes(int column) const;

 private:
  sqlite3_stmt* statement_ = nullptr;
  Code code_ = kOk;
};

/// True if the database is this `application`'s, false if it is empty. Invalid, and left untouched, when it
/// is of another program or of a format above `format`.
Result<bool> is_known(const Connection& connection, const std::string& path, std::int64_t application,
                      std::int64_t format);

}  // namespace forewarm::sqlite
