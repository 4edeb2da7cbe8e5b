#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/observe/decision_record.h"

namespace forewarm {

/// Appends lines to numbered files in a directory, starts a new file at a size and deletes the oldest beyond
/// a total. An error of the disk loses lines, which are counted, and never harms the caller.
class DecisionFiles {
 public:
  struct Options {
    std::string directory = {};  ///< created when the first line is written
    std::uint64_t file_bytes = 8ULL << 20;
    std::uint64_t total_bytes = 128ULL << 20;
    std::size_t buffer_bytes = 64U << 10;  ///< written out at this size or by flush()
  };
  explicit DecisionFiles(Options options);
  ~DecisionFiles();  ///< writes what is buffered
  DecisionFiles(const DecisionFiles&) = delete;
  DecisionFiles& operator=(const DecisionFiles&) = delete;

  void append(std::string_view line);
  void flush();
  std::uint64_t lines_lost() const { return lines_lost_; }
  /// What the disk said no to, and that it takes lines again: each once, empty when nothing has changed.
  std::string take_notice();

 private:
  bool open_file();
  void close_file();
  void delete_oldest();
  std::size_t end_of_lines(std::size_t written);
  void lose(const std::string& why, std::size_t kept);

  Options options_;
  std::string buffer_;
  int file_ = -1;
  std::uint64_t file_size_ = 0;
  std::uint64_t lines_lost_ = 0;
  std::uint64_t lost_in_a_row_ = 0;
  std::string notice_;
  bool failing_ = false;  ///< the last flush lost lines, and that was said
};

/// Reads the files of a directory, oldest first, and gives each record to `take` until that returns false.
/// Lines that cannot be read (a power cut, a foreign file) are skipped; their number is the result. NotFound
/// when there is no log.
Result<std::uint64_t> read_decision_files(const std::string& directory,
                                          const std::function<bool(DecisionRecord)>& take);

}  // namespace forewarm
