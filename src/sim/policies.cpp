#include "sim/policies.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <numeric>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "sim/baselines/cloud_run.h"
#include "sim/baselines/erlang.h"
#include "sim/baselines/keda.h"
#include "sim/baselines/keep_alive.h"
#include "sim/baselines/knative.h"
#include "sim/baselines/lambda.h"
#include "sim/baselines/static.h"

namespace forewarm {
namespace {

constexpr std::string_view kHelp =
    "forewarm             forewarm's own policy, as configured\n"
    "reactive             forewarm without prediction: its reactive net only\n"
    "keda[:OPTIONS]       KEDA with its HPA; target=5 activation=0 min=0 max=100 polling=30s cooldown=300s "
    "sync=15s\n"
    "                     tolerance=0.1 stabilisation=300s in-flight=yes delayed=no\n"
    "knative[:OPTIONS]    Knative's autoscaler by concurrency; concurrency=1 utilisation=0.7 stable=60s\n"
    "                     panic-threshold=2 scale-down-delay=0s grace=30s min=0 max=1000\n"
    "lambda[:OPTIONS]     AWS Lambda behind an SQS event source mapping; idle=10m max=1250, or "
    "provisioned=POLLERS\n"
    "cloud-run[:OPTIONS]  Google Cloud Run by concurrency; concurrency=1 utilisation=0.6 idle=15m min=0 "
    "max=1000\n"
    "erlang[:OPTIONS]     Erlang's C formula on a smoothed rate; weight=0.3 idle=60s max=1000\n"
    "ski-rental[:TIME]    keep-alive for the time that costs what a start does; TIME: the price of a cold "
    "start\n"
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

/// An option's key and where its value goes.
struct Field {
  std::string_view key;
  std::variant<std::uint32_t*, double*, bool*, Duration*> value;
};

Result<void> read_into(std::string_view policy, const std::vector<Option>& options,
                       const std::vector<Field>& fields) {
  for (const Option& option : options) {
    const auto field = std::ranges::find(fields, option.key, &Field::key);
    if (field == fields.end()) {
      std::vector<std::string_view> keys;
      for (const Field& known : fields) keys.push_back(known.key);
      return unknown("option of " + std::string(policy), option.key, keys);
    }
    const Result<void> done = std::visit([&](auto* value) { return read(option, *value); }, field->value);
    if (!done) return done;
  }
  return {};
}

Result<ScalerFactory> keda_factory(const std::vector<Option>& options) {
  KedaOptions keda;
  const Result<void> read = read_into("keda", options,
                                      {{"target", &keda.target},
                                       {"activation", &keda.activation},
                                       {"min", &keda.min},
                                       {"max", &keda.max},
                                       {"polling", &keda.polling},
                                       {"cooldown", &keda.cooldown},
                                       {"sync", &keda.sync},
                                       {"tolerance", &keda.tolerance},
                                       {"stabilisation", &keda.stabilisation},
                                       {"in-flight", &keda.scale_on_in_flight},
                                       {"delayed", &keda.scale_on_delayed}});
  if (!read) return std::unexpected(read.error());
  if (keda.target <= 0) return expected("target", "more than 0", "0");
  if (keda.polling < 1s || keda.sync < 1s) return expected("polling, sync", "at least 1s", "less");
  if (keda.min > keda.max) return expected("min", "at most max", std::to_string(keda.min));
  return [keda](const MappingSettings&) { return make_keda_scaler(keda); };
}

Result<ScalerFactory> knative_factory(const std::vector<Option>& options) {
  KnativeOptions knative;
  const Result<void> read = read_into("knative", options,
                                      {{"concurrency", &knative.concurrency},
                                       {"utilisation", &knative.utilisation},
                                       {"stable", &knative.stable_window},
                                       {"panic-threshold", &knative.panic_threshold},
                                       {"scale-down-delay", &knative.scale_down_delay},
                                       {"grace", &knative.to_zero_grace},
                                       {"min", &knative.min},
                                       {"max", &knative.max}});
  if (!read) return std::unexpected(read.error());
  if (knative.concurrency <= 0 || knative.utilisation <= 0)
    return expected("concurrency, utilisation", "more than 0", "0");
  if (knative.stable_window < 6s) return expected("stable", "at least 6s", "less");
  if (knative.min > knative.max) return expected("min", "at most max", std::to_string(knative.min));
  return [knative](const MappingSettings&) { return make_knative_scaler(knative); };
}

Result<ScalerFactory> lambda_factory(const std::vector<Option>& options) {
  LambdaOptions lambda;
  std::uint32_t pollers = 0;
  const Result<void> read =
      read_into("lambda", options, {{"idle", &lambda.idle}, {"max", &lambda.max}, {"provisioned", &pollers}});
  if (!read) return std::unexpected(read.error());
  if (pollers > 0) {
    LambdaOptions provisioned = provisioned_lambda(pollers);
    provisioned.idle = lambda.idle;
    lambda = provisioned;
  }
  return [lambda](const MappingSettings&) { return make_lambda_scaler(lambda); };
}

Result<ScalerFactory> cloud_run_factory(const std::vector<Option>& options) {
  CloudRunOptions run;
  const Result<void> read = read_into("cloud-run", options,
                                      {{"concurrency", &run.concurrency},
                                       {"utilisation", &run.utilisation},
                                       {"idle", &run.idle},
                                       {"min", &run.min},
                                       {"max", &run.max}});
  if (!read) return std::unexpected(read.error());
  if (run.concurrency <= 0 || run.utilisation <= 0)
    return expected("concurrency, utilisation", "more than 0", "0");
  if (run.min > run.max) return expected("min", "at most max", std::to_string(run.min));
  return [run](const MappingSettings&) { return make_cloud_run_scaler(run); };
}

Result<ScalerFactory> erlang_factory(const std::vector<Option>& options) {
  ErlangOptions erlang;
  const Result<void> read = read_into(
      "erlang", options, {{"weight", &erlang.weight}, {"idle", &erlang.idle}, {"max", &erlang.max}});
  if (!read) return std::unexpected(read.error());
  if (erlang.weight <= 0 || erlang.weight > 1) return expected("weight", "above 0 and up to 1", "another");
  return [erlang](const MappingSettings& mapping) mutable {
    erlang.objective = mapping.scaling.objective;
    erlang.late_share = mapping.scaling.late_share_max;
    return make_erlang_scaler(erlang);
  };
}

Result<ScalerFactory> keep_alive_factory(const std::vector<Option>& options) {
  KeepAliveOptions keep;
  const Result<void> read = read_into("keep-alive", options, {{"idle", &keep.idle}, {"max", &keep.max}});
  if (!read) return std::unexpected(read.error());
  return [keep](const MappingSettings&) { return make_keep_alive_scaler(keep); };
}

Result<ScalerFactory> ski_rental_factory(const std::vector<Option>& options) {
  KeepAliveOptions keep{.ski_rental = true};
  const Result<void> read =
      read_into("ski-rental", options, {{"cold-start", &keep.cold_start}, {"max", &keep.max}});
  if (!read) return std::unexpected(read.error());
  return [keep](const MappingSettings&) { return make_keep_alive_scaler(keep); };
}

Result<ScalerFactory> static_factory(const std::vector<Option>& options) {
  if (options.size() != 1)
    return expected("static", "a number of instances, for example static:4", "none or several");
  std::uint32_t instances = 0;
  if (Result<void> done = read_into("static", options, {{"instances", &instances}}); !done)
    return std::unexpected(done.error());
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

/// A policy's name, the option that a bare value is for, and what reads its options.
struct Named {
  std::string_view name;
  std::string_view bare_key;
  Result<ScalerFactory> (*make)(const std::vector<Option>&);
};
constexpr Named kPolicies[] = {
    {"forewarm", "", [](const std::vector<Option>& options) { return own_factory(options, true); }},
    {"reactive", "", [](const std::vector<Option>& options) { return own_factory(options, false); }},
    {"keda", "", &keda_factory},
    {"knative", "", &knative_factory},
    {"lambda", "", &lambda_factory},
    {"cloud-run", "", &cloud_run_factory},
    {"erlang", "", &erlang_factory},
    {"keep-alive", "idle", &keep_alive_factory},
    {"ski-rental", "cold-start", &ski_rental_factory},
    {"static", "instances", &static_factory},
};

Result<ScalerFactory> factory_of(std::string_view name, std::string_view rest) {
  const auto found = std::ranges::find(kPolicies, name, &Named::name);
  if (found == std::end(kPolicies)) {
    std::vector<std::string_view> names;
    for (const Named& known : kPolicies) names.push_back(known.name);
    return unknown("policy", name, names);
  }
  const Result<std::vector<Option>> options = split(rest, found->bare_key);
  if (!options) return std::unexpected(options.error());
  return found->make(*options);
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
