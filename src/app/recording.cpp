#include "app/recording.h"

#include <filesystem>
#include <vector>

#include "core/model/text.h"
#include "core/orchestrator.h"

namespace forewarm {
namespace {

constexpr std::size_t kBufferBytes = 256U << 10;
constexpr std::uint64_t kAuditSeed = 1;  ///< a server's core and its audit begin alike

/// The lines of a file with their numbers, and one line of looking ahead.
class Lines {
 public:
  explicit Lines(const std::string& path) : file_(path, std::ios::binary) { advance(); }

  bool good() const { return has_line_; }
  const std::string& line() const { return line_; }
  std::uint64_t number() const { return number_; }
  std::uint64_t bytes() const { return bytes_; }
  void advance() {
    has_line_ = static_cast<bool>(std::getline(file_, line_));
    // A server that was killed may have left half a line.
    if (has_line_ && file_.eof()) has_line_ = false;
    ++number_;
    bytes_ += line_.size() + 1;
  }

 private:
  std::ifstream file_;
  std::string line_;
  bool has_line_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::open(Options options) {
  std::unique_ptr<Recorder> recorder(new Recorder(std::move(options)));
  recorder->file_.open(recorder->options_.path, std::ios::binary | std::ios::trunc);
  if (!recorder->file_) {
    return error(ErrorCode::Io, recorder->options_.path +
                                    ": cannot be written; give --record a file in a folder that exists");
  }
  return recorder;
}

void Recorder::write(const TimedEvent& event, const Actions& actions) {
  if (ended_) return;
  write_text(event, buffer_);
  for (const Action& action : actions) write_text(action, buffer_);
  if (buffer_.size() >= kBufferBytes) flush();
}

void Recorder::flush() {
  if (ended_) return;
  file_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  file_.flush();
  written_ += buffer_.size();
  buffer_.clear();
  if (!file_) {
    end("cannot be written any more");
  } else if (written_ >= options_.bytes_max) {
    end("has reached its size limit");
  }
}

void Recorder::end(std::string_view why) {
  ended_ = true;
  buffer_ = {};
  file_.close();
  if (options_.warn)
    options_.warn("the recording " + options_.path + " " + std::string(why) + " and ends here");
}

Result<AuditResult> audit_recording(const std::string& path, const std::function<void(double)>& progress) {
  std::error_code code;
  const auto size = std::filesystem::file_size(path, code);
  if (code) return error(ErrorCode::NotFound, path + ": " + code.message());
  Lines lines(path);
  Orchestrator core({.seed = kAuditSeed, .make_scaler = {}});
  Actions actions;
  AuditResult result;
  std::string replayed;
  while (lines.good()) {
    const Result<TimedEvent> event = read_event(lines.line());
    if (!event)
      return error(ErrorCode::Invalid,
                   path + ":" + std::to_string(lines.number()) + ":" + event.error().message);
    lines.advance();
    actions.clear();
    core.step(event->time, event->event, actions);
    ++result.events;
    for (const Action& action : actions) {
      replayed.clear();
      write_text(action, replayed);
      if (!replayed.empty() && replayed.back() == '\n') replayed.pop_back();
      if (!lines.good()) return result;  // it ends in the middle of a step
      if (lines.line() != replayed) {
        result.first_difference_line = lines.number();
        result.recorded = lines.line();
        result.replayed = replayed;
        return result;
      }
      ++result.actions;
      lines.advance();
    }
    if (lines.good() && lines.line().starts_with(' ')) {
      result.first_difference_line = lines.number();
      result.recorded = lines.line();
      return result;
    }
    if (progress && result.events % 10'000 == 0)
      progress(static_cast<double>(lines.bytes()) / static_cast<double>(size));
  }
  // Nothing compared must not read as nothing different.
  if (result.events == 0)
    return error(ErrorCode::Invalid,
                 path + ": there is no whole event in it; is it a recording of serve --record?");
  return result;
}

}  // namespace forewarm
