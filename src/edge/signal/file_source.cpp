#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "edge/signal/line_reader.h"
#include "edge/signal/source.h"

namespace forewarm {
namespace {

/// Of one reading; the rest waits for the next, so that a huge file does not hold up the other sources.
constexpr std::size_t kBytesPerReading = 32U << 20;

class OpenFile {
 public:
  OpenFile() = default;
  explicit OpenFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  bool is_open() const { return fd_ >= 0; }
  struct stat status() const {
    struct stat found {};
    (void)::fstat(fd_, &found);
    return found;
  }
  std::size_t read_at(std::int64_t offset, std::span<char> into) const {
    const ssize_t got = ::pread(fd_, into.data(), into.size(), offset);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }

 private:
  int fd_ = -1;
};

class FileSource : public SignalSource {
 public:
  explicit FileSource(FileSourceOptions options) : options_(std::move(options)), lines_(options_) {}

  Reading read(TimePoint now, const std::stop_token& stop) override {
    Reading reading;
    std::size_t budget = kBytesPerReading;
    if (!file_.is_open() && !open(reading, now)) return reading;
    read_on(now, stop, budget, reading.points);
    // Rotated: the path is another file now. What was written to the old one until then has just been read.
    if (budget > 0 && is_another_file()) {
      lines_.end_file(now, reading.points);
      first_look_ = false;
      file_ = OpenFile();
      if (open(reading, now)) read_on(now, stop, budget, reading.points);
    }
    reading.unchanged = reading.points.taken.empty() && reading.points.malformed == 0 && !reading.failure;
    return reading;
  }
  Duration pause() const override { return options_.every; }

 private:
  bool open(Reading& reading, TimePoint now) {
    file_ = OpenFile(options_.path);
    if (!file_.is_open()) {
      const int why = errno;
      reading.failure = options_.path + ": cannot be opened: " + std::generic_category().message(why);
      first_look_ = false;  // what is written from now on was not there before
      return false;
    }
    const struct stat status = file_.status();
    if (!S_ISREG(status.st_mode)) {
      reading.failure = options_.path + ": expected a file that grows by lines";
      file_ = OpenFile();
      return false;
    }
    begin(now, status.st_size, reading.points);
    return true;
  }

  void begin(TimePoint now, std::int64_t size, Points& points) {
    offset_ = 0;
    lines_.begin_file();
    backlog_end_ = first_look_ ? size : 0;
    const std::int64_t skipped = size - static_cast<std::int64_t>(options_.backlog_bytes);
    if (!first_look_ || skipped <= 0) return;
    if (options_.format == FileSourceOptions::Format::Csv) read_header(now, points);
    offset_ = std::max(offset_, skipped);
    lines_.skip_line();
  }

  void read_header(TimePoint now, Points& points) {
    std::array<char, 64 << 10> bytes{};
    const std::string_view got(bytes.data(), file_.read_at(0, bytes));
    const std::size_t end = got.find('\n');
    if (end == std::string_view::npos) return;
    lines_.feed(got.substr(0, end + 1), now, false, points);
  }

  void read_on(TimePoint now, const std::stop_token& stop, std::size_t& budget, Points& points) {
    if (file_.status().st_size < offset_) {
      offset_ = 0;
      backlog_end_ = 0;
      lines_.begin_file();
    }
    std::vector<char> bytes(256 << 10);
    while (budget > 0 && !stop.stop_requested()) {
      std::size_t wanted = std::min(bytes.size(), budget);
      if (offset_ < backlog_end_) wanted = std::min(wanted, static_cast<std::size_t>(backlog_end_ - offset_));
      const std::size_t got = file_.read_at(offset_, std::span(bytes).first(wanted));
      if (got == 0) break;
      lines_.feed({bytes.data(), got}, now, offset_ >= backlog_end_, points);
      offset_ += static_cast<std::int64_t>(got);
      budget -= got;
    }
    if (offset_ >= backlog_end_) first_look_ = false;
  }

  bool is_another_file() const {
    struct stat there {};
    if (::stat(options_.path.c_str(), &there) != 0)
      return false;  // renamed, and the new one is not there yet
    const struct stat here = file_.status();
    return there.st_ino != here.st_ino || there.st_dev != here.st_dev;
  }

  FileSourceOptions options_;
  LineReader lines_;
  OpenFile file_;
  std::int64_t offset_ = 0;
  std::int64_t backlog_end_ = 0;  ///< up to here the file was there at the first look
  bool first_look_ = true;
};

}  // namespace

std::unique_ptr<SignalSource> make_file_source(FileSourceOptions options) {
  return std::make_unique<FileSource>(std::move(options));
}

}  // namespace forewarm
