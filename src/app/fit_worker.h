#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/fit_codec.h"
#include "core/model/event.h"
#include "core/model/forecast.h"
#include "edge/net/loop.h"

namespace forewarm {

/// Fits forecasts in a process of its own, so that numerics can neither stall nor crash the server: lower
/// priority, limited memory, and killed when one fit takes longer than its deadline. A fit that fails in any
/// way is answered with no forecasts, and the last good ones stand.
class FitWorker {
 public:
  struct Options {
    std::vector<std::string>
        command;  ///< how to start the worker: this program with "fit-worker" [--explain]
    std::chrono::milliseconds deadline{5'000};  ///< for one fit
    std::size_t waiting_max = 10'000;           ///< more are answered as failed at once
  };
  struct Statistics {
    std::uint64_t fitted = 0;
    std::uint64_t failed = 0;
    std::uint64_t restarts = 0;
  };
  static std::unique_ptr<FitWorker> make(Loop& loop, Options options, std::function<void(FitAnswer)> done);
  virtual ~FitWorker() = default;            ///< ends the process
  virtual void fit(FitRequest request) = 0;  ///< answered exactly once, later, in order
  virtual Statistics statistics() const = 0;
};

/// The worker process: reads requests from standard input and writes answers to standard output until the
/// input ends. One that explains takes the whole ensemble and its time, and says why: for people who ask, not
/// for decisions. Returns the exit code.
int run_fit_worker(bool explain);

}  // namespace forewarm
