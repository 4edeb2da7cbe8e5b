// Factories of the autoscalers that go by what they expect.

#include <string>

#include "sim/baselines/aws_predictive.h"
#include "sim/baselines/crane.h"
#include "sim/baselines/holt_winters.h"
#include "sim/baselines/hybrid_histogram.h"
#include "sim/baselines/kedastral.h"
#include "sim/policy_factories.h"

namespace forewarm {
namespace {

/// What the policies on the HPA have in common.
std::vector<PolicyField> hpa_fields(double& target, Duration& sync, HpaOptions& hpa) {
  return {{"target", &target},
          {"sync", &sync},
          {"min", &hpa.min},
          {"max", &hpa.max},
          {"tolerance", &hpa.tolerance},
          {"stabilisation", &hpa.stabilisation}};
}

Result<void> check_hpa(double target, Duration sync, const HpaOptions& hpa) {
  if (target <= 0) return expected_value("target", "more than 0", "0");
  if (sync < 1s) return expected_value("sync", "at least 1s", "less");
  if (hpa.min < 1 || hpa.min > hpa.max) return expected_value("min", "1 to max", std::to_string(hpa.min));
  return {};
}

}  // namespace

Result<ScalerFactory> hybrid_histogram_factory(const std::vector<PolicyOption>& options) {
  HybridHistogramOptions histogram;
  const Result<void> read = read_policy_options("hybrid-histogram", options,
                                                {{"range", &histogram.range},
                                                 {"bin", &histogram.bin},
                                                 {"head", &histogram.head},
                                                 {"tail", &histogram.tail},
                                                 {"margin", &histogram.margin},
                                                 {"variation", &histogram.variation},
                                                 {"out-of-bounds", &histogram.out_of_bounds},
                                                 {"forecast-margin", &histogram.forecast_margin},
                                                 {"max", &histogram.max}});
  if (!read) return std::unexpected(read.error());
  if (histogram.bin < 1s || histogram.range < histogram.bin)
    return expected_value("bin, range", "at least 1s, and a range of at least one bin", "less");
  if (histogram.range / histogram.bin > 100'000)
    return expected_value("bin, range", "at most 100000 bins", "more");
  if (histogram.head > 1 || histogram.tail > 1 || histogram.margin > 1 || histogram.forecast_margin > 1)
    return expected_value("head, tail, margin, forecast-margin", "0 to 1", "more");
  return [histogram](const MappingSettings&) { return make_hybrid_histogram_scaler(histogram); };
}

Result<ScalerFactory> aws_predictive_factory(const std::vector<PolicyOption>& options) {
  AwsPredictiveOptions aws;
  const Result<void> read = read_policy_options("aws-predictive", options,
                                                {{"target", &aws.target},
                                                 {"min", &aws.min},
                                                 {"max", &aws.max},
                                                 {"buffer", &aws.buffer},
                                                 {"cooldown", &aws.cooldown}});
  if (!read) return std::unexpected(read.error());
  if (aws.target <= 0 || aws.target >= 1) return expected_value("target", "above 0 and below 1", "another");
  if (aws.buffer >= 1h) return expected_value("buffer", "less than 1h", "more");
  if (aws.min < 1 || aws.min > aws.max) return expected_value("min", "1 to max", std::to_string(aws.min));
  return [aws](const MappingSettings&) { return make_aws_predictive_scaler(aws); };
}

Result<ScalerFactory> holt_winters_factory(const std::vector<PolicyOption>& options) {
  HoltWintersOptions holt;
  std::vector<PolicyField> fields = hpa_fields(holt.target, holt.sync, holt.hpa);
  const std::vector<PolicyField> own = {{"alpha", &holt.smoothing.level},  {"beta", &holt.smoothing.trend},
                                        {"gamma", &holt.smoothing.season}, {"every", &holt.every},
                                        {"season", &holt.season},          {"seasons", &holt.stored_seasons}};
  fields.insert(fields.end(), own.begin(), own.end());
  const Result<void> read = read_policy_options("holt-winters", options, fields);
  if (!read) return std::unexpected(read.error());
  if (const Result<void> good = check_hpa(holt.target, holt.sync, holt.hpa); !good)
    return std::unexpected(good.error());
  if (holt.smoothing.level > 1 || holt.smoothing.trend > 1 || holt.smoothing.season > 1)
    return expected_value("alpha, beta, gamma", "0 to 1", "more");
  if (holt.every < holt.sync || holt.season < 2 * holt.every)
    return expected_value("every, season", "every at least sync, season at least twice every", "less");
  if (holt.stored_seasons < 2 || holt.season / holt.every * holt.stored_seasons > 100'000)
    return expected_value("seasons", "at least 2, and at most 100000 values in all", "another");
  return [holt](const MappingSettings&) { return make_holt_winters_scaler(holt); };
}

Result<ScalerFactory> crane_factory(const std::vector<PolicyOption>& options) {
  CraneOptions crane;
  const Result<void> read =
      read_policy_options("crane", options, hpa_fields(crane.target, crane.sync, crane.hpa));
  if (!read) return std::unexpected(read.error());
  if (const Result<void> good = check_hpa(crane.target, crane.sync, crane.hpa); !good)
    return std::unexpected(good.error());
  return [crane](const MappingSettings&) { return make_crane_scaler(crane); };
}

Result<ScalerFactory> kedastral_factory(const std::vector<PolicyOption>& options) {
  KedastralOptions kedastral;
  const Result<void> read = read_policy_options("kedastral", options,
                                                {{"target", &kedastral.target},
                                                 {"headroom", &kedastral.headroom},
                                                 {"lead", &kedastral.lead},
                                                 {"window", &kedastral.window},
                                                 {"up", &kedastral.up_factor},
                                                 {"down-percent", &kedastral.down_percent},
                                                 {"min", &kedastral.keda.min},
                                                 {"max", &kedastral.keda.max},
                                                 {"stabilisation", &kedastral.keda.stabilisation}});
  if (!read) return std::unexpected(read.error());
  if (kedastral.target <= 0) return expected_value("target", "more than 0", "0");
  if (kedastral.window < 2min || kedastral.window > 720h)
    return expected_value("window", "2m to 720h", "another");
  if (kedastral.down_percent > 100) return expected_value("down-percent", "at most 100", "more");
  if (kedastral.keda.min > kedastral.keda.max)
    return expected_value("min", "at most max", std::to_string(kedastral.keda.min));
  return [kedastral](const MappingSettings&) { return make_kedastral_scaler(kedastral); };
}

}  // namespace forewarm
