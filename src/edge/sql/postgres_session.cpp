#include "edge/sql/postgres_session.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <random>
#include <utility>

#include "edge/postgres/connection.h"

namespace forewarm {

const SqlDialect kPostgresDialect{.integer = "BIGINT",
                                  .real = "DOUBLE PRECISION",
                                  .text = "TEXT COLLATE \"C\"",
                                  .number = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                                  .rowid_table = "",
                                  .key_table = "",
                                  .time = "to_timestamp(i.start / 1000.0)"};

namespace {

using SessionClock = std::chrono::steady_clock;

constexpr SqlCode kSqlFailed = 1;
constexpr SqlCode kSqlAgain = 2;
constexpr std::size_t kNotedMost = 1000;  ///< statements that are sent in one go
constexpr std::chrono::milliseconds kPauseFirst(500);
constexpr std::chrono::milliseconds kPauseLast(15'000);

constexpr std::uint32_t kInt8 = 20, kFloat8 = 701, kText = 25;  // pg_type

/// `?1` and `?` as `$1`.
std::string with_dollars(const std::string& sql) {
  std::string text;
  int last = 0;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] != '?') {
      text += sql[i];
      continue;
    }
    text += '$';
    const bool numbered = i + 1 < sql.size() && sql[i + 1] >= '0' && sql[i + 1] <= '9';
    if (!numbered) text += std::to_string(++last);
  }
  return text;
}

class PostgresSession : public SqlSession {
 public:
  explicit PostgresSession(PostgresDatabase database)
      : database_(std::move(database)),
        place_("the " + database_.what + " in " + postgres_place(database_.url)),
        random_(std::random_device{}()) {}

  Result<void> open() { return connect(); }

  std::unique_ptr<SqlStatement> prepare(const std::string& sql) override;
  SqlCode prepare_code() const override { return kSqlOk; }
  SqlCode begin() override;
  SqlCode commit() override;
  void roll_back() override;
  bool worth_again(SqlCode code) const override { return code == kSqlAgain; }
  Error to_error(SqlCode code, std::string_view what) const override;

  /// To be sent later if there is a transaction, at once otherwise.
  SqlCode note(PostgresQuery query);
  SqlCode read(const PostgresQuery& query, std::vector<PostgresConnection::Row>& rows);

 private:
  using Rows = std::vector<PostgresConnection::Row>;

  Result<void> connect();
  Result<void> connect_at_last();
  Result<void> set_up();
  Result<void> know_tables();
  Result<bool> has_tables();
  Result<bool> has_newest();
  Result<void> make_tables();
  SqlCode there();
  SqlCode flush(Rows* rows);
  SqlCode failed(Error why);
  Result<Rows> ask(std::vector<PostgresQuery> queries) {
    return connection_->run_all(queries, {.timeout = database_.timeout, .stop = database_.stop});
  }
  PostgresQuery writers_lock() const {
    return {.statement = "SELECT pg_advisory_xact_lock(1719104104, hashtext($1))",
            .values = {{.type = kText, .text = database_.schema}}};
  }

  PostgresDatabase database_;
  std::string place_;
  std::unique_ptr<PostgresConnection> connection_;
  std::vector<PostgresQuery> noted_;
  bool in_transaction_ = false;
  Error last_;
  std::chrono::milliseconds pause_{0};
  SessionClock::time_point try_again_at_{};
  std::minstd_rand random_;
};

class PostgresStatement : public SqlStatement {
 public:
  PostgresStatement(PostgresSession& session, const std::string& sql)
      : session_(session), query_{.statement = with_dollars(sql), .values = {}} {}

  SqlStatement& bind(int position, std::int64_t value) override {
    return set(position, {.type = kInt8, .text = std::to_string(value)});
  }
  SqlStatement& bind(int position, double value) override {
    char digits[32];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    const bool known = !std::isnan(value);
    return set(position,
               {.type = kFloat8, .text = known ? std::optional(std::string(digits, end)) : std::nullopt});
  }
  SqlStatement& bind_text(int position, std::string_view text) override {
    return set(position, {.type = kText, .text = std::string(text)});
  }

  SqlCode run() override { return code_ = session_.note(query_); }
  bool next() override {
    if (!running_) {
      code_ = session_.read(query_, rows_);
      if (code_ != kSqlOk) return false;
      running_ = true;
      at_ = 0;
    } else {
      ++at_;
    }
    if (at_ < rows_.size()) return true;
    reset();
    return false;
  }
  SqlCode code() const override { return code_; }
  void reset() override {
    running_ = false;
    rows_.clear();
  }

  std::int64_t integer(int column) const override { return parsed<std::int64_t>(column); }
  double real(int column) const override { return parsed<double>(column); }
  bool is_null(int column) const override { return !cell(column); }
  std::string_view text(int column) const override {
    return cell(column) ? std::string_view(*cell(column)) : std::string_view();
  }

