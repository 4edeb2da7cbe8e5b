#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "edge/cloud/targets/scale_target.h"
#include "edge/net/aws_signature.h"
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

/// Lets a request in: adds a token, or signs it. Called for each request, so that what is renewed is used.
using Authorisation = std::function<Result<void>(FetchRequest&)>;
/// "Authorization: Bearer" with the file's first line, read each time; none if `path` is empty.
Authorisation bearer_token_in(std::string path);
/// "Authorization: Bearer" with what this answers.
Authorisation bearer_token_of(std::function<Result<std::string>()> token);
/// Signature Version 4 for a service of AWS.
Authorisation aws_signed(std::function<Result<AwsCredentials>()> credentials, std::string region,
                         std::string service);

struct HttpTargetOptions {
  std::chrono::milliseconds timeout{10'000};
  std::string ca_file{};  ///< PEM file of who is trusted; empty: the system's
  Authorisation authorise{};
  std::function<void()> refused{};  ///< what lets requests in was not taken (401): it should be had anew
};
std::unique_ptr<ScaleTarget> make_http_target(std::unique_ptr<TargetTranslator> translator,
                                              HttpTargetOptions options);

/// What a server says that refuses: its status and its own words, and what can be done where that is known.
std::unexpected<Error> refusal_of(const HttpResponse& answer);
/// A member of a JSON object in an answer's body by its JSON Pointer. None where it is not a whole number
/// from 0 on; Invalid where the body is not a JSON object.
Result<std::optional<std::uint32_t>> count_in(std::string_view body, const char* pointer);

}  // namespace forewarm
