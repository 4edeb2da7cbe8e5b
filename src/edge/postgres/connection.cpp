#include "edge/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "edge/net/egress.h"

namespace forewarm {
namespace {

using PatienceClock = std::chrono::steady_clock;

/// The server's words in one line.
std::string postgres_words(const char* text) {
  std::string words = text != nullptr ? text : "";
  while (words.ends_with('\n')) words.pop_back();
  std::ranges::replace(words, '\n', ' ');
  return words.empty() ? "the connection is gone" : words;
}

/// What a connection string says, without the environment.
class PostgresOptions {
 public:
  explicit PostgresOptions(const std::string& url) {
    char* words = nullptr;
    options_.reset(PQconninfoParse(url.c_str(), &words));
    if (words != nullptr) PQfreemem(words);
  }
  bool read() const { return options_ != nullptr; }
  std::string value(std::string_view keyword) const {
    for (const PQconninfoOption* each = options_.get(); each != nullptr && each->keyword != nullptr; ++each)
      if (each->keyword == keyword && each->val != nullptr) return each->val;
    return {};
  }

 private:
  struct Free {
    void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
  };
  std::unique_ptr<PQconninfoOption, Free> options_;
};

struct EndSession {
  void operator()(PGconn* session) const { PQfinish(session); }
};
struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Session = std::unique_ptr<PGconn, EndSession>;
using Answer = std::unique_ptr<PGresult, ClearResult>;

/// Waits for the socket; false when the time is over or the wait was stopped.
class Wait {
 public:
  explicit Wait(const PostgresPatience& patience)
      : stop_(patience.stop), until_(PatienceClock::now() + patience.timeout) {}

  bool for_socket(PGconn* session, bool to_write) const {
    constexpr std::chrono::milliseconds kSlice(50);
    while (!stop_.stop_requested()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - PatienceClock::now());
      if (left.count() <= 0) return false;
      const short events = to_write ? POLLIN | POLLOUT : POLLIN;
      pollfd socket{.fd = PQsocket(session), .events = events, .revents = 0};
      if (socket.fd < 0) return true;  // libpq has something to say
      if (::poll(&socket, 1, static_cast<int>(std::min(left, kSlice).count())) != 0) return true;
    }
    return false;
  }

 private:
  std::stop_token stop_;
  PatienceClock::time_point until_;
};

class PqConnection : public PostgresConnection {
 public:
  explicit PqConnection(Session session) : session_(std::move(session)) {}

  Result<std::vector<Row>> query(const std::string& statement, std::span<const std::string> parameters,
                                 const PostgresPatience& patience) override {
    PostgresQuery query{.statement = statement};
    for (const std::string& each : parameters) query.values.push_back({.type = 0, .text = each});
    return run_all({&query, 1}, patience);
  }

  Result<std::vector<Row>> run_all(std::span<const PostgresQuery> queries,
                                   const PostgresPatience& patience) override {
    if (over_) return error(ErrorCode::Closed, "the session is over");
    for (const PostgresQuery& query : queries)
      if (!note(query)) return ended(postgres_words(PQerrorMessage(session_.get())));
    if (PQpipelineSync(session_.get()) == 0) return ended(postgres_words(PQerrorMessage(session_.get())));
    const Wait wait(patience);
    if (std::optional<std::string> problem = send_all(wait)) return ended(std::move(*problem));
    Answer last;
    std::optional<Error> failed;
    for (;;) {
      while (PQisBusy(session_.get()) != 0) {
        if (!wait.for_socket(session_.get(), false)) return ended("nobody answered in time");
        if (PQconsumeInput(session_.get()) == 0) return ended(postgres_words(PQerrorMessage(session_.get())));
      }
      Answer next(PQgetResult(session_.get()));
      if (PQstatus(session_.get()) == CONNECTION_BAD)
        return ended(postgres_words(PQerrorMessage(session_.get())));
      if (!next) continue;  // the end of one statement's answers
      const ExecStatusType status = PQresultStatus(next.get());
      if (status == PGRES_PIPELINE_SYNC) break;
      if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        last = std::move(next);
      else if (status != PGRES_PIPELINE_ABORTED && !failed)
        failed = error_of(*next);
    }
    if (failed) {
      if (failed->code == ErrorCode::Closed) over_ = true;
      return std::unexpected(std::move(*failed));
    }
    if (!last) return std::vector<Row>();
    return rows_of(*last);
  }

