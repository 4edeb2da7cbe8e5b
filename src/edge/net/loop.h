#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace forewarm {

/// The event loop: one thread runs it, everything of the edge happens on it unless a function says otherwise.
/// Hides Boost.Asio, which is heavy to compile.
class Loop {
 public:
  using Clock = std::chrono::steady_clock;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs handlers until one has called wake(), stop() was called, or `deadline` passed. Handlers that are
  /// ready when it is called run even if the deadline has passed already, so a busy timer cannot starve the
  /// network.
  void run_until(Clock::time_point deadline);
  /// Ends the current or next run_until(). Any thread.
  void wake();
  void stop();  ///< any thread; stopped() is true from then on
  bool stopped() const;

  /// Runs `task` on the loop's thread, later. Any thread.
  void post(std::function<void()> task);
  /// Runs `task` once no handler is ready, or after 64 more: what one turn of the network gives to do
  /// can be done together. The loop's thread.
  void call_when_idle(std::function<void()> task);

  /// A one-shot timer; destroying it cancels it.
  class Timer {
   public:
    virtual ~Timer() = default;
  };
  [[nodiscard]] std::unique_ptr<Timer> call_at(Clock::time_point when, std::function<void()> task);
  [[nodiscard]] std::unique_ptr<Timer> call_after(Clock::duration delay, std::function<void()> task);

  /// Calls `ready` each time `fd` is readable (or closed by the peer) until the watch is destroyed. Does not
  /// own the fd.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  [[nodiscard]] std::unique_ptr<Watch> watch_readable(int fd, std::function<void()> ready);
  /// Calls `received(signal)` for these signals until the watch is destroyed.
  [[nodiscard]] std::unique_ptr<Watch> watch_signals(std::initializer_list<int> signals,
                                                     std::function<void(int)> received);

  struct Impl;
  Impl& impl() { return *impl_; }  ///< for edge/net only

 private:
  void run_idle();

  std::unique_ptr<Impl> impl_;
};

}  // namespace forewarm
