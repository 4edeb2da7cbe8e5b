#include "edge/trace/benchmark.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <system_error>

#include "edge/trace/csv.h"
#include "edge/trace/gzip.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

constexpr float kNotMeasured = std::numeric_limits<float>::quiet_NaN();
constexpr double kValueMax = 1e15;
constexpr double kStepsMax = 1e7;
constexpr const char* kColumns[] = {"series", "set",     "step_s", "m1",   "m2",        "h",
                                    "window", "origins", "stride", "t0_s", "regressors"};
constexpr std::size_t kFirstNumber = 2, kNumbers = 8;  // of the columns

/// Cuts a column's values out of the rows of meta.csv.
class MetaReader {
 public:
  explicit MetaReader(const std::string& name)
      : csv_(name, [this](const CsvRow& row) { return columns_[0] == kNoColumn ? header(row) : take(row); }) {
    columns_.fill(kNoColumn);
  }

  Result<std::vector<BenchmarkSeries>> read(std::string_view bytes) {
    Result<void> done = csv_.feed(bytes);
    if (done) done = csv_.finish();
    if (!done) return std::unexpected(done.error());
    if (all_.empty())
      return csv_.fail({.line = 1, .column = 1}, "no series; expected a header and a row a series");
    return std::move(all_);
  }

 private:
  Result<void> header(const CsvRow& row) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      columns_[i] = find_column(row, kColumns[i]);
      if (columns_[i] == kNoColumn)
        return csv_.fail(row.place(0), std::string("no column ") + kColumns[i] + " in \"" +
                                           printable(row.text) + "\"; docs/backtest.md lists the columns");
    }
    return {};
  }

  Result<void> take(const CsvRow& row) {
    const std::size_t needed = *std::max_element(columns_.begin(), columns_.end());
    if (row.fields.size() <= needed)
      return csv_.fail(row.place(row.fields.size()), "expected " + std::to_string(needed + 1) +
                                                         " columns as in the header, found " +
                                                         std::to_string(row.fields.size()));
    std::array<std::uint64_t, kNumbers> numbers{};
    for (std::size_t i = 0; i < kNumbers; ++i) {
      const std::size_t column = columns_[kFirstNumber + i];
      const std::optional<double> value = finite_number(row.fields[column]);
      const bool is_time = i + 1 == kNumbers;
      const double most = is_time ? 1e11 : kStepsMax;
      if (!value || *value != std::floor(*value) || *value < (is_time ? 0 : 1) || *value > most)
        return csv_.fail(row.place(column), std::string(kColumns[kFirstNumber + i]) +
                                                " must be a whole number from " + (is_time ? "0" : "1") +
                                                " on, found \"" + printable(row.fields[column]) + "\"");
      numbers[i] = static_cast<std::uint64_t>(*value);
    }
    BenchmarkSeries one{.set = std::string(row.fields[columns_[1]]), .series = {}, .regressors_file = {}};
    one.series.name = std::string(row.fields[columns_[0]]);
    if (one.series.name.empty() || one.series.name.find('/') != std::string::npos)
      return csv_.fail(row.place(columns_[0]), "a series needs a name that can be a file's");
    one.series.step = std::chrono::seconds(numbers[0]);
    one.season = static_cast<std::uint32_t>(numbers[1]);
    one.long_season = static_cast<std::uint32_t>(numbers[2]);
    one.horizon = numbers[3];
    one.window = numbers[4];
    one.origins = numbers[5];
    one.stride = numbers[6];
    one.series.start = TimePoint(std::chrono::seconds(numbers[7]));
    one.regressors_file = std::string(row.fields[columns_[10]]);
    all_.push_back(std::move(one));
    return {};
  }

  CsvReader csv_;
  std::array<std::size_t, std::size(kColumns)> columns_;
  std::vector<BenchmarkSeries> all_;
};

Result<float> measured(const CsvReader& csv, CsvPlace place, std::string_view text) {
  const std::optional<double> value = finite_number(text);
  if (!value || std::abs(*value) > kValueMax)
    return csv.fail(place, "expected a number or nothing (not measured), found \"" + printable(text) + "\"");
  return static_cast<float>(*value);
}

