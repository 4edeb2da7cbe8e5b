#pragma once

#include <proton/connection_driver.h>
#include <proton/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "edge/cloud/servicebus/service_bus_source.h"

namespace forewarm {

/// One connection of AMQP 1.0 over TLS: Proton speaks the protocol, the socket is ours, so that the thread
/// can sleep on it and on others' commands at once. Used on one thread.
class ProtonConnection {
 public:
  using Clock = std::chrono::steady_clock;
  using Take = std::function<void(pn_event_t*)>;

  /// Blocks for some seconds at most, less when `hurry` becomes true. Errors are product text.
  static Result<std::unique_ptr<ProtonConnection>> open(const ServiceBusOptions& options,
                                                        const std::atomic<bool>& hurry);
  ~ProtonConnection();
  ProtonConnection(const ProtonConnection&) = delete;
  ProtonConnection& operator=(const ProtonConnection&) = delete;

  pn_connection_t* connection() const { return driver_.connection; }
  int socket() const { return socket_; }
  /// There is something to write.
  bool wants_to_write() { return blocked_ || pn_connection_driver_write_buffer(&driver_).size > 0; }

  /// Writes and reads what it can without waiting; each event is given to `take`. An error ends the
  /// connection. To be called every second or so.
  Result<void> turn(const Take& take);
  /// Turns until it is reached. Io when that takes longer than `at_most`.
  Result<void> turn_until(const std::function<bool()>& reached, std::chrono::milliseconds at_most,
                          const Take& take, const std::string& what);
  /// Says goodbye, for half a second at most.
  void close();
  /// "Service Bus at HOST:PORT".
  std::string place() const;

 private:
  ProtonConnection(const ServiceBusOptions& options, const std::atomic<bool>& hurry);
  Result<void> connect_socket();
  Result<void> begin();
  Result<void> secure();
  bool write_some();
  bool read_some();
  void dispatch(const Take& take);
  Error ended() const;

  const ServiceBusOptions& options_;
  const std::atomic<bool>& hurry_;
  pn_connection_driver_t driver_{};
  int socket_ = -1;
  bool blocked_ = false;
  std::string io_error_{};
};

/// NAME: DESCRIPTION of a condition, or nothing.
std::string condition_text(pn_condition_t* condition);

}  // namespace forewarm
