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
  /// What the disk said no to, once: empty when there was nothing or when it was asked for already.
  std::string take_error();

 private:
  bool open_file();
  void close_file();
  void delete_oldest();
  void lose(const std::string& what);

  Options options_;
  std::string buffer_;
  std::uint64_t buffered_lines_ = 0;
  int file_ = -1;
  std::uint64_t file_size_ = 0;
  std::uint64_t lines_lost_ = 0;
  std::string error_;
  bool error_told_ = false;
};

/// Reads the files of a directory, oldest first, and gives each record to `take` until that returns false.
/// Lines that cannot be read (a power cut, a foreign file) are skipped; their number is the result. NotFound
/// when there is no log.
Result<std::uint64_t> read_decision_files(const std::string& directory,
                                          const std::function<bool(DecisionRecord)>& take);

}  // namespace forewarm
