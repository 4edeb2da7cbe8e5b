#include "edge/net/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace forewarm {
namespace {

/// The variable's value, which is taken away; empty if it is not set.
std::string take_variable(const char* name) {
  const char* found = std::getenv(name);
  std::string value = found ? found : "";
  ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): asked once, at the start
  return value;
}

std::int64_t number_in(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size() ? number : 0;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  ServiceManager manager;
  manager.socket_ = take_variable("NOTIFY_SOCKET");
  const std::int64_t every = number_in(take_variable("WATCHDOG_USEC"));
  const std::string process = take_variable("WATCHDOG_PID");
  const bool ours = process.empty() || process == std::to_string(::getpid());
  if (!manager.socket_.empty() && ours && every > 1)
    manager.alive_every_ = std::chrono::microseconds(every / 2);
  return manager;
}

void ServiceManager::keep_alive(Loop& loop) {
  if (alive_every_.count() == 0) return;
  alive();
  next_ = loop.call_after(alive_every_, [this, &loop] { keep_alive(loop); });
}

void ServiceManager::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t us = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

void ServiceManager::say(std::string_view lines) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof(address.sun_path)) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  // "@" stands for the zero byte that begins a name in the abstract namespace.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  (void)!::sendto(fd, lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                  reinterpret_cast<const sockaddr*>(&address), size);
  ::close(fd);
}

}  // namespace forewarm
