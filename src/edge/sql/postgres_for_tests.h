#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "edge/files/temporary_folder.h"

#include "edge/postgres/connection.h"

namespace forewarm {

/// Debian's PostgreSQL in a temporary folder, on a Unix socket there; for tests. It ends with the test.
class PostgresForTests {
 public:
  /// The programs' folder of the newest version; empty where none is installed.
  static std::filesystem::path programs() {
    std::filesystem::path newest;
    int most = 0;
    std::error_code none;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
      const int number = std::atoi(version.path().filename().c_str());
      if (number <= most || !std::filesystem::exists(version.path() / "bin/postgres")) continue;
      most = number;
      newest = version.path() / "bin";
    }
    return newest;
  }
  /// One for all tests of this process; null where it is not installed or does not start.
  static PostgresForTests* shared() {
    static const std::unique_ptr<PostgresForTests> one = make();
    return one.get();
  }

  ~PostgresForTests() { crash(); }

  std::string url() const { return "postgresql:///postgres?user=forewarm&host=" + folder_.string(); }
  /// One statement in a session of its own; the first cell of the answer.
  std::string ask(const std::string& statement) const {
    auto session = PostgresConnection::open(url(), "", "test", {});
    if (!session) return "no session: " + session.error().message;
    const auto rows = (*session)->query(statement, {}, {});
    if (!rows) return rows.error().message;
    return rows->empty() || rows->front().empty() ? "" : rows->front().front().value_or("NULL");
  }
  /// No more than that it answers.
  bool start() {
    const std::string data = folder_ / "data", socket = folder_;
    process_ = spawn({(programs() / "postgres").string(), "-D", data, "-k", socket, "-c",
                      "listen_addresses=", "-c", "fsync=off"});
    for (int i = 0; i < 600; ++i) {
      if (PostgresConnection::open(url(), "", "test", {})) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }
  /// As after a power cut: no session hears of it.
  void crash() {
    if (process_ <= 0) return;
    ::kill(process_, SIGQUIT);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }

 private:
  static std::unique_ptr<PostgresForTests> make() {
    if (programs().empty()) return nullptr;
    auto server = std::unique_ptr<PostgresForTests>(new PostgresForTests());
    const std::string& folder = server->temporary_.path();
    if (const passwd* account = server->account())
      if (::chown(folder.c_str(), account->pw_uid, account->pw_gid) != 0) return nullptr;
    const pid_t made = server->spawn({(programs() / "initdb").string(), "-D", folder + "/data", "-U",
                                      "forewarm", "--auth=trust", "--no-sync", "--no-instructions"});
    int status = 1;
    ::waitpid(made, &status, 0);
    return status == 0 && server->start() ? std::move(server) : nullptr;
  }
  /// It does not run as root.
  static const passwd* account() { return ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr; }
  pid_t spawn(std::vector<std::string> words) const {
    std::vector<char*> arguments;
    for (std::string& each : words) arguments.push_back(each.data());
    arguments.push_back(nullptr);
    const passwd* other = account();
    const std::string log = (folder_ / "log").string();
    const pid_t child = ::fork();
    if (child != 0) return child;
    bool ready = ::chdir("/") == 0;
    if (other != nullptr) ready = ready && ::setgid(other->pw_gid) == 0 && ::setuid(other->pw_uid) == 0;
    const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ready = ready && file >= 0 && ::dup2(file, 1) == 1 && ::dup2(file, 2) == 2;
    ready = ready && ::prctl(PR_SET_PDEATHSIG, SIGQUIT) == 0;
    if (ready) ::execv(arguments.front(), arguments.data());
    ::_exit(127);
  }

  TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
  pid_t process_ = 0;
};

}  // namespace forewarm
