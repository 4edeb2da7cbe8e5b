#include "edge/cloud/targets/lambda_concurrency.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace forewarm {
namespace {

class ProvisionedConcurrency : public TargetTranslator {
 public:
  explicit ProvisionedConcurrency(const LambdaAlias& alias)
      : url_(alias.url + "/2019-09-30/functions/" + percent_encode(alias.function) +
             "/provisioned-concurrency?Qualifier=" + percent_encode(alias.qualifier)) {}

  std::optional<FetchRequest> read() const override {
    return FetchRequest{.method = "GET", .url = url_, .headers = {}};
  }

  Result<TargetState> state(const HttpResponse& answer) const override {
    // Of a function that is not there the answer has another type.
    const bool nothing_set = find_header(answer.headers, "x-amzn-ErrorType")
                                 .starts_with("ProvisionedConcurrencyConfigNotFoundException");
    if (answer.status == 404 && nothing_set) return TargetState{.set = 0, .ready = 0};
    if (answer.status != 200) return refusal_of(answer);
    const auto requested = count_in(answer.body, "/RequestedProvisionedConcurrentExecutions");
    if (!requested || !*requested)
      return error(ErrorCode::Invalid, "GetProvisionedConcurrencyConfig: the answer names no request");
    TargetState state{.set = *requested, .ready = {}};
    state.ready = count_in(answer.body, "/AvailableProvisionedConcurrentExecutions").value_or(std::nullopt);
    // What could not be allocated is not there, and is asked for again.
    if (answer.body.find("\"FAILED\"") != std::string::npos)
      state.set = count_in(answer.body, "/AllocatedProvisionedConcurrentExecutions")
                      .value_or(std::nullopt)
                      .value_or(0);
    return state;
  }

  Result<FetchRequest> write(std::optional<std::uint32_t> instances) const override {
    if (instances.value_or(0) == 0) return FetchRequest{.method = "DELETE", .url = url_, .headers = {}};
    return FetchRequest{.method = "PUT",
                        .url = url_,
                        .headers = {{"Content-Type", "application/json"}},
                        .body = R"({"ProvisionedConcurrentExecutions":)" + std::to_string(*instances) + "}"};
  }

 private:
  std::string url_;
};

class ReservedConcurrency : public TargetTranslator {
 public:
  explicit ReservedConcurrency(const LambdaFunctionName& function)
      : url_(function.url), path_("/functions/" + percent_encode(function.function) + "/concurrency") {}

  std::optional<FetchRequest> read() const override {
    return FetchRequest{.method = "GET", .url = url_ + "/2019-09-30" + path_, .headers = {}};
  }

  Result<TargetState> state(const HttpResponse& answer) const override {
    if (answer.status != 200) return refusal_of(answer);
    const auto reserved = count_in(answer.body, "/ReservedConcurrentExecutions");
    if (!reserved) return error(ErrorCode::Invalid, "GetFunctionConcurrency: " + reserved.error().message);
    return TargetState{.set = *reserved, .ready = {}};
  }

  Result<FetchRequest> write(std::optional<std::uint32_t> instances) const override {
    const std::string url = url_ + "/2017-10-31" + path_;
    if (!instances) return FetchRequest{.method = "DELETE", .url = url, .headers = {}};
    return FetchRequest{.method = "PUT",
                        .url = url,
                        .headers = {{"Content-Type", "application/json"}},
                        .body = R"({"ReservedConcurrentExecutions":)" +
                                std::to_string(std::max<std::uint32_t>(*instances, 1)) + "}"};
  }

 private:
  std::string url_, path_;
};

class MappingConcurrency : public TargetTranslator {
 public:
  explicit MappingConcurrency(const LambdaMapping& mapping)
      : url_(mapping.url + "/2015-03-31/event-source-mappings/" + percent_encode(mapping.uuid)) {}

