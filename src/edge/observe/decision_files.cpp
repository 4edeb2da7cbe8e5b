#include "edge/observe/decision_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

namespace forewarm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "decisions-";
constexpr std::string_view kSuffix = ".jsonl";

/// The number in "decisions-00000012.jsonl"; 0 for any other name.
std::uint64_t number_of(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return 0;
  std::uint64_t number = 0;
  for (std::size_t i = kPrefix.size(); i < name.size() - kSuffix.size(); ++i) {
    if (name[i] < '0' || name[i] > '9' || i > kPrefix.size() + 15) return 0;
    number = number * 10 + static_cast<std::uint64_t>(name[i] - '0');
  }
  return number;
}

struct LogFile {
  std::uint64_t number = 0;
  fs::path path;
  std::uint64_t bytes = 0;
};

std::vector<LogFile> list_files(const std::string& directory) {
  std::vector<LogFile> files;
  std::error_code failed;
  for (fs::directory_iterator entry(directory, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::uint64_t number = number_of(entry->path().filename().string());
    std::error_code unknown;
    const std::uint64_t bytes = entry->file_size(unknown);
    if (number > 0) files.push_back({number, entry->path(), unknown ? 0 : bytes});
  }
  std::sort(files.begin(), files.end(),
            [](const LogFile& a, const LogFile& b) { return a.number < b.number; });
  return files;
}

fs::path path_of(const std::string& directory, std::uint64_t number) {
  char name[48];
  std::snprintf(name, sizeof name, "decisions-%08llu.jsonl", static_cast<unsigned long long>(number));
  return fs::path(directory) / name;
}

}  // namespace

DecisionFiles::DecisionFiles(Options options) : options_(std::move(options)) {}

DecisionFiles::~DecisionFiles() {
  flush();
  close_file();
}

void DecisionFiles::append(std::string_view line) {
  buffer_ += line;
  buffer_ += '\n';
  if (buffer_.size() >= options_.buffer_bytes) flush();
}

void DecisionFiles::flush() {
  if (buffer_.empty()) return;
  if (file_ >= 0 && file_size_ >= options_.file_bytes) close_file();
  if (file_ < 0 && !open_file()) return;
  std::size_t written = 0;
  while (written < buffer_.size()) {
    const ssize_t n = ::write(file_, buffer_.data() + written, buffer_.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    written += static_cast<std::size_t>(n);
  }
  if (written < buffer_.size()) {
    const std::string why = std::generic_category().message(errno);
    lose("cannot write the decision log in " + options_.directory + ": " + why, end_of_lines(written));
    return;
  }
  file_size_ += written;
  buffer_.clear();
  if (failing_)
    notice_ =
        "the decision log is written again; " + std::to_string(lost_in_a_row_) + " lines of it are missing";
  failing_ = false;
  lost_in_a_row_ = 0;
}

/// No half a line stays, to which the next would be joined: how much of what was written does.
std::size_t DecisionFiles::end_of_lines(std::size_t written) {
  const std::size_t kept = written == 0 ? 0 : buffer_.rfind('\n', written - 1) + 1;
  file_size_ += kept;
  if (written > kept && ::ftruncate(file_, static_cast<off_t>(file_size_)) != 0) close_file();
  return kept;
}

std::string DecisionFiles::take_notice() {
  return std::exchange(notice_, {});
}

bool DecisionFiles::open_file() {
  std::error_code failed;
  fs::create_directories(options_.directory, failed);
  delete_oldest();
  const std::vector<LogFile> files = list_files(options_.directory);
  const fs::path path = path_of(options_.directory, files.empty() ? 1 : files.back().number + 1);
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
  file_size_ = 0;
  if (file_ >= 0) return true;
  lose("cannot create " + path.string() + ": " + std::generic_category().message(errno), 0);
  return false;
}

void DecisionFiles::close_file() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

void DecisionFiles::delete_oldest() {
  const std::vector<LogFile> files = list_files(options_.directory);
  std::uint64_t total = options_.file_bytes;  // room for the one that is begun
  for (const LogFile& file : files) total += file.bytes;
  for (const LogFile& file : files) {
    if (total <= options_.total_bytes) return;
    std::error_code failed;
    fs::remove(file.path, failed);
    if (!failed) total -= file.bytes;
  }
}

/// All of the buffer but its first `kept` bytes.
void DecisionFiles::lose(const std::string& why, std::size_t kept) {
  const auto lines = std::count(buffer_.begin() + static_cast<std::ptrdiff_t>(kept), buffer_.end(), '\n');
  lines_lost_ += static_cast<std::uint64_t>(lines);
  lost_in_a_row_ += static_cast<std::uint64_t>(lines);
  buffer_.clear();
  if (!std::exchange(failing_, true)) notice_ = why;
}

Result<std::uint64_t> read_decision_files(const std::string& directory,
                                          const std::function<bool(DecisionRecord)>& take) {
  const std::vector<LogFile> files = list_files(directory);
  if (files.empty()) {
    return error(ErrorCode::NotFound, "there is no decision log in " + directory +
                                          "; a server with --data DIR writes one to DIR/decisions");
  }
  std::uint64_t unread = 0;
  for (const LogFile& file : files) {
    std::ifstream stream(file.path, std::ios::binary);
    std::string line;
    while (std::getline(stream, line)) {
      Result<DecisionRecord> record = read_decision(line);
      if (!record) {
        ++unread;
        continue;
      }
      if (!take(std::move(*record))) return unread;
    }
  }
  return unread;
}

}  // namespace forewarm
