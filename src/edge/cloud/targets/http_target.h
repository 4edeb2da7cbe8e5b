#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "edge/cloud/authorisation.h"
#include "edge/cloud/targets/scale_target.h"
#include "edge/net/fetch.h"

namespace forewarm {

/// A target's HTTP API: numbers to requests, answers to numbers. Pure.
class TargetTranslator {
 public:
  virtual ~TargetTranslator() = default;
  /// None: it cannot be asked.
  virtual std::optional<FetchRequest> read() const = 0;
  virtual Result<TargetState> state(const HttpResponse& answer) const = 0;
  /// Invalid for what cannot be said there.
  virtual Result<FetchRequest> write(std::optional<std::uint32_t> instances) const = 0;
};

struct HttpTargetOptions {
  std::chrono::milliseconds timeout{10'000};
  std::string ca_file{};  ///< PEM file of who is trusted; empty: the system's
  Authorisation authorise{};
  std::function<void()> refused{};  ///< what lets requests in was not taken (401): it should be had anew
};
std::unique_ptr<ScaleTarget> make_http_target(std::unique_ptr<TargetTranslator> translator,
                                              HttpTargetOptions options);

/// A member of a JSON object in an answer's body by its JSON Pointer. None where it is not a whole number
/// from 0 on; Invalid where the body is not a JSON object.
Result<std::optional<std::uint32_t>> count_in(std::string_view body, const char* pointer);

}  // namespace forewarm
