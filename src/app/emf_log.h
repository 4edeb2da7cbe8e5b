#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/emf_config.h"
#include "app/task_thread.h"
#include "edge/net/loop.h"
#include "edge/observe/emf/emf_documents.h"
#include "edge/observe/log.h"

namespace forewarm {

/// Writes the metrics that were asked for as lines, from time to time, on a thread of its own: a full pipe or
/// a slow disk holds up nothing, and costs lines.
class EmfLog {
 public:
  struct Server {
    Loop* loop = nullptr;
    Log* log = nullptr;
    std::function<TimePoint()> now{};
    std::function<std::vector<MetricPoints>(const MetricFilter&)> metrics{};
  };
  /// Null where nothing is to be written.
  static std::unique_ptr<EmfLog> make(Server server, const EmfConfig& config);

 private:
  EmfLog(Server server, EmfConfig config);
  void write();

  Server server_;
  EmfConfig config_;
  EmfDocuments documents_;
  std::atomic<bool> busy_ = false;
  bool complained_ = false;
  std::unique_ptr<Loop::Timer> timer_;
  TaskThread thread_;
};

}  // namespace forewarm
