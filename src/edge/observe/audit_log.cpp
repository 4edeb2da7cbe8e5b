#include "edge/observe/audit_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "edge/observe/clock_text.h"
#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

/// audit.jsonl is the newest; audit.1.jsonl was it before, and so on.
std::string audit_path(const std::string& directory, std::size_t age) {
  return directory + (age == 0 ? "/audit.jsonl" : "/audit." + std::to_string(age) + ".jsonl");
}

}  // namespace

AuditLog::AuditLog(Options options) : options_(std::move(options)) {}

AuditLog::~AuditLog() {
  if (file_ >= 0) ::close(file_);
}

Result<void> AuditLog::open() {
  std::error_code failure;
  fs::create_directories(options_.directory, failure);
  const std::string path = audit_path(options_.directory, 0);
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0)
    return error(ErrorCode::Io,
                 "cannot write the audit log " + path + ": " + std::generic_category().message(errno));
  struct stat status {};
  bytes_ = ::fstat(file_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  return {};
}

void AuditLog::rotate() {
  ::close(std::exchange(file_, -1));
  std::error_code ignored;
  fs::remove(audit_path(options_.directory, options_.files_max - 1), ignored);
  for (std::size_t age = options_.files_max - 1; age > 0; --age)
    fs::rename(audit_path(options_.directory, age - 1), audit_path(options_.directory, age), ignored);
}

Result<void> AuditLog::append(const AuditEntry& entry) {
  std::string line;
  JsonWriter json(line);
  json.open_object().member(
      "time",
      utc_text(std::chrono::system_clock::time_point(std::chrono::microseconds(count_us(entry.time)))));
  json.member("principal", entry.principal).member("action", entry.action).member("target", entry.target);
  if (!entry.details.empty()) json.member("details", entry.details);
  json.member("result", entry.result).close_object();
  line += '\n';
  if (file_ >= 0 && bytes_ + line.size() > options_.file_bytes_max) rotate();
  if (file_ < 0) {
    if (auto opened = open(); !opened) return opened;
  }
  const ssize_t written = ::write(file_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) {
    // No half a line, to which the next would be joined.
    if (written > 0) (void)!::ftruncate(file_, static_cast<off_t>(bytes_));
    return error(ErrorCode::Io,
                 "cannot write the audit log in " + options_.directory + ": " +
                     (written < 0 ? std::generic_category().message(errno) : "no space is left"));
  }
  bytes_ += line.size();
  return {};
}

std::vector<std::string> read_audit(const std::string& directory, std::size_t limit) {
  std::vector<std::string> newest_first;
  std::error_code ignored;
  for (std::size_t age = 0; newest_first.size() < limit && fs::exists(audit_path(directory, age), ignored);
       ++age) {
    std::ifstream file(audit_path(directory, age));
    std::deque<std::string> lines;
    for (std::string line; std::getline(file, line);) {
      lines.push_back(std::move(line));
      if (lines.size() + newest_first.size() > limit) lines.pop_front();
    }
    newest_first.insert(newest_first.end(), lines.rbegin(), lines.rend());
  }
  std::ranges::reverse(newest_first);
  return newest_first;
}

}  // namespace forewarm
