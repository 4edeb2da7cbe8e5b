#include "edge/net/loop.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <utility>

#include "edge/net/loop_impl.h"

namespace forewarm {
namespace {

namespace asio = boost::asio;

/// Handlers run before the deadline is looked at, so that a timer that is always due cannot starve the
/// network.
constexpr int kReadyHandlersPerCall = 256;
/// As many requests are done together at most. Fewer, and the work that they share is not shared: a
/// commit of 16 requests costs nearly what one of 64 does. More, and the disk waits while the processor
/// works.
constexpr int kHandlersPerIdle = 64;

class SteadyTimer final : public Loop::Timer {
 public:
  using Waitable = asio::basic_waitable_timer<Loop::Clock, asio::wait_traits<Loop::Clock>, LoopExecutor>;

  SteadyTimer(const LoopExecutor& executor, Loop::Clock::time_point when, std::function<void()> task)
      : state_(std::make_shared<State>(executor, std::move(task))) {
    state_->timer.expires_at(when);
    state_->timer.async_wait([state = state_](const boost::system::error_code& failed) {
      // A timer that was destroyed after it expired must not fire either.
      if (failed || state->cancelled) return;
      const std::function<void()> due = std::move(state->task);
      due();
    });
  }
  ~SteadyTimer() override {
    state_->cancelled = true;
    state_->timer.cancel();
  }

 private:
  struct State {
    State(const LoopExecutor& executor, std::function<void()> what)
        : timer(executor), task(std::move(what)) {}
    Waitable timer;
    std::function<void()> task;
    bool cancelled = false;
  };
  std::shared_ptr<State> state_;
};

class ReadableWatch final : public Loop::Watch {
 public:
  ReadableWatch(const LoopExecutor& executor, int fd, std::function<void()> ready)
      : state_(std::make_shared<State>(executor, fd, std::move(ready))) {
    wait(state_);
  }
  ~ReadableWatch() override {
    state_->cancelled = true;
    state_->descriptor.release();
  }

 private:
  using Descriptor = asio::posix::basic_stream_descriptor<LoopExecutor>;
  struct State {
    State(const LoopExecutor& executor, int fd, std::function<void()> what)
        : descriptor(executor, fd), ready(std::move(what)) {}
    Descriptor descriptor;
    std::function<void()> ready;
    bool cancelled = false;
  };

  static void wait(const std::shared_ptr<State>& state) {
    state->descriptor.async_wait(Descriptor::wait_read, [state](const boost::system::error_code& failed) {
      if (failed || state->cancelled) return;
      state->ready();
      if (!state->cancelled) wait(state);
    });
  }

  std::shared_ptr<State> state_;
};

class SignalWatch final : public Loop::Watch {
 public:
  SignalWatch(const LoopExecutor& executor, std::initializer_list<int> signals,
              std::function<void(int)> received)
      : state_(std::make_shared<State>(executor, std::move(received))) {
    for (const int signal : signals) state_->set.add(signal);
    wait(state_);
  }
  ~SignalWatch() override {
    state_->cancelled = true;
    boost::system::error_code ignored;
    state_->set.cancel(ignored);
    state_->set.clear(ignored);
  }

 private:
  struct State {
    State(const LoopExecutor& executor, std::function<void(int)> what)
        : set(executor), received(std::move(what)) {}
    asio::basic_signal_set<LoopExecutor> set;
    std::function<void(int)> received;
    bool cancelled = false;
  };

  static void wait(const std::shared_ptr<State>& state) {
    state->set.async_wait([state](const boost::system::error_code& failed, int signal) {
      if (failed || state->cancelled) return;
      state->received(signal);
      if (!state->cancelled) wait(state);
    });
  }

  std::shared_ptr<State> state_;
};

}  // namespace

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::run_until(Clock::time_point deadline) {
  asio::io_context& context = impl_->context;
  const auto ended = [this] {
    if (stopped()) return true;
    return impl_->woken.load(std::memory_order_relaxed) &&
           impl_->woken.exchange(false, std::memory_order_acquire);
  };
  const auto work = asio::make_work_guard(context);  // without it an idle context would stop instead of wait
  if (context.stopped()) context.restart();
  for (;;) {
    for (int ran = 0; ran < kReadyHandlersPerCall; ++ran) {
      if (ended()) return;
      if (context.poll_one() == 0) break;
      if (++impl_->handlers_since_idle >= kHandlersPerIdle) run_idle();
    }
    run_idle();
    if (ended() || Clock::now() >= deadline) return;
    if (impl_->idle.empty()) context.run_one_until(deadline);
  }
}

void Loop::call_when_idle(std::function<void()> task) {
  impl_->idle.push_back(std::move(task));
}

void Loop::run_idle() {
  impl_->handlers_since_idle = 0;
  const auto tasks = std::exchange(impl_->idle, {});
  for (const auto& task : tasks) task();
}

void Loop::wake() {
  if (impl_->woken.exchange(true, std::memory_order_release)) return;
  if (!impl_->context.get_executor().running_in_this_thread()) asio::post(impl_->context, [] {});
}

void Loop::stop() {
  impl_->stopped.store(true, std::memory_order_release);
  asio::post(impl_->context, [] {});
}

bool Loop::stopped() const {
  return impl_->stopped.load(std::memory_order_acquire);
}

void Loop::post(std::function<void()> task) {
  asio::post(impl_->context, std::move(task));
}

std::unique_ptr<Loop::Timer> Loop::call_at(Clock::time_point when, std::function<void()> task) {
  return std::make_unique<SteadyTimer>(impl_->context.get_executor(), when, std::move(task));
}

std::unique_ptr<Loop::Timer> Loop::call_after(Clock::duration delay, std::function<void()> task) {
  return call_at(Clock::now() + delay, std::move(task));
}

std::unique_ptr<Loop::Watch> Loop::watch_readable(int fd, std::function<void()> ready) {
  return std::make_unique<ReadableWatch>(impl_->context.get_executor(), fd, std::move(ready));
}

std::unique_ptr<Loop::Watch> Loop::watch_signals(std::initializer_list<int> signals,
                                                 std::function<void(int)> received) {
  return std::make_unique<SignalWatch>(impl_->context.get_executor(), signals, std::move(received));
}

}  // namespace forewarm
