#pragma once

#include <memory>
#include <string>

#include "app/control_config.h"
#include "base/result.h"
#include "edge/observe/log.h"

namespace forewarm {

/// `forewarm control`: watches queues by metrics alone, forecasts, plans, and tells their targets, or,
/// without `apply`, says what it would tell them.
///
/// One loop thread decides; each queue has a thread that waits for its metrics and its target, so that one
/// that hangs holds up no other; fits run in a process of their own.
class ControlService {
 public:
  struct Options {
    ControlFile config;
    Log* log = nullptr;  ///< outlives this
    bool apply = false;
    bool once = false;  ///< two readings of each queue and a fit, and then the end
  };
  /// Conflict when another process works in the data folder.
  static Result<std::unique_ptr<ControlService>> open(Options options);
  virtual ~ControlService() = default;

  /// Until SIGTERM or SIGINT, or once.
  virtual void run() = 0;
  /// What /v1/plan answers.
  virtual std::string plan_json() const = 0;
  /// The last reading of every queue, and of every target that can be asked, was one; and what was told was
  /// taken.
  virtual bool well() const = 0;
};

}  // namespace forewarm
