#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/random.h"
#include "edge/net/fetch.h"

namespace forewarm {

/// What became of spans, or of points of metrics, since the start.
struct OtlpCounts {
  std::uint64_t sent = 0;      ///< taken by the receiver
  std::uint64_t rejected = 0;  ///< by the receiver
  std::uint64_t dropped = 0;   ///< here: it could not be reached, or too many waited
};

/// Sends one kind of telemetry by OTLP/HTTP from a thread of its own: bounded, and what the bound or an
/// unreachable receiver costs is counted and never waited for. Source: OpenTelemetry Protocol 1.5, "OTLP/HTTP
/// Response": 429, 502, 503 and 504 are tried again, after Retry-After or with a growing pause; other errors
/// are not; a partial success is not either.
class OtlpSender {
 public:
  struct Options {
    std::string url{};
    std::function<Result<HttpHeaders>()> headers{};  ///< asked for each request; may be empty
    FetchOptions fetch{.timeout = std::chrono::seconds(10), .body_max_bytes = 1U << 20};
    std::size_t items_max = 20'000;  ///< waiting
    bool newest_only = false;        ///< what is given replaces what waits
    std::chrono::milliseconds first_pause{1000};
    int tries = 6;
    std::uint64_t seed = 1;  ///< of the jitter
    /// Called on the thread: each problem once, until it is another or over (then empty).
    std::function<void(const std::string&)> problem{};
  };
  explicit OtlpSender(Options options);
  ~OtlpSender();  ///< what waits is dropped
  OtlpSender(const OtlpSender&) = delete;
  OtlpSender& operator=(const OtlpSender&) = delete;

  /// `body` is called on the thread. Never waits.
  void give(std::size_t items, std::function<std::string()> body);
  /// Until all is sent or given up, or the time is over.
  void finish(std::chrono::milliseconds at_most);
  OtlpCounts counts() const;

 private:
  struct Batch {
    std::size_t items = 0;
    std::function<std::string()> body{};
  };

  void run(const std::stop_token& stop);
  void send(const Batch& batch, const std::stop_token& stop);
  void say(const std::string& problem);
  bool pause(const std::stop_token& stop, std::chrono::milliseconds wait);

  Options options_;
  Random random_;
  std::string problem_{};
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Batch> waiting_;
  std::size_t items_waiting_ = 0;
  bool busy_ = false;
  OtlpCounts counts_;
  std::jthread thread_;
};

/// Whether the answer's status asks for another try.
bool otlp_retryable(unsigned status);

}  // namespace forewarm
