#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/random.h"
#include "edge/net/fetch_session.h"

namespace forewarm {

/// Calls of an engine's HTTP interface for one thread: many at a time, each asked again while its failure
/// may pass, a little later each time and by chance, so that those who were throttled together do not come
/// back together.
class HttpCalls {
 public:
  using Clock = std::chrono::steady_clock;
  using Done = std::function<void(Result<HttpResponse>)>;

  struct Call {
    /// For each try anew, so that what is signed has a new signature; an error ends the call.
    std::function<Result<FetchRequest>()> request;
    std::chrono::milliseconds timeout{20'000};
    std::chrono::milliseconds connect_timeout{0};  ///< see FetchOptions
    std::size_t body_max_bytes = 256U << 20;       ///< of an answer
    std::shared_ptr<FetchCourse> course{};         ///< of the last try; null: nobody asks
    int tries = 5;
    /// Whether another try may help; not asked after the last. Its request is made after this.
    std::function<bool(const Result<HttpResponse>&)> passing = may_pass;
  };
  struct Options {
    std::string ca_file{};  ///< PEM of who is trusted; empty: the system's
    std::chrono::milliseconds pause_first{100};
    std::chrono::milliseconds pause_longest{5'000};
    std::uint64_t seed = 0;
  };
  explicit HttpCalls(Options options) : options_(std::move(options)), random_(options_.seed) {}

  /// No answer, 408, 429, or 5xx.
  static bool may_pass(const Result<HttpResponse>& answer);

  /// `done` is called in run(), once, unless drop_all() comes before.
  void start(Call call, Done done);
  /// Lets calls go on; returns when something has happened, or the time is over.
  void run(std::chrono::milliseconds at_most);
  /// Any thread: run() returns.
  void wake() { session_.wake(); }
  std::size_t under_way() const { return started_; }
  /// Ends all without an answer.
  void drop_all();

 private:
  struct Begun {
    Call call;
    Done done;
    int tries = 0;
  };

  void attempt(const std::shared_ptr<Begun>& begun);
  void answered(const std::shared_ptr<Begun>& begun, Result<HttpResponse> answer);
  void end(const Begun& begun, Result<HttpResponse> answer);
  std::chrono::milliseconds pause_after(int tries);

  const Options options_;
  Random random_;
  FetchSession session_{};
  std::multimap<Clock::time_point, std::function<void()>> due_{};
  std::size_t started_ = 0;
};

}  // namespace forewarm
