#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/config.h"
#include "base/result.h"
#include "core/model/action.h"
#include "core/model/event.h"
#include "edge/functions/process_pool.h"
#include "edge/net/http.h"
#include "edge/net/loop.h"
#include "edge/observe/log.h"
#include "edge/observe/snapshot.h"

namespace forewarm {

/// A running forewarm: the store, the core in its live world, the SQS endpoint, the functions, the admin
/// port.
///
/// open() recovers everything that was durable; run() serves until stop(). One thread, the caller's, does it
/// all but for the store's writer. Used by `serve` and by `demo`.
class Server {
 public:
  struct Options {
    ServerConfig config;
    Log* log = nullptr;  ///< must outlive the server
    /// Called once, when everything answers.
    std::function<void()> on_ready;
    /// Called about once a second with what the dashboard shows, on the loop's thread.
    std::function<void(const Snapshot&)> on_second;
    /// Each line that an instance wrote, as it comes.
    std::function<void(const LogLine&)> on_function_line;
    /// Reads the configuration again, for SIGHUP. Empty if there is nothing to read.
    std::function<Result<ServerConfig>()> read_again;
    /// Every event with its actions; may be empty.
    std::function<void(const TimedEvent&, const Actions&)> watch;
  };
  /// The first error with its place and remedy; nothing of the data folder is changed then but what recovery
  /// mends.
  static Result<std::unique_ptr<Server>> open(Options options);
  virtual ~Server() = default;

  /// Until stop() or a signal. The error that ended it, if one did.
  virtual Result<void> run() = 0;
  virtual void stop() = 0;  ///< any thread

  virtual Endpoint sqs_endpoint() const = 0;
  virtual Endpoint admin_endpoint() const = 0;
  virtual Loop& loop() = 0;
  /// The dashboard shows this; nothing takes it away again.
  virtual void set_progress(std::optional<Progress> progress) = 0;
  virtual Snapshot snapshot() = 0;
};

}  // namespace forewarm
