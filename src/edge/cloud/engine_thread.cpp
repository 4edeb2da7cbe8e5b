#include "edge/cloud/engine_thread.h"

#include <signal.h>

#include <random>
#include <utility>

#include "edge/net/reconnect_backoff.h"

namespace forewarm {
namespace {

// A connection that ends sooner has not proved good: the next one waits longer.
constexpr std::chrono::seconds kProvedGood{5};
constexpr std::chrono::seconds kStopPatience{2};

}  // namespace

void EngineThread::start(Connection connection) {
  connection_ = std::move(connection);
  thread_ = std::jthread([this](const std::stop_token& stop) {
    run(stop);
    finished_.set_value();
  });
}

void EngineThread::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  commands_.post([] {});
  if (finished_.get_future().wait_for(kStopPatience) != std::future_status::ready) connection_.interrupt();
  thread_.join();
}

void EngineThread::run(const std::stop_token& stop) {
  using Steady = std::chrono::steady_clock;
  // Signals are for the thread that runs the loop.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  ReconnectBackoff backoff(std::random_device{}());
  while (!stop.stop_requested()) {
    const auto connected = connection_.connect();
    if (stop.stop_requested()) break;
    connection_.state(connected);
    const auto since = Steady::now();
    if (connected) {
      const Error why = connection_.serve(stop);
      if (stop.stop_requested()) break;
      connection_.state(std::unexpected(why));
    }
    if (Steady::now() - since >= kProvedGood) backoff.reset();
    pause(stop, backoff.next());
  }
  connection_.close();
}

void EngineThread::pause(const std::stop_token& stop, std::chrono::milliseconds time) {
  using Steady = std::chrono::steady_clock;
  const auto until = Steady::now() + time;
  while (!stop.stop_requested() && Steady::now() < until) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now());
    commands_.wait(-1, left + std::chrono::milliseconds(1));
    commands_.run();
  }
}

}  // namespace forewarm
