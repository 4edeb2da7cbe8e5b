#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/model/action.h"
#include "core/model/event.h"

namespace forewarm {

/// Writes every event with its actions to a file (docs/formats/recording.md): a complete recording of a run,
/// without message bodies. A recording is useful from its first line on only, so at its size limit it ends,
/// and says so, instead of throwing its beginning away.
class Recorder {
 public:
  struct Options {
    std::string path;
    std::uint64_t bytes_max = 1ULL << 30;
    std::function<void(std::string_view)> warn;
  };
  static Result<std::unique_ptr<Recorder>> open(Options options);

  void write(const TimedEvent& event, const Actions& actions);
  void flush();

 private:
  explicit Recorder(Options options) : options_(std::move(options)) {}
  void end(std::string_view why);

  Options options_;
  std::ofstream file_;
  std::string buffer_;
  std::uint64_t written_ = 0;
  bool ended_ = false;
};

struct AuditResult {
  std::uint64_t events = 0;
  std::uint64_t actions = 0;
  std::uint64_t first_difference_line = 0;  ///< 0: the same byte for byte
  std::string recorded;
  std::string replayed;
};
/// Steps a fresh core through a recording's events and compares its actions with the recorded ones, byte for
/// byte. Invalid with the line where the file is not a recording.
Result<AuditResult> audit_recording(const std::string& path, const std::function<void(double)>& progress);

}  // namespace forewarm
