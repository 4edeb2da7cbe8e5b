// Durations and names as a configuration has them.

#include <algorithm>
#include <array>
#include <charconv>

#include "app/config.h"

namespace forewarm {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t us;
};
constexpr std::array<Unit, 6> kUnits{{{"us", 1},
                                      {"ms", 1'000},
                                      {"s", 1'000'000},
                                      {"m", 60'000'000},
                                      {"h", 3'600'000'000},
                                      {"d", 86'400'000'000}}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  double amount = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), amount);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const auto found = std::ranges::find(kUnits, unit, &Unit::name);
  if (code != std::errc() || found == kUnits.end() || !(amount >= 0) || amount > 1e12) {
    return error(ErrorCode::Invalid,
                 "'" + std::string(text) +
                     "' is not a duration; write a number and one of us, ms, s, m, h, d: 250ms, 10s, 5m");
  }
  return from_seconds(amount * static_cast<double>(found->us) * 1e-6);
}

std::string format_duration(Duration duration) {
  for (std::size_t i = kUnits.size(); i-- > 0;) {
    if (duration.count() != 0 && duration.count() % kUnits[i].us == 0) {
      return std::to_string(duration.count() / kUnits[i].us) + std::string(kUnits[i].name);
    }
  }
  return "0s";
}

std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t best_distance = name.size() / 3 + 1;
  for (const std::string_view candidate : known) {
    // Levenshtein distance, one row at a time.
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 0; i < name.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i + 1);
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t change = diagonal + (name[i] == candidate[j] ? 0 : 1);
        diagonal = std::exchange(row[j + 1], std::min({row[j + 1] + 1, row[j] + 1, change}));
      }
    }
    if (row.back() <= best_distance && (best.empty() || row.back() < best_distance)) {
      best = candidate;
      best_distance = row.back();
    }
  }
  return best;
}

}  // namespace forewarm
