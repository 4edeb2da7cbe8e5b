#include "edge/observe/log.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "edge/observe/clock_text.h"
#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

constexpr std::array<std::string_view, 4> kLogLevels = {"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 4> kColours = {"\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kReset = "\x1b[0m";

/// Writes whole lines to a descriptor; an error loses the line, never the server.
class DescriptorSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit DescriptorSink(int descriptor) : descriptor_(descriptor) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string line(message.payload.data(), message.payload.size());
    line += '\n';
    for (std::size_t written = 0; written < line.size();) {
      const ssize_t n = ::write(descriptor_, line.data() + written, line.size() - written);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      written += static_cast<std::size_t>(n);
    }
  }
  void flush_() override {}

 private:
  int descriptor_;
};

bool names_a_secret(std::string_view key) {
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const std::string_view part : {"secret", "password", "passwd", "token", "authorization", "credential",
                                      "access_key", "private_key", "api_key"}) {
    if (lower.find(part) != std::string::npos) return true;
  }
  return false;
}

void write_value(const LogField& field, JsonWriter& json) {
  if (names_a_secret(field.key)) {
    json.value("[hidden]");
    return;
  }
  std::visit([&](const auto& value) { json.value(value); }, field.value);
}

/// Text for people: bare where it is one plain word, quoted and escaped where it is not.
void append_readable(const LogField& field, std::string& line) {
  std::string value;
  JsonWriter json(value);
  write_value(field, json);
  const auto plain = [](char c) {
    return c == '-' || c == '_' || c == '.' || c == ':' || c == '/' || (c >= '0' && c <= '9') ||
           (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  if (value.size() > 2 && value.front() == '"' && std::all_of(value.begin() + 1, value.end() - 1, plain)) {
    line.append(value, 1, value.size() - 2);
  } else {
    line += value;
  }
}

/// A message without its quotes, control characters escaped.
std::string escaped(std::string_view text) {
  std::string quoted;
  write_json_string(text, quoted);
  std::string plain;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && (quoted[i + 1] == '"' || quoted[i + 1] == '\\')) ++i;
    plain += quoted[i];
  }
  return plain;
}

std::string readable_line(bool coloured, std::chrono::system_clock::time_point at, LogLevel level,
                          std::string_view message, std::initializer_list<LogField> fields) {
  const auto index = static_cast<std::size_t>(level);
  const auto paint = [&](std::string_view colour) { return coloured ? colour : std::string_view(); };
  std::string line(paint(kDim));
  line += local_clock_text(at);
  line += paint(kReset);
  line += ' ';
  line += paint(kColours[index]);
  std::string name(kLogLevels[index]);
  name.resize(7, ' ');
  line += name;
  line += paint(kReset);
  line += ' ';
  line += escaped(message);
  for (const LogField& field : fields) {
    line += "  ";
    line += paint(kDim);
    line += escaped(field.key);
    line += '=';
    line += paint(kReset);
    append_readable(field, line);
  }
  return line;
}

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Warning:
      return spdlog::level::warn;
    case LogLevel::Error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view text) {
  for (std::size_t i = 0; i < kLogLevels.size(); ++i)
    if (text == kLogLevels[i]) return static_cast<LogLevel>(i);
  return error(ErrorCode::Invalid,
               "expected a log level (debug, info, warning or error), got \"" + escaped(text) + "\"");
}

LogFormat log_format_for(int descriptor) {
  if (::isatty(descriptor) == 0) return LogFormat::Json;
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  return (no_color != nullptr && *no_color != '\0') || dumb ? LogFormat::Plain : LogFormat::Coloured;
}

std::string format_log_line(LogFormat format, std::chrono::system_clock::time_point at, LogLevel level,
                            std::string_view message, std::initializer_list<LogField> fields) {
  if (format != LogFormat::Json)
    return readable_line(format == LogFormat::Coloured, at, level, message, fields);
  std::string line;
  JsonWriter json(line);
  json.open_object()
      .member("time", utc_text(at))
      .member("level", kLogLevels[static_cast<std::size_t>(level)]);
  json.member("message", message);
  for (const LogField& field : fields) {
    json.key(field.key);
    write_value(field, json);
  }
  json.close_object();
  return line;
}

struct Log::Writer {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

Log::Log(const Options& options)
    : level_(options.level), format_(options.format), writer_(std::make_unique<Writer>()) {
  writer_->pool = std::make_shared<spdlog::details::thread_pool>(options.lines_max, 1);
  writer_->logger =
      std::make_shared<spdlog::async_logger>("forewarm", std::make_shared<DescriptorSink>(options.descriptor),
                                             writer_->pool, spdlog::async_overflow_policy::overrun_oldest);
  writer_->logger->set_level(spdlog::level::debug);
}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!enabled(level)) return;
  const std::string line = format_log_line(format_, std::chrono::system_clock::now(), level, message, fields);
  writer_->logger->log(level_of(level), spdlog::string_view_t(line.data(), line.size()));
}

std::uint64_t Log::dropped() const {
  return writer_->pool->overrun_counter();
}

}  // namespace forewarm
