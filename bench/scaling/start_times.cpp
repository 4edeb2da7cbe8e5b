#include "scaling/start_times.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "edge/trace/csv.h"
#include "edge/trace/gzip.h"

namespace forewarm::bench {
namespace {

constexpr std::size_t kLevels = 1000;

/// What of a file is start times: those rows whose `kind` is wanted, in milliseconds.
struct RecordedStarts {
  std::string file, kind_column, value_column;
  std::function<bool(std::string_view kind)> wanted;
};

DurationDistribution distribution_of(std::vector<double> milliseconds) {
  std::ranges::sort(milliseconds);
  std::vector<DurationDistribution::Percentile> percentiles;
  for (std::size_t i = 0; i <= kLevels; ++i) {
    const std::size_t at = i * (milliseconds.size() - 1) / kLevels;
    percentiles.push_back(
        {static_cast<double>(i) / static_cast<double>(kLevels), from_seconds(milliseconds[at] / 1000)});
  }
  return DurationDistribution::empirical(std::move(percentiles));
}

Result<DurationDistribution> read_starts(const std::string& path, const RecordedStarts& recorded) {
  std::vector<double> milliseconds;
  std::size_t kind = kNoColumn, value = kNoColumn;
  const CsvReader* self = nullptr;
  CsvReader reader(path, [&](const CsvRow& row) -> Result<void> {
    if (value == kNoColumn) {
      kind = find_column(row, recorded.kind_column);
      value = find_column(row, recorded.value_column);
      if (kind == kNoColumn || value == kNoColumn)
        return self->fail(row.place(0),
                          "expected the columns " + recorded.kind_column + " and " + recorded.value_column);
      return {};
    }
    if (row.fields.size() <= std::max(kind, value)) return self->fail(row.place(0), "a field is missing");
    if (!recorded.wanted(row.fields[kind])) return {};
    const std::optional<double> took = finite_number(row.fields[value]);
    if (!took || *took < 0) return self->fail(row.place(value), "expected milliseconds, 0 or more");
    milliseconds.push_back(*took);
    return {};
  });
  self = &reader;
  if (Result<void> read = read_file_pieces(path, [&](std::string_view bytes) { return reader.feed(bytes); });
      !read)
    return std::unexpected(read.error());
  if (Result<void> read = reader.finish(); !read) return std::unexpected(read.error());
  if (milliseconds.empty()) return error(ErrorCode::Invalid, path + ": no start times");
  return distribution_of(std::move(milliseconds));
}

}  // namespace

Result<std::vector<StartModel>> start_models(const std::string& folder) {
  const std::string clouds = "coldstart/cold_latency_samples_2019_2021.csv.gz";
  const std::string models = "alibaba_gentd26/load_latency.csv.gz";
  struct Source {
    StartModel fitted;
    std::optional<RecordedStarts> recorded;
  };
  const Source sources[] = {
      {{"lambda", DurationDistribution::log_normal(448ms, 0.174)},
       RecordedStarts{clouds, "cloud", "latency_ms", [](std::string_view kind) { return kind == "aws"; }}},
      {{"functions", DurationDistribution::log_normal(1345ms, 1.326)},
       RecordedStarts{clouds, "cloud", "latency_ms", [](std::string_view kind) { return kind != "aws"; }}},
      {{"pod", DurationDistribution::log_normal(15s, 0.5)}, std::nullopt},
      {{"model", DurationDistribution::log_normal(21s, 0.462)},
       RecordedStarts{models, "kind", "ms",
                      [](std::string_view kind) { return kind == "base_model_load"; }}}};
  std::vector<StartModel> all;
  for (const auto& [fitted, recorded] : sources) {
    all.push_back(fitted);
    if (!recorded || !std::filesystem::exists(std::filesystem::path(folder) / recorded->file)) continue;
    const Result<DurationDistribution> read =
        read_starts((std::filesystem::path(folder) / recorded->file).string(), *recorded);
    if (!read) return std::unexpected(read.error());
    all.back().time = *read;
    all.back().recorded = true;
  }
  return all;
}

}  // namespace forewarm::bench
