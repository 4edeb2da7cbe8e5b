#include "edge/cloud/command_queue.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "base/check.h"

namespace forewarm {

CommandQueue::CommandQueue() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  check(event_ >= 0, "there is a descriptor for the commands of a source");
}

CommandQueue::~CommandQueue() {
  ::close(event_);
}

void CommandQueue::post(std::function<void()> command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then it wakes anyway.
  [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
}

void CommandQueue::run() {
  std::uint64_t ignored = 0;
  [[maybe_unused]] const auto got = ::read(event_, &ignored, sizeof ignored);
  std::deque<std::function<void()>> commands;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (auto& command : commands) command();
}

void CommandQueue::wait(int socket, std::chrono::milliseconds at_most, bool or_written) const {
  const auto of_socket = static_cast<short>(or_written ? POLLIN | POLLOUT : POLLIN);
  ::pollfd descriptors[] = {{event_, POLLIN, 0}, {socket, of_socket, 0}};
  ::poll(descriptors, socket >= 0 ? 2 : 1, static_cast<int>(at_most.count()));
}

}  // namespace forewarm
