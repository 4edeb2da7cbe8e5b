#include "edge/leader/postgres_lock.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "edge/leader/published_standing.h"
#include "edge/postgres/connection.h"

namespace forewarm {
namespace {

/// The lock's first number says whose locks these are ("fwld"), the second is made of the name.
constexpr std::int32_t kFirst = 0x66776c64;

std::int32_t second_of(std::string_view name) {
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return static_cast<std::int32_t>(hash);
}

/// A copy that hangs asks nothing, but its machine keeps the connection.
constexpr const char* kNotIdle = "SELECT set_config('idle_session_timeout', $1, false)";
/// A standby gives locks too, of its own. CASE, because AND would not say what comes first.
constexpr const char* kTake =
    "SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_try_advisory_lock($1::int4, $2::int4) END";
/// A pooler between here and there may have given the session to another.
constexpr const char* kKeep =
    "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() "
    "AND classid::int8 = $1::int8 AND objid::int8 = ($2::int8 & 4294967295) AND objsubid = 2";
constexpr const char* kWho =
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = "
    "'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = "
    "current_database()) AND l.classid::int8 = $1::int8 AND l.objid::int8 = ($2::int8 & 4294967295) AND "
    "l.objsubid = 2";

class LockByPostgres : public LeaderElection {
 public:
  LockByPostgres(PostgresLock lock, Changed changed)
      : lock_(std::move(lock)),
        holder_(lock_.timing),
        published_(std::move(changed)),
        numbers_{std::to_string(kFirst), std::to_string(second_of(lock_.name))},
        thread_([this](const std::stop_token& stop) { run(stop); }) {}
  ~LockByPostgres() override {
    thread_.request_stop();
    thread_.join();
  }

  bool leads() const override { return published_.leads(); }
  Leadership standing() const override { return published_.standing(); }

 private:
  void run(const std::stop_token& stop);
  Result<void> ask(const std::stop_token& stop);
  Result<void> take(const PostgresPatience& patience);
  Result<void> keep(const PostgresPatience& patience);
  Result<std::optional<std::string>> word(const char* statement, const PostgresPatience& patience);
  PostgresPatience patience(const std::stop_token& stop) const;
  void publish(const std::string& problem);

  PostgresLock lock_;
  LockHolder holder_;
  PublishedStanding published_;
  std::array<std::string, 2> numbers_;
  std::unique_ptr<PostgresConnection> session_;
  bool held_ = false;        ///< by the session
  std::string holder_name_;  ///< of another session that has it
  std::jthread thread_;      ///< last, so that it ends first
};

void LockByPostgres::run(const std::stop_token& stop) {
  std::mutex waiting;
  std::condition_variable_any wake;
  std::string problem;
  LeaseTime due = LeaseTime::min();
  while (!stop.stop_requested()) {
    const LeaseTime now = LeaseClock::now();
    LeaseTime until = due;
    for (const LeaseTime turn : {holder_.leads_from(), holder_.leads_until()})
      if (now < turn) until = std::min(until, turn);
    if (now < until) {
      std::unique_lock lock(waiting);
      wake.wait_for(lock, stop, until - now, [] { return false; });
      publish(problem);
      continue;
    }
    due = now + lock_.retry;
    const Result<void> asked = ask(stop);
    if (stop.stop_requested()) break;
    problem = asked ? "" : asked.error().message;
    publish(problem);
  }
  holder_.lost();
  publish("");
  session_.reset();  // and the lock with it
}

/// No longer than leading lasts, so that its end is noticed when it comes.
PostgresPatience LockByPostgres::patience(const std::stop_token& stop) const {
  const LeaseTime now = LeaseClock::now();
  Duration most = lock_.timing.renew_deadline / 2;
  if (holder_.leads(now)) most = std::min(most, holder_.leads_until() - now);
  return {
      .timeout = std::max(std::chrono::milliseconds(1), std::chrono::ceil<std::chrono::milliseconds>(most)),
      .stop = stop};
}

Result<void> LockByPostgres::ask(const std::stop_token& stop) {
  if (!session_) {
    std::string password;
    if (!lock_.password_file.empty()) {
      std::ifstream file(lock_.password_file);
      if (!std::getline(file, password) || password.empty())
        return error(ErrorCode::NotFound, "there is no password in " + lock_.password_file);
    }
    auto opened = PostgresConnection::open(lock_.url, password, lock_.identity, patience(stop));
    if (!opened) return std::unexpected(opened.error());
    session_ = std::move(*opened);
    const std::string idle_ms = std::to_string(lock_.timing.renew_deadline / Duration(1ms));
    if (const auto set = session_->query(kNotIdle, {&idle_ms, 1}, patience(stop)); !set) {
      session_.reset();
      return error(ErrorCode::Io, set.error().message + " (PostgreSQL 14 or newer is needed)");
    }
  }
  Result<void> done = held_ ? keep(patience(stop)) : take(patience(stop));
  // The session may live on at the other side without being heard: leading ends by the clock, the lock by
  // the server's.
  if (!done && done.error().code == ErrorCode::Closed) {
    session_.reset();
    held_ = false;
  }
  return done;
}

Result<std::optional<std::string>> LockByPostgres::word(const char* statement,
                                                        const PostgresPatience& patience) {
  const auto rows = session_->query(statement, numbers_, patience);
  if (!rows) return std::unexpected(rows.error());
  return rows->empty() || rows->front().empty() ? std::nullopt : rows->front().front();
}

Result<void> LockByPostgres::take(const PostgresPatience& patience) {
  const auto got = word(kTake, patience);
  if (!got) return std::unexpected(got.error());
  if (!*got)
    return error(ErrorCode::Conflict,
                 "the server is a standby, whose locks are its own. Name the primary, or add "
                 "target_session_attrs=read-write to leader.url");
  if (**got == "t") {
    held_ = true;
    holder_name_.clear();
    holder_.got(LeaseClock::now());
    return {};
  }
  const auto who = word(kWho, patience);
  if (!who) return std::unexpected(who.error());
  holder_name_ = who->value_or("");
  return {};
}

Result<void> LockByPostgres::keep(const PostgresPatience& patience) {
  const LeaseTime asked = LeaseClock::now();
  const auto kept = word(kKeep, patience);
  if (!kept) return std::unexpected(kept.error());
  if (*kept && **kept == "t") {
    holder_.kept(asked);
    return {};
  }
  held_ = false;
  holder_.lost();
  return error(ErrorCode::Conflict,
               "the session lost its lock: is there a pooler that shares sessions (transaction mode)?");
}

void LockByPostgres::publish(const std::string& problem) {
  const bool leads = holder_.leads(LeaseClock::now());
  published_.publish(holder_.leads_from(), holder_.leads_until(), leads ? lock_.identity : holder_name_,
                     problem);
}

}  // namespace

std::unique_ptr<LeaderElection> make_postgres_lock(PostgresLock lock, LeaderElection::Changed changed) {
  return std::make_unique<LockByPostgres>(std::move(lock), std::move(changed));
}

}  // namespace forewarm
