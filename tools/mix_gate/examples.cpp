// What every expert of the ensemble says of recorded series, and what came: the examples that learn.py learns
// the gate from.
//   mix_gate_examples SERIES PART PARTS [MODEL...] > examples.bin
// SERIES is a folder as series.py makes it; of PARTS runs side by side this is PART, from 0. Without MODEL
// all models take part. Rows of 32-bit floats: series, set, origin, steps known, lead, experts, value, mean
// of the values known; then for each expert its kind, its features and its nine quantiles. Names of series
// and sets go to standard error.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/forecast/ensemble/ensemble.h"
#include "core/forecast/models/models.h"
#include "core/forecast/seasons.h"

namespace forewarm {
namespace {

constexpr std::size_t kSaidLeads[] = {1, 2, 4, 7, 12, 20, 30, 45, 60};
constexpr std::size_t kShortWindows[] = {24, 60, 150};  // a new queue has no more
constexpr std::size_t kShortEvery = 5;                  // origins
constexpr std::size_t kDisturbEvery = 16;  // more of them, and the gate hedges where nothing is wrong

struct Series {
  std::string name, set;
  std::uint32_t seasons[2] = {};
  std::size_t horizon = 0, window = 0, origins = 0, stride = 0;
  std::vector<float> values;
};

std::vector<float> read_values(const std::string& path) {
  std::ifstream file(path);
  std::vector<float> values;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    float value = std::numeric_limits<float>::quiet_NaN();
    std::from_chars(line.data(), line.data() + line.size(), value);
    values.push_back(value);
  }
  return values;
}

std::vector<Series> read_series(const std::string& folder) {
  std::ifstream file(folder + "/meta.csv");
  std::vector<Series> all;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> cells;
    std::stringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    const auto number = [&](std::size_t i) { return std::stoul(cells[i]); };
    Series series;
    series.name = cells[0];
    series.set = cells[1];
    series.seasons[0] = static_cast<std::uint32_t>(number(3));
    series.seasons[1] = static_cast<std::uint32_t>(number(4));
    series.horizon = number(5);
    series.window = number(6);
    series.origins = number(7);
    series.stride = number(8);
    series.values = read_values(folder + "/" + series.name + ".csv");
    all.push_back(std::move(series));
  }
  return all;
}

/// A disturbance that recordings have too seldom to learn from them what it does to each expert: an outage, a
/// burst or a change of level, some steps before the origin.
void disturb(std::vector<float>& values, std::size_t origin, std::size_t turn) {
  constexpr std::size_t kLengths[] = {2, 5, 10, 20};
  constexpr std::size_t kEnds[] = {0, 0, 1, 3, 10};
  constexpr float kFactors[] = {0, 3, 0.02F, 8, 2, 0.4F};  // the last two stay
  const float factor = kFactors[turn % std::size(kFactors)];
  const bool stays = turn % std::size(kFactors) >= 4;
  const std::size_t end = origin - std::min(origin, kEnds[turn / 3 % std::size(kEnds)]);
  const std::size_t first = end - std::min(end, kLengths[turn / 5 % std::size(kLengths)]);
  float mean = 0, count = 1e-9F;
  for (std::size_t t = origin - std::min<std::size_t>(origin, 300); t < origin; ++t) {
    if (std::isfinite(values[t])) mean += values[t], count += 1;
  }
  mean /= count;
  const auto change = [&](float& value) {
    const bool whole = value == std::round(value);
    value = factor > 1 && !stays ? factor * std::max(value, mean) : factor * value;
    if (whole) value = std::round(value);
  };
  for (std::size_t t = first; t < (stays ? values.size() : end); ++t) change(values[t]);
}

void put(double value) {
  const auto single = static_cast<float>(value);
  std::fwrite(&single, sizeof single, 1, stdout);
}

void write_examples(Series series, double series_number, double set_number, std::size_t origin,
                    std::size_t window, std::span<const ModelId> models, std::size_t turn) {
  if (turn % kDisturbEvery == 0) disturb(series.values, origin, turn / kDisturbEvery);
  const std::size_t first = origin - std::min(window, origin);
  const std::span<const float> known = std::span(series.values).subspan(first, origin - first);
  std::vector<std::uint32_t> seasons = find_seasons(known);
  for (const std::uint32_t season : series.seasons) {
    const bool found = std::find(seasons.begin(), seasons.end(), season) != seasons.end();
    if (!found && season >= 2 && 2 * season <= known.size()) seasons.push_back(season);
  }
  std::sort(seasons.begin(), seasons.end());
  Ensemble ensemble(models, series.horizon);
  if (!ensemble.fit({.start = {}, .values = known, .regressors = {}, .seasons = seasons})) return;
  std::vector<std::size_t> leads;
  for (const std::size_t lead : kSaidLeads) {
    const std::size_t at = origin + lead - 1;
    if (lead <= series.horizon && at < series.values.size() && std::isfinite(series.values[at]))
      leads.push_back(lead);
  }
  double sum = 0, count = 1e-9;
  for (const float value : known) {
    if (std::isfinite(value)) sum += value, count += 1;
  }
  const std::vector<std::vector<ExpertVoice>> voices = ensemble.voices(leads);
  for (std::size_t i = 0; i < leads.size(); ++i) {
    for (const double number :
         {series_number, set_number, static_cast<double>(origin), static_cast<double>(known.size()),
          static_cast<double>(leads[i]), static_cast<double>(voices[i].size()),
          static_cast<double>(series.values[origin + leads[i] - 1]), sum / count})
      put(number);
    for (const ExpertVoice& voice : voices[i]) {
      put(voice.expert.kind);
      for (const float feature : voice.features) put(feature);
      for (const double value : voice.said) put(value);
    }
  }
}

}  // namespace
}  // namespace forewarm

int main(int argc, char** argv) {
  using namespace forewarm;
  if (argc < 4) {
    std::fprintf(stderr, "usage: mix_gate_examples SERIES PART PARTS [MODEL...] > examples.bin\n");
    return 2;
  }
  const std::size_t part = std::strtoul(argv[2], nullptr, 10), parts = std::strtoul(argv[3], nullptr, 10);
  std::vector<ModelId> models;
  for (const ModelMaker& maker : kModelMakers) {
    const std::string_view name = kModelNames[static_cast<std::size_t>(maker.id)];
    if (argc == 4 || std::find(argv + 4, argv + argc, name) != argv + argc) models.push_back(maker.id);
  }
  const std::vector<Series> all = read_series(argv[1]);
  std::map<std::string, double> sets;
  std::size_t turn = 0;
  for (std::size_t s = 0; s < all.size(); ++s) {
    const Series& series = all[s];
    const double set = sets.emplace(series.set, static_cast<double>(sets.size())).first->second;
    if (part == 0) std::fprintf(stderr, "%zu,%s,%g,%s\n", s, series.name.c_str(), set, series.set.c_str());
    for (std::size_t k = 0; k < series.origins; ++k) {
      if (turn++ % parts != part) continue;
      const std::size_t origin = series.values.size() - series.horizon - k * series.stride;
      write_examples(series, static_cast<double>(s), set, origin, series.window, models, turn);
      if (k % kShortEvery == 0) {
        const std::size_t window = kShortWindows[k / kShortEvery % std::size(kShortWindows)];
        write_examples(series, static_cast<double>(s), set, origin, window, models, turn + 1);
      }
    }
  }
  return all.empty() ? 1 : 0;
}
