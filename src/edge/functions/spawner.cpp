#include "edge/functions/spawner.h"

#include <signal.h>

namespace forewarm {

Spawner::Spawner(Loop& loop, Started started) : loop_(loop), started_(std::move(started)) {
  // Signals are for the thread that runs the loop.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Spawner::~Spawner() {
  stop();
}

void Spawner::spawn(InstanceId instance, SpawnRequest request) {
  const std::lock_guard lock(shared_->mutex);
  shared_->wanted.emplace_back(instance, std::move(request));
  shared_->changed.notify_one();
}

void Spawner::stop() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    shared_->changed.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  tell();
}

void Spawner::work() {
  std::unique_lock lock(shared_->mutex);
  while (true) {
    shared_->changed.wait(lock, [this] { return shared_->stopping || !shared_->wanted.empty(); });
    if (shared_->stopping) return;
    auto [instance, request] = std::move(shared_->wanted.front());
    shared_->wanted.pop_front();
    lock.unlock();
    Result<SpawnedProcess> process = spawn_process(request);
    lock.lock();
    shared_->finished.emplace_back(instance, std::move(process));
    loop_.post([this, alive = std::weak_ptr(shared_)] {
      if (alive.lock()) tell();
    });
  }
}

void Spawner::tell() {
  std::vector<std::pair<InstanceId, Result<SpawnedProcess>>> finished;
  {
    const std::lock_guard lock(shared_->mutex);
    finished.swap(shared_->finished);
  }
  for (auto& [instance, process] : finished) started_(instance, std::move(process));
}

}  // namespace forewarm
