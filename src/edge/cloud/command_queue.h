#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <mutex>

namespace forewarm {

/// What other threads want done on a source's own thread, which sleeps in poll() on its connection: an
/// eventfd wakes it, so that a command never waits for a message to come.
class CommandQueue {
 public:
  CommandQueue();
  ~CommandQueue();
  CommandQueue(const CommandQueue&) = delete;
  CommandQueue& operator=(const CommandQueue&) = delete;

  /// Any thread.
  void post(std::function<void()> command);
  /// Runs all that was posted, in order. The source's thread.
  void run();
  /// Until something is posted, `socket` can be read or, if so asked, written (-1: there is none) or the time
  /// is over. The source's thread.
  void wait(int socket, std::chrono::milliseconds at_most, bool or_written = false) const;

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> commands_;
  int event_;
};

}  // namespace forewarm
