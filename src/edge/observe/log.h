#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace forewarm {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };
/// "debug", "info", "warning" or "error"; Invalid with these names otherwise.
Result<LogLevel> parse_log_level(std::string_view text);

/// One key and its value. Text is not copied: it must live until the call returns.
struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;

  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, bool flag) : key(name), value(flag) {}
  LogField(std::string_view name, double number) : key(name), value(number) {}
  LogField(std::string_view name, std::int64_t number) : key(name), value(number) {}
  LogField(std::string_view name, std::uint64_t number) : key(name), value(number) {}
  LogField(std::string_view name, int number) : key(name), value(std::int64_t{number}) {}
  LogField(std::string_view name, unsigned number) : key(name), value(std::uint64_t{number}) {}
};

enum class LogFormat : std::uint8_t { Json, Plain, Coloured };
/// Json unless the descriptor is a terminal; there Coloured, or Plain where NO_COLOR is set (no-color.org).
LogFormat log_format_for(int descriptor);

/// A line as it is written, without the newline. Control characters are escaped, so that no field can forge a
/// line or command a terminal; the value of a field whose key names a secret is replaced.
std::string format_log_line(LogFormat format, std::chrono::system_clock::time_point at, LogLevel level,
                            std::string_view message, std::initializer_list<LogField> fields);

/// The server's log, on standard error: what an operator needs to know, never what a message contains.
///
/// Lines are written by a thread of their own and the oldest are dropped when that cannot keep up, because a
/// paused terminal or a full pipe must not stop the server. Safe on any thread.
class Log {
 public:
  struct Options {
    LogLevel level = LogLevel::Info;
    int descriptor = 2;  ///< not owned
    LogFormat format = LogFormat::Json;
    std::size_t lines_max = 1024;  ///< waiting to be written
  };
  explicit Log(const Options& options);
  ~Log();  ///< writes what is waiting
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Info, message, fields);
  }
  void warning(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Warning, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Error, message, fields);
  }
  bool enabled(LogLevel level) const { return level >= level_; }
  std::uint64_t dropped() const;  ///< lines that were not written because too many were waiting

 private:
  struct Writer;
  LogLevel level_;
  LogFormat format_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace forewarm
