#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/model/ids.h"
#include "edge/functions/spawn.h"
#include "edge/net/loop.h"

namespace forewarm {

/// Starts processes on a thread of its own. Even without a copy of the parent a start blocks its caller until
/// the program is loaded, which is half a millisecond from memory and many from a disk: too long for the
/// loop's thread.
class Spawner {
 public:
  using Started = std::function<void(InstanceId, Result<SpawnedProcess>)>;
  /// `started` is called on the loop's thread.
  Spawner(Loop& loop, Started started);
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  /// `make` makes the request, on the thread.
  void spawn(InstanceId instance, std::function<Result<SpawnRequest>()> make);
  /// Does something that may take a while, on the thread.
  void run(std::function<void()> task);
  /// Ends the thread; starts and tasks that were not begun are forgotten. What was started and not told yet
  /// is told now.
  void stop();

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> wanted;
    std::vector<std::pair<InstanceId, Result<SpawnedProcess>>> finished;
    bool stopping = false;
  };
  void work();
  void start(InstanceId instance, const std::function<Result<SpawnRequest>()>& make);
  void tell();

  Loop& loop_;
  Started started_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::thread thread_;
};

}  // namespace forewarm