 private:
  SqlStatement& set(int position, PostgresValue value) {
    const auto index = static_cast<std::size_t>(position);
    if (query_.values.size() < index) query_.values.resize(index);
    query_.values[index - 1] = std::move(value);
    return *this;
  }
  const std::optional<std::string>& cell(int column) const {
    return rows_[at_][static_cast<std::size_t>(column)];
  }
  template <class T>
  T parsed(int column) const {
    T value{};
    const std::string_view digits = text(column);
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }

  PostgresSession& session_;
  PostgresQuery query_;
  std::vector<PostgresConnection::Row> rows_;
  std::size_t at_ = 0;
  bool running_ = false;
  SqlCode code_ = kSqlOk;
};

std::unique_ptr<SqlStatement> PostgresSession::prepare(const std::string& sql) {
  return std::make_unique<PostgresStatement>(*this, sql);
}

Result<void> PostgresSession::connect() {
  const Result<void> done = connect_at_last();
  if (done) {
    pause_ = std::chrono::milliseconds(0);
    return done;
  }
  connection_.reset();
  pause_ = std::clamp(2 * pause_, kPauseFirst, kPauseLast);
  const double jitter = std::uniform_real_distribution(0.75, 1.25)(random_);
  try_again_at_ =
      SessionClock::now() + std::chrono::duration_cast<std::chrono::milliseconds>(pause_ * jitter);
  return done;
}

Result<void> PostgresSession::connect_at_last() {
  std::string password;
  if (!database_.password_file.empty()) {
    std::ifstream file(database_.password_file);
    if (!std::getline(file, password) || password.empty())
      return error(ErrorCode::NotFound, "there is no password in " + database_.password_file);
  }
  auto opened = PostgresConnection::open(database_.url, password, database_.called,
                                         {.timeout = database_.timeout, .stop = database_.stop});
  if (!opened) return std::unexpected(opened.error());
  connection_ = std::move(*opened);
  Result<void> ready = set_up();
  if (ready) ready = know_tables();
  return ready;
}

/// A transaction whose copy hangs must not keep the others from writing.
Result<void> PostgresSession::set_up() {
  const std::string timeout = std::to_string(database_.timeout.count());
  const std::string lock = std::to_string(database_.timeout.count() / 2);
  const PostgresValue values[] = {{kText, database_.schema}, {kText, timeout}, {kText, lock}};
  const auto rows = ask(
      {{.statement = "SELECT current_setting('server_version_num')::int >= 140000, "
                     "set_config('search_path', $1, false), set_config('statement_timeout', $2, false), "
                     "set_config('idle_in_transaction_session_timeout', $2, false), "
                     "set_config('lock_timeout', $3, false), set_config('client_encoding', 'UTF8', false), "
                     "set_config('extra_float_digits', '1', false)",
        .values = {std::begin(values), std::end(values)}}});
  if (!rows) return std::unexpected(rows.error());
  if (rows->front().front() != "t") return error(ErrorCode::Invalid, "PostgreSQL 14 or newer is needed");
  return {};
}

Result<bool> PostgresSession::has_tables() {
  const auto rows =
      ask({{.statement = "SELECT count(*), count(*) FILTER (WHERE c.relname = 'about') FROM pg_class c JOIN "
                         "pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1",
            .values = {{kText, database_.schema}}}});
  if (!rows) return std::unexpected(rows.error());
  if (rows->front()[0] == "0") return false;
  const Error foreign{
      ErrorCode::Invalid,
      "its schema " + database_.schema +
          " has tables of another program; nothing was touched. Give forewarm a database of its own"};
  if (rows->front()[1] != "1") return std::unexpected(foreign);
  const auto about = ask({{.statement = "SELECT what, format FROM about"}});
  if (!about && about.error().code == ErrorCode::Closed) return std::unexpected(about.error());
  if (!about || about->size() != 1 || about->front()[0] != database_.what) return std::unexpected(foreign);
  const std::string format = about->front()[1].value_or("");
  if (format.size() > 9 || std::atoll(format.c_str()) > database_.format)
    return error(ErrorCode::Invalid, "its tables have format " + format + ", this program reads up to " +
                                         std::to_string(database_.format) +
                                         "; nothing was touched. Start the newer forewarm that made them");
  return true;
}

Result<bool> PostgresSession::has_newest() {
  const auto rows = ask({{.statement = "SELECT $1 = '' OR to_regclass($2 || '.' || $1) IS NOT NULL",
                          .values = {{kText, database_.newest}, {kText, database_.schema}}}});
  if (!rows) return std::unexpected(rows.error());
  return rows->front()[0] == "t";
}

Result<void> PostgresSession::know_tables() {
  const Result<bool> known = has_tables();
  if (!known) return std::unexpected(known.error());
  const Result<bool> newest = has_newest();
  if (!newest) return std::unexpected(newest.error());
  if (*known && *newest) return {};
  if (!*known && !database_.create)
    return error(ErrorCode::NotFound, "it has none yet. Start control with it, or import one");
  Result<void> made = make_tables();
  if (!made && connection_) (void)ask({{.statement = "ROLLBACK"}});
  return made;
}