 private:
  bool note(const PostgresQuery& query) {
    std::vector<Oid> types;
    std::vector<const char*> values;
    for (const PostgresValue& each : query.values) {
      types.push_back(each.type);
      values.push_back(each.text ? each.text->c_str() : nullptr);
    }
    return PQsendQueryParams(session_.get(), query.statement.c_str(), static_cast<int>(values.size()),
                             types.data(), values.data(), nullptr, nullptr, 0) != 0;
  }
  /// By the codes of PostgreSQL's appendix A.
  static Error error_of(const PGresult& result) {
    const char* field = PQresultErrorField(&result, PG_DIAG_SQLSTATE);
    const std::string_view state = field != nullptr ? field : "";
    ErrorCode code = ErrorCode::Io;
    if (state == "40001" || state == "40P01" || state == "55P03")
      code = ErrorCode::Conflict;
    else if (state.starts_with("57P") || state == "25006" || state == "25P03")
      code = ErrorCode::Closed;
    return {code, postgres_words(PQresultErrorMessage(&result))};
  }
  std::optional<std::string> send_all(const Wait& wait) {
    for (;;) {
      const int more = PQflush(session_.get());
      if (more == 0) return std::nullopt;
      if (more < 0) return postgres_words(PQerrorMessage(session_.get()));
      if (!wait.for_socket(session_.get(), true)) return "nobody took the statement in time";
      if (PQconsumeInput(session_.get()) == 0) return postgres_words(PQerrorMessage(session_.get()));
    }
  }
  std::unexpected<Error> ended(std::string why) {
    over_ = true;
    return error(ErrorCode::Closed, std::move(why));
  }
  static std::vector<Row> rows_of(const PGresult& result) {
    std::vector<Row> rows;
    for (int r = 0; r < PQntuples(&result); ++r) {
      Row& row = rows.emplace_back();
      for (int c = 0; c < PQnfields(&result); ++c)
        row.push_back(PQgetisnull(&result, r, c) != 0 ? std::optional<std::string>()
                                                      : std::string(PQgetvalue(&result, r, c)));
    }
    return rows;
  }

  Session session_;
  bool over_ = false;
};

}  // namespace

Result<void> check_postgres_url(const std::string& url) {
  const PostgresOptions options(url);
  const bool begins = url.starts_with("postgresql://") || url.starts_with("postgres://");
  // A password with a bare / ends in what is taken for a port.
  const bool right =
      begins && options.read() && options.value("port").find_first_not_of("0123456789,") == std::string::npos;
  if (right) return {};
  return error(ErrorCode::Invalid,
               "expected \"postgresql://USER@HOST:5432/DATABASE\"; what is no letter or digit in a user or "
               "password is written as %XX");
}

std::string postgres_place(const std::string& url) {
  const PostgresOptions options(url);
  const auto after = [](std::string_view mark, const std::string& value) {
    return value.empty() ? std::string() : std::string(mark) + value;
  };
  std::string user = options.value("user");
  if (!user.empty()) user += '@';
  return "postgresql://" + user + options.value("host") + after(":", options.value("port")) +
         after("/", options.value("dbname"));
}

namespace {

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream text(list);
  for (std::string part; std::getline(text, part, ',');) parts.push_back(part);
  return parts;
}

/// Of each server that the session may be with; a socket of this machine may always be.
Result<void> check_servers(const std::string& url) {
  const PostgresOptions options(url);
  const auto value = [&options](const char* keyword, const char* variable) {
    std::string found = options.value(keyword);
    if (const char* set = std::getenv(variable); found.empty() && set != nullptr) found = set;
    return parts_of(found);
  };
  std::vector<std::string> hosts = value("host", "PGHOST");
  if (const std::vector<std::string> addresses = value("hostaddr", "PGHOSTADDR"); !addresses.empty())
    hosts = addresses;
  const std::vector<std::string> ports = value("port", "PGPORT");
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (hosts[i].empty() || hosts[i].starts_with('/') || hosts[i].starts_with('@')) continue;
    std::uint16_t port = 5432;
    if (!ports.empty()) {
      const std::string& text = ports.size() > 1 && i < ports.size() ? ports[i] : ports.front();
      std::from_chars(text.data(), text.data() + text.size(), port);
    }
    if (const auto allowed = check_egress({hosts[i], port}); !allowed) return allowed;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const std::string& url,
                                                                     const std::string& password,
                                                                     const std::string& application,
                                                                     const PostgresPatience& patience) {
  if (const Result<void> right = check_postgres_url(url); !right) return std::unexpected(right.error());
  if (const Result<void> allowed = check_servers(url); !allowed) return std::unexpected(allowed.error());
  // What is empty leaves it to what came before.
  const char* const keywords[] = {"fallback_application_name", "dbname", "password", nullptr};
  const char* const values[] = {application.c_str(), url.c_str(), password.c_str(), nullptr};
  Session session(PQconnectStartParams(keywords, values, 1));
  if (!session || PQstatus(session.get()) == CONNECTION_BAD)
    return error(ErrorCode::Io, session ? postgres_words(PQerrorMessage(session.get())) : "out of memory");
  // Notices would go to standard error as they are.
  PQsetNoticeProcessor(
      session.get(), [](void*, const char*) {}, nullptr);
  const Wait wait(patience);
  for (bool to_write = true;;) {
    if (!wait.for_socket(session.get(), to_write))
      return error(ErrorCode::Io, "no session with the server in time");
    const PostgresPollingStatusType polled = PQconnectPoll(session.get());
    if (polled == PGRES_POLLING_OK) break;
    if (polled == PGRES_POLLING_FAILED)
      return error(ErrorCode::Io, postgres_words(PQerrorMessage(session.get())));
    to_write = polled == PGRES_POLLING_WRITING;
  }
  if (PQsetnonblocking(session.get(), 1) != 0 || PQenterPipelineMode(session.get()) == 0)
    return error(ErrorCode::Io, postgres_words(PQerrorMessage(session.get())));
  return std::make_unique<PqConnection>(std::move(session));
}

}  // namespace forewarm
