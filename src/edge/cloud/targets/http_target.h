#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

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
  /// Whether a change that was answered with 2xx is one: some say there that it has failed.
  virtual Result<void> taken(const HttpResponse&) const { return {}; }
  /// Of what was answered with another status than 2xx: its words, and what can be done.
  virtual Error refusal(const HttpResponse& answer) const { return refusal_of(answer).error(); }
  /// Invalid for what cannot be said there.
  virtual Result<FetchRequest> write(std::optional<std::uint32_t> instances) const = 0;
  /// With what was found beside it.
  virtual Result<FetchRequest> put_back(const TargetState& found) const { return write(found.set); }
  /// What is sent has to hold all that is there: it is made by rewrite() of what was read right before, and
  /// write() is for people, of the change alone.
  virtual bool rewrites() const { return false; }
  virtual Result<FetchRequest> rewrite(const HttpResponse& read,
                                       std::optional<std::uint32_t> instances) const;
};

struct HttpTargetOptions {
  std::chrono::milliseconds timeout{10'000};
  std::string ca_file{};  ///< PEM file of who is trusted; empty: the system's
  Authorisation authorise{};
  std::function<void()> refused{};  ///< what lets requests in was not taken: it should be had anew
  /// Of what is rewritten whole: shared by all that rewrite the same.
  std::shared_ptr<std::mutex> one_at_a_time{};
};
/// Where it is asked to wait (429 or 503 with Retry-After), it is asked nothing for so long, five minutes at
/// most: what is wanted then is Exhausted in the words of the refusal.
std::unique_ptr<ScaleTarget> make_http_target(std::unique_ptr<TargetTranslator> translator,
                                              HttpTargetOptions options);

/// With a body of JSON.
FetchRequest json_request(std::string method, std::string url, std::string body);
/// Whether a path is of these parts; an empty one stands for any name.
bool has_path_parts(std::string_view path, std::initializer_list<std::string_view> parts);
/// A member of a JSON object in an answer's body by its JSON Pointer. None where it is not a whole number
/// from 0 on; Invalid where the body is not a JSON object.
Result<std::optional<std::uint32_t>> count_in(std::string_view body, const char* pointer);

}  // namespace forewarm
