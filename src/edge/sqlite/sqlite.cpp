#include "edge/sqlite/sqlite.h"

#include <sqlite3.h>

#include <filesystem>
#include <utility>

namespace forewarm::sqlite {

bool sync_failed(Code code) {
  return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

bool is_the_writes_own(Code code) {
  return (code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_CORRUPT;
}

bool is_full(Code code) {
  // The log's index could not grow; SQLite does not say full of it.
  return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE;
}

Error to_error(Code code, std::string_view what, const std::string& path) {
  const std::string head = std::string(what) + " " + path + " failed: ";
  const std::string reason = std::string(sqlite3_errstr(code)) + " (SQLite " + std::to_string(code) + ")";
  if (is_full(code))
    return {ErrorCode::Exhausted, head + "no space left on the disk. Free some space; nothing was changed."};
  switch (code & 0xff) {
    case SQLITE_NOMEM:
      return {ErrorCode::Exhausted, head + "out of memory. Nothing was changed."};
    case SQLITE_CONSTRAINT:
      return {ErrorCode::Conflict, head + "what was to be added is stored already."};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::Corrupt,
              head + "the file is damaged: " + reason +
                  ". Stop the server, keep a copy of the directory, then restore a backup or save "
                  "what can be read with: forewarm doctor --data " +
                  std::filesystem::path(path).parent_path().string() + " --salvage NEW_DIR"};
    default:
      return {ErrorCode::Io, head + reason + ". Look for disk errors in the kernel's log (dmesg)."};
  }
}

Connection::Connection(Connection&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

Code Connection::open(const std::string& path, const char* vfs, bool create) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
  const Code code = sqlite3_open_v2(path.c_str(), &handle_, flags, vfs);
  if (handle_) sqlite3_extended_result_codes(handle_, 1);
  return code;
}

void Connection::close() {
  sqlite3_close_v2(std::exchange(handle_, nullptr));
}

void Connection::forbid_checkpoint_on_close() {
  if (handle_) sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Code Connection::execute(const char* sql) {
  return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
}

int Connection::changes() const {
  return sqlite3_changes(handle_);
}

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), code_(other.code_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(statement_, other.statement_);
  code_ = other.code_;
  return *this;
}

Code Statement::prepare(const Connection& connection, const char* sql) {
  finalize();
  return sqlite3_prepare_v3(connection.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
}

void Statement::finalize() {
  sqlite3_finalize(std::exchange(statement_, nullptr));
}

Statement& Statement::bind(int position, std::int64_t value) {
  sqlite3_bind_int64(statement_, position, value);
  return *this;
}

Statement& Statement::bind(int position, double value) {
  sqlite3_bind_double(statement_, position, value);
  return *this;
}

Statement& Statement::bind_blob(int position, std::string_view bytes) {
  // A null pointer would bind NULL instead of an empty blob.
  const char* data = bytes.empty() ? "" : bytes.data();
  sqlite3_bind_blob64(statement_, position, data, bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_text(int position, std::string_view text) {
  const char* data = text.empty() ? "" : text.data();
  sqlite3_bind_text64(statement_, position, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Code Statement::run() {
  const Code code = sqlite3_step(statement_);
  sqlite3_reset(statement_);
  code_ = code == SQLITE_DONE || code == SQLITE_ROW ? kOk : code;
  return code_;
}

bool Statement::next() {
  const Code code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  sqlite3_reset(statement_);
  code_ = code == SQLITE_DONE ? kOk : code;
  return false;
}

void Statement::reset() {
  sqlite3_reset(statement_);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string_view Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data ? std::string_view(data, size) : std::string_view();
}

namespace {

Result<std::int64_t> read_integer(const Connection& connection, const char* sql, const std::string& path) {
  Statement statement;
  const Code prepared = statement.prepare(connection, sql);
  if (prepared != kOk) return std::unexpected(to_error(prepared, "reading", path));
  if (!statement.next()) return std::unexpected(to_error(statement.code(), "reading", path));
  return statement.integer(0);
}

}  // namespace

Result<bool> is_known(const Connection& connection, const std::string& path, std::int64_t application,
                      std::int64_t format) {
  const auto found_application = read_integer(connection, "PRAGMA application_id", path);
  const auto found_format = read_integer(connection, "PRAGMA user_version", path);
  const auto tables = read_integer(connection, "SELECT count(*) FROM sqlite_schema", path);
  for (const auto* value : {&found_application, &found_format, &tables}) {
    if (!*value) return std::unexpected(value->error());
  }
  if (*found_application == 0 && *found_format == 0 && *tables == 0) return false;
  if (*found_application != application) {
    return error(ErrorCode::Invalid,
                 path +
                     " is a database of another program; it was not touched. Give forewarm a "
                     "data directory of its own.");
  }
  if (*found_format > format) {
    return error(ErrorCode::Invalid,
                 path + " has format " + std::to_string(*found_format) + ", this program reads up to " +
                     std::to_string(format) +
                     "; the file was not touched. Start the newer forewarm that wrote it.");
  }
  return true;
}

}  // namespace forewarm::sqlite
