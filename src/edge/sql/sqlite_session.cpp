#include "edge/sql/sqlite_session.h"

#include <utility>

#include "edge/sqlite/sqlite.h"

namespace forewarm {

const SqlDialect kSqliteDialect{.integer = "INTEGER",
                                .real = "REAL",
                                .text = "TEXT",
                                .number = "INTEGER PRIMARY KEY",
                                .rowid_table = " STRICT",
                                .key_table = " STRICT, WITHOUT ROWID",
                                .time = "strftime('%Y-%m-%dT%H:%M:%fZ', i.start / 1000.0, 'unixepoch')"};

namespace {

class SqliteStatement : public SqlStatement {
 public:
  sqlite::Code prepare(const sqlite::Connection& connection, const std::string& sql) {
    return statement_.prepare(connection, sql.c_str());
  }
  SqlStatement& bind(int position, std::int64_t value) override {
    statement_.bind(position, value);
    return *this;
  }
  SqlStatement& bind(int position, double value) override {
    statement_.bind(position, value);
    return *this;
  }
  SqlStatement& bind_text(int position, std::string_view text) override {
    statement_.bind_text(position, text);
    return *this;
  }
  SqlCode run() override { return statement_.run(); }
  bool next() override { return statement_.next(); }
  SqlCode code() const override { return statement_.code(); }
  void reset() override { statement_.reset(); }
  std::int64_t integer(int column) const override { return statement_.integer(column); }
  double real(int column) const override { return statement_.real(column); }
  bool is_null(int column) const override { return statement_.is_null(column); }
  std::string_view text(int column) const override { return statement_.bytes(column); }

 private:
  sqlite::Statement statement_;
};

class SqliteSession : public SqlSession {
 public:
  explicit SqliteSession(std::string path) : path_(std::move(path)) {}
  Result<void> open(const SqliteFile& file);

  std::unique_ptr<SqlStatement> prepare(const std::string& sql) override {
    auto statement = std::make_unique<SqliteStatement>();
    const sqlite::Code code = statement->prepare(connection_, sql);
    if (prepare_code_ == kSqlOk) prepare_code_ = code;
    return statement;
  }
  SqlCode prepare_code() const override { return prepare_code_; }
  SqlCode begin() override { return connection_.execute("BEGIN IMMEDIATE"); }
  SqlCode commit() override { return connection_.execute("COMMIT"); }
  void roll_back() override { (void)connection_.execute("ROLLBACK"); }
  /// The busy timeout has waited long enough.
  bool worth_again(SqlCode) const override { return false; }
  Error to_error(SqlCode code, std::string_view what) const override {
    return sqlite::to_error(code, what, path_);
  }

 private:
  std::string path_;
  sqlite::Connection connection_;
  SqlCode prepare_code_ = kSqlOk;
};

Result<void> SqliteSession::open(const SqliteFile& file) {
  const auto failed = [&](SqlCode code) { return std::unexpected(to_error(code, "opening")); };
  if (const SqlCode code = connection_.open(path_, nullptr, file.create); code != kSqlOk) return failed(code);
  if (const SqlCode code = connection_.execute("PRAGMA busy_timeout = 5000"); code != kSqlOk)
    return failed(code);
  const Result<bool> known = sqlite::is_known(connection_, path_, file.application, file.format);
  if (!known) {
    connection_.forbid_checkpoint_on_close();
    return std::unexpected(known.error());
  }
  SqlCode code = connection_.execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = OFF; PRAGMA cache_size "
      "= -8192; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = "
      "16777216");
  // Another process may be making the tables at this moment.
  if (code == kSqlOk && !*known) {
    const std::string make = "BEGIN IMMEDIATE; PRAGMA application_id = " + std::to_string(file.application) +
                             "; PRAGMA user_version = " + std::to_string(file.format) + ";" + file.tables +
                             "COMMIT";
    code = connection_.execute(make.c_str());
    if (code != kSqlOk) {
      (void)connection_.execute("ROLLBACK");
      const Result<bool> made = sqlite::is_known(connection_, path_, file.application, file.format);
      if (made && *made) code = kSqlOk;
    }
  }
  if (code == kSqlOk) code = connection_.execute(file.later.c_str());
  if (code != kSqlOk) return failed(code);
  return {};
}

}  // namespace

Result<std::unique_ptr<SqlSession>> open_sqlite_session(const SqliteFile& file) {
  auto session = std::make_unique<SqliteSession>(file.path);
  if (const Result<void> opened = session->open(file); !opened) return std::unexpected(opened.error());
  return session;
}

}  // namespace forewarm
