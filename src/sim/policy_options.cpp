#include "sim/policy_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <utility>

namespace forewarm {
namespace {

/// The least number of insertions, deletions and substitutions between two words (Levenshtein 1966).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

template <class Number>
std::optional<Number> whole_text(std::string_view text) {
  Number value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<void> read(const PolicyOption& option, std::uint32_t* value) {
  const std::optional<std::uint32_t> number = whole_text<std::uint32_t>(option.value);
  if (!number) return expected_value(option.key, "a whole number, for example 4", option.value);
  *value = *number;
  return {};
}

Result<void> read(const PolicyOption& option, double* value) {
  const std::optional<double> number = whole_text<double>(option.value);
  if (!number || !std::isfinite(*number) || *number < 0)
    return expected_value(option.key, "a number from 0 up, for example 5", option.value);
  *value = *number;
  return {};
}

Result<void> read(const PolicyOption& option, const Either& value) {
  const auto& [first, second] = value.words;
  if (option.value != first && option.value != second)
    return expected_value(option.key, std::string(second) + " or " + std::string(first), option.value);
  *value.second = option.value == second;
  return {};
}

Result<void> read(const PolicyOption& option, bool* value) {
  return read(option, Either{value, {"no", "yes"}});
}

Result<void> read(const PolicyOption& option, Duration* value) {
  const std::size_t digits = std::min(option.value.find_first_not_of("0123456789."), option.value.size());
  const std::optional<double> number = whole_text<double>(option.value.substr(0, digits));
  const std::string_view unit = option.value.substr(digits);
  const double scale = unit == "ms" ? 1e-3 : unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (!number || scale == 0 || *number * scale > 1e9)
    return expected_value(option.key, "a time with its unit, for example 500ms, 30s, 10m or 1h",
                          option.value);
  *value = from_seconds(*number * scale);
  return {};
}

}  // namespace

Result<std::vector<PolicyOption>> split_policy_options(std::string_view text, std::string_view bare_key) {
  std::vector<PolicyOption> options;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const std::size_t equals = part.find('=');
    if (equals != std::string_view::npos) {
      options.push_back({part.substr(0, equals), part.substr(equals + 1)});
    } else if (!bare_key.empty()) {
      options.push_back({bare_key, part});
    } else {
      return expected_value("option", "KEY=VALUE", part);
    }
  }
  return options;
}

Result<void> read_policy_options(std::string_view policy, const std::vector<PolicyOption>& options,
                                 const std::vector<PolicyField>& fields) {
  for (const PolicyOption& option : options) {
    const auto field = std::ranges::find(fields, option.key, &PolicyField::key);
    if (field == fields.end()) {
      std::vector<std::string_view> keys;
      keys.reserve(fields.size());
      for (const PolicyField& known : fields) keys.push_back(known.key);
      return unknown_name("option of " + std::string(policy), option.key, keys);
    }
    const Result<void> done = std::visit([&](auto value) { return read(option, value); }, field->value);
    if (!done) return done;
  }
  return {};
}

std::unexpected<Error> unknown_name(std::string_view what, std::string_view given,
                                    std::span<const std::string_view> known) {
  std::string message = "unknown " + std::string(what) + " \"" + std::string(given) + "\"; expected one of";
  std::string_view nearest;
  std::size_t nearest_distance = 3;
  for (const std::string_view name : known) {
    message += (name == known.front() ? " " : ", ") + std::string(name);
    const std::size_t distance = edit_distance(given, name);
    if (distance < nearest_distance) {
      nearest_distance = distance;
      nearest = name;
    }
  }
  if (!nearest.empty()) message += ". Did you mean \"" + std::string(nearest) + "\"?";
  return error(ErrorCode::Invalid, std::move(message));
}

std::unexpected<Error> expected_value(std::string_view key, std::string_view what, std::string_view given) {
  return error(ErrorCode::Invalid,
               std::string(key) + ": expected " + std::string(what) + ", got \"" + std::string(given) + "\"");
}

}  // namespace forewarm