  std::optional<FetchRequest> read() const override {
    return FetchRequest{.method = "GET", .url = url_, .headers = {}};
  }

  Result<TargetState> state(const HttpResponse& answer) const override {
    if (answer.status != 200) return refusal_of(answer);
    const auto limit = count_in(answer.body, "/ScalingConfig/MaximumConcurrency");
    if (!limit) return error(ErrorCode::Invalid, "GetEventSourceMapping: " + limit.error().message);
    return TargetState{.set = *limit, .ready = {}};
  }

  Result<FetchRequest> write(std::optional<std::uint32_t> instances) const override {
    const std::string limit = instances ? R"("MaximumConcurrency":)" + std::to_string(*instances) : "";
    return FetchRequest{.method = "PUT",
                        .url = url_,
                        .headers = {{"Content-Type", "application/json"}},
                        .body = R"({"ScalingConfig":{)" + limit + "}}"};
  }

 private:
  std::string url_;
};

class MappingPollers : public TargetTranslator {
 public:
  explicit MappingPollers(const LambdaMapping& mapping)
      : url_(mapping.url + "/2015-03-31/event-source-mappings/" + percent_encode(mapping.uuid)) {}

  std::optional<FetchRequest> read() const override {
    return FetchRequest{.method = "GET", .url = url_, .headers = {}};
  }

  Result<TargetState> state(const HttpResponse& answer) const override {
    if (answer.status != 200) return refusal_of(answer);
    const auto least = count_in(answer.body, "/ProvisionedPollerConfig/MinimumPollers");
    if (!least) return error(ErrorCode::Invalid, "GetEventSourceMapping: " + least.error().message);
    const auto most = count_in(answer.body, "/ProvisionedPollerConfig/MaximumPollers");
    if (!most) return error(ErrorCode::Invalid, "GetEventSourceMapping: " + most.error().message);
    pollers_max_ = most->value_or(0);
    if (!*least) return TargetState{};
    return TargetState{.set = **least * kInvocationsPerPoller, .ready = {}};
  }

  Result<FetchRequest> write(std::optional<std::uint32_t> instances) const override {
    std::string pollers;
    if (instances) {
      const std::uint32_t least = std::max<std::uint32_t>(
          (*instances + kInvocationsPerPoller - 1) / kInvocationsPerPoller, kPollersLeast);
      pollers = R"("MinimumPollers":)" + std::to_string(least);
      if (const std::uint32_t most = pollers_max_; most > 0)
        pollers += R"(,"MaximumPollers":)" + std::to_string(std::max(most, least));
    }
    return FetchRequest{.method = "PUT",
                        .url = url_,
                        .headers = {{"Content-Type", "application/json"}},
                        .body = R"({"ProvisionedPollerConfig":{)" + pollers + "}}"};
  }

 private:
  static constexpr std::uint32_t kPollersLeast = 2;

  std::string url_;
  /// As it was read: what an update leaves out of the configuration begins anew.
  mutable std::atomic<std::uint32_t> pollers_max_ = 0;
};

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

std::unique_ptr<TargetTranslator> make_provisioned_concurrency(LambdaAlias alias) {
  alias.url = without_slash(std::move(alias.url));
  return std::make_unique<ProvisionedConcurrency>(alias);
}

std::unique_ptr<TargetTranslator> make_reserved_concurrency(LambdaFunctionName function) {
  function.url = without_slash(std::move(function.url));
  return std::make_unique<ReservedConcurrency>(function);
}

std::unique_ptr<TargetTranslator> make_mapping_concurrency(LambdaMapping mapping) {
  mapping.url = without_slash(std::move(mapping.url));
  return std::make_unique<MappingConcurrency>(mapping);
}

std::unique_ptr<TargetTranslator> make_mapping_pollers(LambdaMapping mapping) {
  mapping.url = without_slash(std::move(mapping.url));
  return std::make_unique<MappingPollers>(mapping);
}

}  // namespace forewarm
