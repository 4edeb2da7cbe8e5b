#include "edge/net/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace forewarm {
namespace {

/// A manager's socket in the abstract namespace.
class ManagerSocket {
 public:
  ManagerSocket() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    name_ = "@forewarm-test-" + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name_.data() + 1, name_.size() - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
  }
  ~ManagerSocket() { ::close(fd_); }

  const std::string& name() const { return name_; }
  std::string heard() const {
    std::array<char, 256> bytes{};
    const ssize_t size = ::recv(fd_, bytes.data(), bytes.size(), 0);
    return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : "";
  }

 private:
  int fd_;
  std::string name_;
};

TEST(ServiceManager, HearsThatTheServerIsReadyStopsAndLives) {
  const ManagerSocket socket;
  ::setenv("NOTIFY_SOCKET", socket.name().c_str(), 1);
  ::setenv("WATCHDOG_USEC", "2000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  const ServiceManager manager = ServiceManager::from_environment();
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr) << "processes of functions must not speak for the server";
  EXPECT_EQ(manager.alive_every(), std::chrono::seconds(1));
  manager.ready();
  EXPECT_EQ(socket.heard(), "READY=1");
  manager.alive();
  EXPECT_EQ(socket.heard(), "WATCHDOG=1");
  manager.reloading();
  EXPECT_TRUE(socket.heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  manager.stopping();
  EXPECT_EQ(socket.heard(), "STOPPING=1");
}

TEST(ServiceManager, SaysNothingWhereNobodyListensAndToAnotherProcessesWatchdog) {
  ServiceManager::from_environment().ready();
  ::setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
  ::setenv("WATCHDOG_USEC", "2000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  const ServiceManager manager = ServiceManager::from_environment();
  EXPECT_EQ(manager.alive_every(), std::chrono::microseconds(0));
  manager.ready();
}

}  // namespace
}  // namespace forewarm
