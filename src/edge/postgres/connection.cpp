#include "edge/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <utility>

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

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
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
    if (over_) return error(ErrorCode::Closed, "the session is over");
    std::vector<const char*> values;
    for (const std::string& each : parameters) values.push_back(each.c_str());
    if (PQsendQueryParams(session_.get(), statement.c_str(), static_cast<int>(values.size()), nullptr,
                          values.data(), nullptr, nullptr, 0) == 0)
      return ended(postgres_words(PQerrorMessage(session_.get())));
    const Wait wait(patience);
    if (std::optional<std::string> problem = send_all(wait)) return ended(std::move(*problem));
    Answer last;
    for (;;) {
      while (PQisBusy(session_.get()) != 0) {
        if (!wait.for_socket(session_.get(), false)) return ended("nobody answered in time");
        if (PQconsumeInput(session_.get()) == 0) return ended(postgres_words(PQerrorMessage(session_.get())));
      }
      Answer next(PQgetResult(session_.get()));
      if (!next) break;
      last = std::move(next);
    }
    if (PQstatus(session_.get()) == CONNECTION_BAD || !last)
      return ended(postgres_words(PQerrorMessage(session_.get())));
    const ExecStatusType status = PQresultStatus(last.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
      return error(ErrorCode::Io, postgres_words(PQresultErrorMessage(last.get())));
    return rows_of(*last);
  }

 private:
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
  char* words = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(url.c_str(), &words));
  const std::string why = options ? "" : postgres_words(words);
  if (words != nullptr) PQfreemem(words);
  if (options && (url.starts_with("postgresql://") || url.starts_with("postgres://"))) return {};
  return error(ErrorCode::Invalid, "expected \"postgresql://USER@HOST:5432/DATABASE\"" +
                                       (why.empty() ? std::string() : " (" + why + ")"));
}

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const std::string& url,
                                                                     const std::string& password,
                                                                     const std::string& application,
                                                                     const PostgresPatience& patience) {
  if (const Result<void> right = check_postgres_url(url); !right) return std::unexpected(right.error());
  // What is empty leaves it to what came before.
  const char* const keywords[] = {"fallback_application_name", "dbname", "password", nullptr};
  const char* const values[] = {application.c_str(), url.c_str(), password.c_str(), nullptr};
  Session session(PQconnectStartParams(keywords, values, 1));
  if (!session || PQstatus(session.get()) == CONNECTION_BAD)
    return error(ErrorCode::Io, session ? postgres_words(PQerrorMessage(session.get())) : "out of memory");
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
  if (PQsetnonblocking(session.get(), 1) != 0)
    return error(ErrorCode::Io, postgres_words(PQerrorMessage(session.get())));
  return std::make_unique<PqConnection>(std::move(session));
}

}  // namespace forewarm
