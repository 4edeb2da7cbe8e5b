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

void Spawner::spawn(InstanceId instance, std::function<Result<SpawnRequest>()> make) {
  run([this, instance, make = std::move(make)] { start(instance, make); });
}

void Spawner::run(std::function<void()> task) {
  const std::lock_guard lock(shared_->mutex);
  shared_->wanted.push_back(std::move(task));
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
    const std::function<void()> task = std::move(shared_->wanted.front());
    shared_->wanted.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

void Spawner::start(InstanceId instance, const std::function<Result<SpawnRequest>()>& make) {
  const Result<SpawnRequest> request = make();
  Result<SpawnedProcess> process = request ? spawn_process(*request) : std::unexpected(request.error());
  if (process && request->isolation) process->note = request->isolation->note;
  const std::lock_guard lock(shared_->mutex);
  shared_->finished.emplace_back(instance, std::move(process));
  loop_.post([this, alive = std::weak_ptr(shared_)] {
    if (alive.lock()) tell();
  });
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
