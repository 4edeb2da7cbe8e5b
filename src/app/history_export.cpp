#include "app/history_export.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "edge/observe/clock_text.h"
#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

void append_number(std::string& out, double value) {
  char buffer[32];
  if (!std::isnan(value)) out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

/// Seconds with the milliseconds that there are.
void append_seconds(std::string& out, std::int64_t ms) {
  out += std::to_string(ms / 1000);
  if (ms % 1000 != 0) out += "." + std::to_string(1000 + ms % 1000).substr(1);
}

/// What the import calls the column.
std::string_view csv_name(std::string_view column) {
  if (column == "arrivals") return "count";
  if (column == "mean") return "value";
  return column;
}

template <class M>
std::string csv_head_line() {
  std::string header =
      "timestamp_s," + std::string(kSeriesKinds[static_cast<std::size_t>(kKindOf<M>)]) + ",step_s";
  M any{};
  describe(
      [&](std::string_view name, Joined, const auto& value) {
        if constexpr (std::same_as<std::decay_t<decltype(value)>, double>)
          header += "," + std::string(csv_name(name));
      },
      any);
  return header;
}

template <class M>
void append_csv_row(std::string& line, const std::string& name, const Measured<M>& one) {
  append_seconds(line, count_ms(one.start));
  line += "," + name + ",";
  append_seconds(line, count_ms(one.step));
  describe(
      [&](std::string_view, Joined, const auto& value) {
        if constexpr (std::same_as<std::decay_t<decltype(value)>, double>) {
          line += ',';
          append_number(line, value);
        }
      },
      one.measures);
}

template <class M>
class HistoryWriter {
 public:
  HistoryWriter(const ExportOptions& options, std::ostream& out) : options_(options), out_(out) {
    if (options.json_lines) return;
    out_ << csv_head_line<M>() << "\n";
  }

  void write(const std::string& name, const Measured<M>& one) {
    line_.clear();
    options_.json_lines ? json(name, one) : append_csv_row(line_, name, one);
    out_ << line_ << "\n";
    ++written_;
  }
  std::uint64_t written() const { return written_; }

 private:
  static std::string_view kind() { return kSeriesKinds[static_cast<std::size_t>(kKindOf<M>)]; }

  void json(const std::string& name, const Measured<M>& one) {
    line_ += "{\"kind\":\"" + std::string(kind()) + "\",\"name\":";
    write_json_string(name, line_);
    line_ += ",\"time\":\"" + utc_text(one.start) + "\",\"step_seconds\":";
    append_seconds(line_, count_ms(one.step));
    describe(
        [&](std::string_view column, Joined, const auto& value) {
          line_ += ",\"" + std::string(column) + "\":";
          if constexpr (std::same_as<std::decay_t<decltype(value)>, double>) {
            std::isnan(value) ? line_ += "null" : (append_number(line_, value), line_);
          } else {
            line_ += value.empty() ? "{}" : value.text();
          }
        },
        one.measures);
    line_ += "}";
  }

  const ExportOptions& options_;
  std::ostream& out_;
  std::string line_;
  std::uint64_t written_ = 0;
};

template <class M>
Result<std::uint64_t> export_kind(HistoryDatabase& database, const std::vector<std::string>& names,
                                  const ExportOptions& options, std::ostream& out,
                                  const std::function<void(double)>& progress) {
  HistoryWriter<M> writer(options, out);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto take = [&](const Measured<M>& one) { writer.write(names[i], one); };
    if (Result<void> done = database.read<M>(names[i], options.from, options.to, take); !done)
      return std::unexpected(done.error());
    if (!out) return error(ErrorCode::Io, "the output takes no more; is its disk full?");
    progress(static_cast<double>(i + 1) / static_cast<double>(names.size()));
  }
  return writer.written();
}

template <class M>
Result<std::map<Duration, std::string>> csv_texts(HistoryDatabase& database,
                                                  const std::vector<std::string>& names, TimePoint from,
                                                  TimePoint to) {
  std::map<Duration, std::string> texts;
  for (const std::string& name : names) {
    const auto take = [&](const Measured<M>& one) {
      std::string& text = texts[one.step];
      if (text.empty()) text = csv_head_line<M>() + "\n";
      append_csv_row(text, name, one);
      text += "\n";
    };
    if (Result<void> done = database.read<M>(name, from, to, take); !done)
      return std::unexpected(done.error());
  }
  return texts;
}

}  // namespace

std::string csv_header(SeriesKind kind) {
  if (kind == SeriesKind::Function) return csv_head_line<FunctionMeasures>();
  if (kind == SeriesKind::Signal) return csv_head_line<SignalMeasures>();
  return csv_head_line<QueueMeasures>();
}

Result<std::map<Duration, std::string>> export_by_step(HistoryDatabase& database, SeriesKind kind,
                                                       const std::vector<std::string>& names, TimePoint from,
                                                       TimePoint to) {
  if (kind == SeriesKind::Function) return csv_texts<FunctionMeasures>(database, names, from, to);
  if (kind == SeriesKind::Signal) return csv_texts<SignalMeasures>(database, names, from, to);
  return csv_texts<QueueMeasures>(database, names, from, to);
}

Result<std::uint64_t> export_history(HistoryDatabase& database, const ExportOptions& options,
                                     std::ostream& out, const std::function<void(double)>& progress) {
  const auto list = database.list();
  if (!list) return std::unexpected(list.error());
  std::vector<std::string> names;
  for (const SeriesSummary& one : *list) {
    const bool wanted =
        options.names.empty() || std::ranges::find(options.names, one.name) != options.names.end();
    if (one.kind == options.kind && wanted) names.push_back(one.name);
  }
  for (const std::string& wanted : options.names) {
    if (std::ranges::find(names, wanted) == names.end())
      return error(ErrorCode::NotFound,
                   "there is no history of the " +
                       std::string(kSeriesKinds[static_cast<std::size_t>(options.kind)]) + " '" + wanted +
                       "'; forewarm history list shows what there is");
  }
  if (options.kind == SeriesKind::Function)
    return export_kind<FunctionMeasures>(database, names, options, out, progress);
  if (options.kind == SeriesKind::Signal)
    return export_kind<SignalMeasures>(database, names, options, out, progress);
  return export_kind<QueueMeasures>(database, names, options, out, progress);
}

}  // namespace forewarm
