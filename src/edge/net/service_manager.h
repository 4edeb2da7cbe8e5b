#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "edge/net/loop.h"

namespace forewarm {

/// Tells the service manager that started the program how it is (sd_notify(3)), if NOTIFY_SOCKET names its
/// socket; says nothing otherwise. The protocol is one datagram of lines, so no library is needed.
class ServiceManager {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment: a function's
  /// process must not speak for the server.
  static ServiceManager from_environment();

  void ready() const { say("READY=1"); }
  void reloading() const;
  void stopping() const { say("STOPPING=1"); }
  void alive() const { say("WATCHDOG=1"); }
  /// Calls alive() from the loop as often as the manager wants it: a loop that hangs is noticed. This must
  /// outlive the loop's running.
  void keep_alive(Loop& loop);
  /// How often alive() must be called: half of what the manager waits for. Zero: never.
  std::chrono::microseconds alive_every() const { return alive_every_; }

 private:
  void say(std::string_view lines) const;

  std::string socket_;
  std::chrono::microseconds alive_every_{0};
  std::unique_ptr<Loop::Timer> next_;
};

}  // namespace forewarm
