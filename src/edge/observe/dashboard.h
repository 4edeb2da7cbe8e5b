#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/model/ids.h"
#include "edge/net/http.h"
#include "edge/observe/decision_log.h"
#include "edge/observe/metrics.h"
#include "edge/observe/routes.h"
#include "edge/observe/snapshot.h"

namespace forewarm {

/// A line that a function instance wrote.
struct LogEntry {
  std::chrono::system_clock::time_point at;
  std::string function;
  InstanceId instance;
  RunId run;               ///< the one it had then, if any
  std::string request_id;  ///< that the function was told then
  std::string text;
};
struct LogQuery {
  std::string_view function;  ///< empty: all
  std::string_view message;   ///< lines of its runs only; empty: all
  std::size_t limit = 0;      ///< the newest
};

/// The admin port: page, snapshots over server-sent events, metrics, health and the read-only REST API.
///
/// It shows what it is given once a second and asks nothing of the core, so that no number of open pages
/// costs the decisions anything. A reader that cannot keep up is skipped, and gets the whole history again
/// when it can.
///
/// All calls, and the handler, on the loop's thread.
class Dashboard {
 public:
  struct Options {
    std::string version = "unknown";
    Routes::Options routes = {};  ///< but for title and version
    std::size_t streams_max = 64;
    std::size_t queues_shown_max = 200;  ///< in a stream's list; the busiest first
    std::size_t unsent_max_bytes = 256U << 10;
    std::string page_directory =
        {};  ///< serve the page from here instead of the embedded one (for work on it)
  };
  /// Where the rest comes from; must outlive the dashboard.
  struct Sources {
    const Metrics* metrics = nullptr;
    const DecisionLog* decisions = nullptr;
    /// Oldest first. Invalid or NotFound of a message.
    std::function<Result<std::vector<LogEntry>>(const LogQuery&)> logs;
  };
  Dashboard(Options options, Sources sources);
  ~Dashboard();

  /// For the app's own routes; add them before the handler is used.
  Routes& routes();
  HttpHandler handler();
  /// Takes the second's snapshot: remembers it and sends it to the open pages.
  void publish(Snapshot snapshot);
  /// Until then /readyz answers 503.
  void set_ready(bool ready);
  std::size_t streams() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace forewarm
