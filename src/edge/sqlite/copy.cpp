#include "edge/sqlite/copy.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "edge/sqlite/sqlite.h"

namespace forewarm::sqlite {
namespace {

constexpr int kPagesAtATime = 256;  // 1 MiB
constexpr int kBusyMs = 5000;

Result<void> open_source(Connection& source, const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return error(ErrorCode::NotFound, "there is no " + path);
  Code code = source.open(path, nullptr, false);
  if (code == kOk) {
    source.forbid_checkpoint_on_close();
    sqlite3_busy_timeout(source.handle(), kBusyMs);
    // The first read is what takes the snapshot.
    code = source.execute("BEGIN; SELECT count(*) FROM sqlite_schema");
  }
  if (code != kOk) return std::unexpected(to_error(code, "reading", path));
  return {};
}

Result<void> copy_pages(Connection& source, Connection& target, const std::string& from,
                        const std::string& to, const CopyProgress& progress) {
  sqlite3_backup* backup = sqlite3_backup_init(target.handle(), "main", source.handle(), "main");
  if (backup == nullptr)
    return std::unexpected(to_error(sqlite3_extended_errcode(target.handle()), "writing to", to));
  Code code = kOk;
  bool go_on = true;
  while (code == kOk && go_on) {
    code = sqlite3_backup_step(backup, kPagesAtATime);
    const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup));
    const auto left = static_cast<std::uint64_t>(sqlite3_backup_remaining(backup));
    if (progress) go_on = progress(total - left, total);
  }
  const Code finished = sqlite3_backup_finish(backup);
  if (!go_on && code != SQLITE_DONE) return error(ErrorCode::Closed, "the copy of " + from + " was given up");
  if (code == SQLITE_DONE) code = finished;
  if (code != kOk) return std::unexpected(to_error(code, "copying " + from + " to", to));
  return {};
}

Result<void> sync_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const std::string reason = std::generic_category().message(errno);
  if (file >= 0) ::close(file);
  if (!synced) return error(ErrorCode::Io, "cannot sync " + path + ": " + reason);
  return {};
}

}  // namespace

Result<void> copy_database(const std::string& from, const std::string& to, const CopyProgress& progress,
                           const std::function<Result<void>()>& begun) {
  Connection source;
  if (auto opened = open_source(source, from); !opened) return opened;
  if (begun) {
    if (auto result = begun(); !result) return result;
  }
  {
    Connection target;
    if (const Code code = target.open(to, nullptr, true); code != kOk)
      return std::unexpected(to_error(code, "creating", to));
    if (auto copied = copy_pages(source, target, from, to, progress); !copied) return copied;
    // The header was copied too and says that there is a log; a backup must be whole without one.
    if (const Code code = target.execute("PRAGMA journal_mode = DELETE"); code != kOk)
      return std::unexpected(to_error(code, "writing to", to));
  }
  return sync_file(to);
}

Result<std::vector<std::string>> integrity_problems(const std::string& path, int lines_max) {
  Connection connection;
  if (auto opened = open_source(connection, path); !opened) return std::unexpected(opened.error());
  const std::string sql = "PRAGMA integrity_check(" + std::to_string(lines_max) + ")";
  Statement check;
  std::vector<std::string> problems;
  if (const Code code = check.prepare(connection, sql.c_str()); code != kOk)
    return std::unexpected(to_error(code, "checking", path));
  while (check.next()) {
    const std::string line(check.bytes(0));
    if (line != "ok") problems.push_back(line);
  }
  if (check.code() != kOk) problems.push_back(to_error(check.code(), "checking", path).message);
  return problems;
}

}  // namespace forewarm::sqlite
