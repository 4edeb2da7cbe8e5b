#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "edge/signal/source.h"

namespace forewarm {

/// Asks sources at their times, on a thread of its own: files and networks may keep it waiting, and the loop
/// must not. One source after the other, so those that may hang get a thread each.
class SourceThread {
 public:
  /// `clock` and `report` are called on the thread. `report` gets what a source said and which it was.
  using Clock = std::function<TimePoint()>;
  using Report = std::function<void(std::size_t source, Reading reading)>;
  SourceThread(std::vector<std::unique_ptr<SignalSource>> sources, Clock clock, Report report);
  ~SourceThread();  ///< ends the thread; no report comes after it
  /// Lets it come to its end without waiting for it: of several, all can end at once.
  void stop() { thread_.request_stop(); }

 private:
  void run(const std::stop_token& stop);

  std::vector<std::unique_ptr<SignalSource>> sources_;
  Clock clock_;
  Report report_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace forewarm
