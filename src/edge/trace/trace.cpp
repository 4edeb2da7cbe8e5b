#include "edge/trace/trace.h"

#include <filesystem>
#include <optional>
#include <system_error>

#include "edge/trace/gzip.h"
#include "edge/trace/trace_parser.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> first_there(const fs::path& folder, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / name, ignored)) return folder / name;
  }
  return std::nullopt;
}

Result<void> link_durations(const fs::path& folder, Trace& trace) {
  const std::optional<fs::path> file = first_there(folder, {"functions.csv", "functions.csv.gz"});
  if (!file) return {};
  DurationsParser parser(file->string(), trace);
  Result<void> read =
      read_file_pieces(file->string(), [&](std::string_view bytes) { return parser.feed(bytes); });
  return read ? parser.finish() : read;
}

}  // namespace

Result<std::string> trace_file(const std::string& path) {
  std::error_code code;
  if (fs::is_directory(path, code)) {
    const auto inside = first_there(path, {"trace.csv", "trace.csv.gz", "messages.csv", "messages.csv.gz"});
    if (inside) return inside->string();
    return error(ErrorCode::NotFound,
                 path + ": no trace.csv, trace.csv.gz, messages.csv or messages.csv.gz in this folder");
  }
  if (fs::exists(path, code)) return path;
  return error(ErrorCode::NotFound,
               path + ": no such file or folder; give a trace file or a folder with one");
}

Result<Trace> read_trace(const std::string& path, const TraceOptions& options) {
  const Result<std::string> file = trace_file(path);
  if (!file) return std::unexpected(file.error());
  TraceParser parser(*file, options);
  Result<void> read = read_file_pieces(*file, [&](std::string_view bytes) { return parser.feed(bytes); });
  if (!read) return std::unexpected(read.error());
  Result<Trace> trace = parser.finish();
  if (!trace) return trace;
  if (Result<void> linked = link_durations(fs::path(*file).parent_path(), *trace); !linked)
    return std::unexpected(linked.error());
  return trace;
}

}  // namespace forewarm