Result<void> PostgresSession::make_tables() {
  // Another copy may be making them at this moment.
  if (const auto locked = ask({{.statement = "BEGIN ISOLATION LEVEL READ COMMITTED"}, writers_lock()});
      !locked)
    return std::unexpected(locked.error());
  const Result<bool> known = has_tables();
  if (!known) return std::unexpected(known.error());
  const Result<bool> newest = has_newest();
  if (!newest) return std::unexpected(newest.error());
  std::vector<PostgresQuery> all;
  if (!*known) {
    const auto schema =
        ask({{.statement = "SELECT to_regnamespace($1) IS NOT NULL", .values = {{kText, database_.schema}}}});
    if (!schema) return std::unexpected(schema.error());
    if (schema->front()[0] != "t") all.push_back({.statement = "CREATE SCHEMA " + database_.schema});
    for (const std::string& table : database_.tables) all.push_back({.statement = table});
    all.push_back({.statement = "CREATE TABLE about (what TEXT PRIMARY KEY, format BIGINT NOT NULL)"});
    all.push_back({.statement = "INSERT INTO about (what, format) VALUES ($1, $2)",
                   .values = {{kText, database_.what}, {kInt8, std::to_string(database_.format)}}});
  }
  if (!*newest)
    for (const std::string& each : database_.later) all.push_back({.statement = each});
  all.push_back({.statement = "COMMIT"});
  if (const auto made = ask(std::move(all)); !made) return std::unexpected(made.error());
  return {};
}

/// A session, begun anew if it was lost.
SqlCode PostgresSession::there() {
  if (connection_) return kSqlOk;
  if (in_transaction_ || SessionClock::now() < try_again_at_) return kSqlFailed;
  const Result<void> done = connect();
  if (done) return kSqlOk;
  last_ = done.error();
  return kSqlFailed;
}

SqlCode PostgresSession::failed(Error why) {
  last_ = std::move(why);
  // What ended a session need not keep the next one from beginning.
  if (last_.code == ErrorCode::Closed) connection_.reset();
  const bool again = last_.code == ErrorCode::Closed || last_.code == ErrorCode::Conflict;
  return again && !database_.stop.stop_requested() ? kSqlAgain : kSqlFailed;
}

SqlCode PostgresSession::flush(Rows* rows) {
  if (!connection_) return kSqlFailed;
  Result<Rows> done = ask(std::exchange(noted_, {}));
  if (!done) return failed(done.error());
  if (rows != nullptr) *rows = std::move(*done);
  return kSqlOk;
}

SqlCode PostgresSession::begin() {
  noted_.clear();
  if (const SqlCode code = there(); code != kSqlOk) return code;
  in_transaction_ = true;
  noted_.push_back({.statement = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"});
  noted_.push_back(writers_lock());
  return kSqlOk;
}

SqlCode PostgresSession::commit() {
  noted_.push_back({.statement = "COMMIT"});
  const SqlCode code = flush(nullptr);
  if (code == kSqlOk) in_transaction_ = false;
  return code;
}

void PostgresSession::roll_back() {
  noted_.clear();
  if (connection_ && in_transaction_) {
    if (const auto done = ask({{.statement = "ROLLBACK"}}); !done) connection_.reset();
  }
  in_transaction_ = false;
}

SqlCode PostgresSession::note(PostgresQuery query) {
  if (const SqlCode code = there(); code != kSqlOk) return code;
  noted_.push_back(std::move(query));
  return in_transaction_ && noted_.size() < kNotedMost ? kSqlOk : flush(nullptr);
}

SqlCode PostgresSession::read(const PostgresQuery& query, Rows& rows) {
  SqlCode code = kSqlFailed;
  // A session that idled may be gone; what only reads is asked once more.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (code = there(); code != kSqlOk) return code;
    noted_.push_back(query);
    code = flush(&rows);
    if (code != kSqlAgain || in_transaction_) break;
  }
  return code;
}

Error PostgresSession::to_error(SqlCode code, std::string_view what) const {
  const std::string head = std::string(what) + " " + place_ + " failed: ";
  if (code == kSqlCorrupt)
    return {ErrorCode::Corrupt, head + "a row is not what was written. Restore a backup of the database."};
  const ErrorCode said = last_.code == ErrorCode::Closed ? ErrorCode::Io : last_.code;
  return {said, head + last_.message + "."};
}

}  // namespace

Result<std::unique_ptr<SqlSession>> open_postgres_session(const PostgresDatabase& database) {
  if (const Result<void> right = check_postgres_url(database.url); !right)
    return std::unexpected(right.error());
  auto session = std::make_unique<PostgresSession>(database);
  if (const Result<void> opened = session->open(); !opened) {
    const Error& why = opened.error();
    return error(
        why.code == ErrorCode::Closed ? ErrorCode::Io : why.code,
        "the " + database.what + " in " + postgres_place(database.url) + " cannot be opened: " + why.message);
  }
  return session;
}

}  // namespace forewarm
