#pragma once

#include <memory>
#include <string>

#include "edge/leader/leader_election.h"
#include "edge/leader/lock_holder.h"

namespace forewarm {

/// Leads by an advisory lock of a PostgreSQL session (PostgreSQL documentation, 13.3.5): taken by
/// pg_try_advisory_lock, kept as long as the session lasts. On a thread of its own.
struct PostgresLock {
  std::string url;
  std::string
      password_file{};   ///< its first line, read for each session; empty: in the URL or the environment
  std::string name;      ///< of what is led; copies that share it and the database take turns
  std::string identity;  ///< the session's application_name, by which others know who leads
  LockHolder::Settings timing{};
  Duration retry = 2s;  ///< between two questions
};
std::unique_ptr<LeaderElection> make_postgres_lock(PostgresLock lock, LeaderElection::Changed changed);

}  // namespace forewarm
