#pragma once

#include <signal.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

template <class T>
struct Expiring {
  T value;
  std::optional<TimePoint> until{};  ///< none: for ever
};

/// Something that runs out and is fetched anew: by a thread of its own a while before it does, so that
/// nobody waits for it, and by whoever asks when it is too late for that. One at a time, whoever asks.
template <class T>
class Refreshed {
 public:
  using Fetch = std::function<Result<Expiring<T>>(const std::stop_token&)>;
  struct Options {
    std::function<TimePoint()> now;
    // No literals: gcc 12 loses them at -O0 where this is a default value in a default value.
    Duration ahead = std::chrono::minutes(5);          ///< of the end
    Duration after_failure = std::chrono::seconds(5);  ///< not asked again sooner; the failure is repeated
  };

  Refreshed(Options options, Fetch fetch) : options_(std::move(options)), fetch_(std::move(fetch)) {}

  /// Any thread. Waits for the server that has it, unless what there is still holds.
  Result<T> get() {
    std::unique_lock lock(mutex_);
    while (true) {
      const TimePoint now = options_.now();
      if (held_ && (!held_->until || now < *held_->until)) {
        if (held_->until && now >= *held_->until - options_.ahead && may_fetch(now)) refresh_apart();
        return held_->value;
      }
      if (fetching_) {
        ended_.wait(lock, [this] { return !fetching_; });
        continue;
      }
      if (failure_ && now < not_before_) return std::unexpected(*failure_);
      fetching_ = true;
      lock.unlock();
      auto fetched = fetch_(stop_.get_token());
      lock.lock();
      take(std::move(fetched));
      if (failure_) return std::unexpected(*failure_);
      return held_->value;
    }
  }

  /// What is held is refused by who should take it: the next get() fetches.
  void expire() {
    const std::lock_guard lock(mutex_);
    held_.reset();
  }

  ~Refreshed() { stop_.request_stop(); }

 private:
  bool may_fetch(TimePoint now) const { return !fetching_ && (!failure_ || now >= not_before_); }

  void refresh_apart() {
    fetching_ = true;
    apart_ = std::jthread([this] {
      sigset_t all;
      ::sigfillset(&all);
      ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
      auto fetched = fetch_(stop_.get_token());
      const std::lock_guard lock(mutex_);
      take(std::move(fetched));
    });
  }

  void take(Result<Expiring<T>> fetched) {
    fetching_ = false;
    if (fetched) {
      held_ = std::move(*fetched);
      failure_.reset();
    } else {
      failure_ = fetched.error();
      not_before_ = options_.now() + options_.after_failure;
    }
    ended_.notify_all();
  }

  const Options options_;
  const Fetch fetch_;
  std::stop_source stop_{};
  std::mutex mutex_{};
  std::condition_variable ended_{};
  std::optional<Expiring<T>> held_{};
  std::optional<Error> failure_{};
  TimePoint not_before_{};
  bool fetching_ = false;
  std::jthread apart_{};
};

}  // namespace forewarm
