#include "edge/signal/source_thread.h"

#include <signal.h>

#include <algorithm>
#include <chrono>

namespace forewarm {

SourceThread::SourceThread(std::vector<std::unique_ptr<SignalSource>> sources, Clock clock, Report report)
    : sources_(std::move(sources)), clock_(std::move(clock)), report_(std::move(report)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

SourceThread::~SourceThread() {
  stop();
  thread_.join();
}

void SourceThread::run(const std::stop_token& stop) {
  // Signals are for the thread that runs the loop.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  using Steady = std::chrono::steady_clock;
  std::vector<Steady::time_point> due(sources_.size(), Steady::now());
  while (!stop.stop_requested()) {
    const auto next = std::ranges::min_element(due);
    if (next == due.end()) return;
    std::unique_lock lock(mutex_);
    wake_.wait_until(lock, stop, *next, [] { return false; });
    lock.unlock();
    if (stop.stop_requested()) return;
    if (Steady::now() < *next) continue;
    const auto index = static_cast<std::size_t>(next - due.begin());
    Reading reading = sources_[index]->read(clock_(), stop);
    if (stop.stop_requested()) return;
    report_(index, std::move(reading));
    *next = Steady::now() + sources_[index]->pause();
  }
}

}  // namespace forewarm
