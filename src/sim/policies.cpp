#include "sim/policies.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "sim/baseline_keda.h"
#include "sim/baseline_keep_alive.h"
#include "sim/baseline_static.h"

namespace forewarm {
namespace {

constexpr std::string_view kHelp =
    "forewarm             forewarm's own policy, as configured\n"
    "reactive             forewarm without prediction: its reactive net only\n"
    "keda[:OPTIONS]       KEDA with its HPA; target=5 activation=0 min=0 max=100 polling=30s cooldown=300s "
    "sync=15s\n"
    "                     tolerance=0.1 stabilisation=300s in-flight=yes delayed=no\n"
    "keep-alive[:TIME]    one start a message that finds nothing idle, kept idle for TIME; idle=10m "
    "max=1000\n"
    "static:COUNT         always COUNT instances\n";

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

std::unexpected<Error> unknown(std::string_view what, std::string_view given,
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

std::unexpected<Error> expected(std::string_view key, std::string_view what, std::string_view given) {
  return error(ErrorCode::Invalid,
               std::string(key) + ": expected " + std::string(what) + ", got \"" + std::string(given) + "\"");
}

template <class Number>
std::optional<Number> whole_text(std::string_view text) {
  Number value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Option {
  std::string_view key;
  std::string_view value;
};

Result<void> read(const Option& option, std::uint32_t& value) {
  const std::optional<std::uint32_t> number = whole_text<std::uint32_t>(option.value);
  if (!number) return expected(option.key, "a whole number, for example 4", option.value);
  value = *number;
  return {};
}

Result<void> read(const Option& option, double& value) {
  const std::optional<double> number = whole_text<double>(option.value);
  if (!number || !std::isfinite(*number) || *number < 0)
    return expected(option.key, "a number from 0 up, for example 5", option.value);
  value = *number;
  return {};
}

Result<void> read(const Option& option, bool& value) {
  if (option.value != "yes" && option.value != "no") return expected(option.key, "yes or no", option.value);
  value = option.value == "yes";
  return {};
}

Result<void> read(const Option& option, Duration& value) {
  const std::size_t digits = std::min(option.value.find_first_not_of("0123456789."), option.value.size());
  const std::optional<double> number = whole_text<double>(option.value.substr(0, digits));
  const std::string_view unit = option.value.substr(digits);
  const double scale = unit == "ms" ? 1e-3 : unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (!number || scale == 0 || *number * scale > 1e9)
    return expected(option.key, "a time with its unit, for example 500ms, 30s, 10m or 1h", option.value);
  value = from_seconds(*number * scale);
  return {};
}

/// "a=1,b=2"; a value without a key belongs to `bare_key`.
Result<std::vector<Option>> split(std::string_view text, std::string_view bare_key) {
  std::vector<Option> options;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const std::size_t equals = part.find('=');
    if (equals != std::string_view::npos) {
      options.push_back({part.substr(0, equals), part.substr(equals + 1)});
    } else if (!bare_key.empty()) {
      options.push_back({bare_key, part});
    } else {
      return expected("option", "KEY=VALUE", part);
    }
  }
  return options;
}

Result<void> read_keda(const Option& option, KedaOptions& keda) {
  static constexpr std::string_view kKeys[] = {"target",        "activation", "min",    "max",
                                               "polling",       "cooldown",   "sync",   "tolerance",
                                               "stabilisation", "in-flight",  "delayed"};
  if (option.key == "target") return read(option, keda.target);
  if (option.key == "activation") return read(option, keda.activation);
  if (option.key == "min") return read(option, keda.min);
  if (option.key == "max") return read(option, keda.max);
  if (option.key == "polling") return read(option, keda.polling);
  if (option.key == "cooldown") return read(option, keda.cooldown);
  if (option.key == "sync") return read(option, keda.sync);
  if (option.key == "tolerance") return read(option, keda.tolerance);
  if (option.key == "stabilisation") return read(option, keda.stabilisation);
  if (option.key == "in-flight") return read(option, keda.scale_on_in_flight);
  if (option.key == "delayed") return read(option, keda.scale_on_delayed);
  return unknown("option of keda", option.key, kKeys);
}

Result<ScalerFactory> keda_factory(const std::vector<Option>& options) {
  KedaOptions keda;
  for (const Option& option : options) {
    if (Result<void> done = read_keda(option, keda); !done) return std::unexpected(done.error());
  }
  if (keda.target <= 0) return expected("target", "more than 0", "0");
  if (keda.polling < 1s || keda.sync < 1s) return expected("polling, sync", "at least 1s", "less");
  if (keda.min > keda.max) return expected("min", "at most max", std::to_string(keda.min));
  return [keda](const MappingSettings&) { return make_keda_scaler(keda); };
}

Result<ScalerFactory> keep_alive_factory(const std::vector<Option>& options) {
  static constexpr std::string_view kKeys[] = {"idle", "max"};
  KeepAliveOptions keep;
  for (const Option& option : options) {
    if (option.key != "idle" && option.key != "max")
      return unknown("option of keep-alive", option.key, kKeys);
    const Result<void> done = option.key == "idle" ? read(option, keep.idle) : read(option, keep.max);
    if (!done) return std::unexpected(done.error());
  }
  return [keep](const MappingSettings&) { return make_keep_alive_scaler(keep); };
}

Result<ScalerFactory> static_factory(const std::vector<Option>& options) {
  static constexpr std::string_view kKeys[] = {"instances"};
  if (options.size() != 1)
    return expected("static", "a number of instances, for example static:4", "none or several");
  if (options[0].key != "instances") return unknown("option of static", options[0].key, kKeys);
  std::uint32_t instances = 0;
  if (Result<void> done = read(options[0], instances); !done) return std::unexpected(done.error());
  return [instances](const MappingSettings&) { return make_static_scaler(instances); };
}

Result<ScalerFactory> own_factory(const std::vector<Option>& options, bool predict) {
  if (!options.empty())
    return expected("forewarm, reactive", "no options: they follow the configuration", options[0].key);
  return [predict](const MappingSettings& mapping) {
    ScalingSettings settings = mapping.scaling;
    settings.predict = settings.predict && predict;
    return make_predictive_scaler(settings);
  };
}

Result<ScalerFactory> factory_of(std::string_view name, std::string_view rest) {
  static constexpr std::string_view kNames[] = {"forewarm", "reactive", "keda", "keep-alive", "static"};
  const auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return unknown("policy", name, kNames);
  const std::string_view bare_key = name == "keep-alive" ? "idle" : name == "static" ? "instances" : "";
  const Result<std::vector<Option>> options = split(rest, bare_key);
  if (!options) return std::unexpected(options.error());
  if (name == "keda") return keda_factory(*options);
  if (name == "keep-alive") return keep_alive_factory(*options);
  if (name == "static") return static_factory(*options);
  return own_factory(*options, name == "forewarm");
}

}  // namespace

Result<Policy> parse_policy(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view rest = colon < text.size() ? text.substr(colon + 1) : std::string_view();
  Result<ScalerFactory> factory = factory_of(text.substr(0, colon), rest);
  if (!factory) {
    Error failure = factory.error();
    failure.message = "policy \"" + std::string(text) + "\": " + failure.message;
    return std::unexpected(std::move(failure));
  }
  return Policy{.name = std::string(text), .make_scaler = std::move(*factory)};
}

std::string_view policies_help() {
  return kHelp;
}

}  // namespace forewarm