Result<std::string> read_whole(const fs::path& path) {
  std::error_code code;
  fs::path file = path;
  if (!fs::exists(file, code)) file += ".gz";
  if (!fs::exists(file, code))
    return error(ErrorCode::NotFound, path.string() + ": no such file, and no " + file.filename().string());
  std::string bytes;
  Result<void> read = read_file_pieces(file.string(), [&](std::string_view piece) -> Result<void> {
    bytes += piece;
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return bytes;
}

Result<void> read_one(const fs::path& folder, BenchmarkSeries& one) {
  const fs::path file = folder / (one.series.name + ".csv");
  Result<std::string> bytes = read_whole(file);
  if (!bytes) return std::unexpected(bytes.error());
  Result<std::vector<float>> values = parse_benchmark_values(file.string(), *bytes);
  if (!values) return std::unexpected(values.error());
  one.series.values = std::move(*values);
  const std::size_t needed = one.horizon + (one.origins - 1) * one.stride + 1;
  if (one.series.values.size() < needed)
    return error(ErrorCode::Invalid, file.string() + ": " + std::to_string(one.series.values.size()) +
                                         " steps, and meta.csv asks for origins and horizons that need " +
                                         std::to_string(needed));
  if (one.regressors_file.empty()) return {};
  bytes = read_whole(folder / one.regressors_file);
  if (!bytes) return std::unexpected(bytes.error());
  return parse_benchmark_regressors((folder / one.regressors_file).string(), *bytes, one.series);
}

}  // namespace

Result<std::vector<BenchmarkSeries>> parse_benchmark_meta(const std::string& name, std::string_view bytes) {
  return MetaReader(name).read(bytes);
}

Result<std::vector<float>> parse_benchmark_values(const std::string& name, std::string_view bytes) {
  const CsvReader csv(name, {});
  std::vector<float> values;
  for (std::size_t line = 1; !bytes.empty(); ++line) {
    const std::size_t end = bytes.find('\n');
    std::string_view text = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    const CsvPlace place{.line = line, .column = 1};
    if (line == 1 && text != "y")
      return csv.fail(place, "expected the header y, found \"" + printable(text) + "\"");
    if (line == 1) continue;
    const Result<float> value = text.empty() ? Result<float>(kNotMeasured) : measured(csv, place, text);
    if (!value) return std::unexpected(value.error());
    values.push_back(*value);
  }
  if (values.empty()) return csv.fail({.line = 2, .column = 1}, "no values after the header y");
  return values;
}

Result<void> parse_benchmark_regressors(const std::string& name, std::string_view bytes,
                                        RecordedSeries& into) {
  into.regressor_names.clear();
  into.regressors.clear();
  const CsvReader* self = nullptr;
  CsvReader csv(name, [&](const CsvRow& row) -> Result<void> {
    if (into.regressor_names.empty()) {
      for (const std::string_view field : row.fields) into.regressor_names.emplace_back(field);
      into.regressors.resize(row.fields.size());
      return {};
    }
    if (row.fields.size() != into.regressors.size())
      return self->fail(row.place(row.fields.size()), "expected " + std::to_string(into.regressors.size()) +
                                                          " columns as in the header, found " +
                                                          std::to_string(row.fields.size()));
    for (std::size_t i = 0; i < row.fields.size(); ++i) {
      const Result<float> value =
          row.fields[i].empty() ? Result<float>(kNotMeasured) : measured(*self, row.place(i), row.fields[i]);
      if (!value) return std::unexpected(value.error());
      into.regressors[i].push_back(*value);
    }
    return {};
  });
  self = &csv;
  Result<void> done = csv.feed(bytes);
  if (done) done = csv.finish();
  if (!done) return done;
  const std::size_t rows = into.regressors.empty() ? 0 : into.regressors[0].size();
  if (rows != into.values.size())
    return csv.fail({.line = rows + 1, .column = 1}, std::to_string(rows) + " rows for a series of " +
                                                         std::to_string(into.values.size()) +
                                                         " steps; they must be as many");
  return {};
}

Result<std::vector<BenchmarkSeries>> read_benchmark(const std::string& folder,
                                                    const std::vector<std::string>& sets) {
  const fs::path meta = fs::path(folder) / "meta.csv";
  const Result<std::string> bytes = read_whole(meta);
  if (!bytes) return std::unexpected(bytes.error());
  Result<std::vector<BenchmarkSeries>> all = parse_benchmark_meta(meta.string(), *bytes);
  if (!all) return all;
  std::set<std::string> known;
  for (const BenchmarkSeries& one : *all) known.insert(one.set);
  for (const std::string& wanted : sets) {
    if (known.contains(wanted)) continue;
    std::string names;
    for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
    return error(ErrorCode::NotFound,
                 meta.string() + ": no set \"" + printable(wanted) + "\"; it has " + names);
  }
  if (!sets.empty())
    std::erase_if(*all, [&](const BenchmarkSeries& one) { return std::ranges::count(sets, one.set) == 0; });
  for (BenchmarkSeries& one : *all) {
    if (Result<void> read = read_one(folder, one); !read) return std::unexpected(read.error());
  }
  return all;
}

}  // namespace forewarm
