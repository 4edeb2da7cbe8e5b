#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/model/decision.h"
#include "core/model/ids.h"
#include "core/model/instance.h"

namespace forewarm {

/// One invocation, its payload made for how the function hears of it.
struct Invocation {
  RunId run;
  std::string request_id{};
  std::string payload{};                                       ///< the body
  std::string trace_header{};                                  ///< Lambda-Runtime-Trace-Id; may be empty
  std::vector<std::pair<std::string, std::string>> headers{};  ///< of the body, where it is sent by HTTP
};

struct PoolReady {
  InstanceId instance;
  std::chrono::microseconds start_time{0};
};
struct PoolLost {
  InstanceId instance;
  LossReason reason = LossReason::Stopped;
  std::string detail{};
};
struct PoolFinished {
  InstanceId instance;
  RunId run;
  ErrorClass error = ErrorClass::None;
  std::string error_type{};  ///< as the runtime reported it
  std::string error_message{};
  std::string response{};
  std::chrono::microseconds service_time{0};
  std::uint64_t memory_bytes = 0;  ///< peak of the instance during the run; 0: not measured
};
using PoolEvent = std::variant<PoolReady, PoolLost, PoolFinished>;

/// What instances are to the server, whether they are processes here or places elsewhere: started, given one
/// run at a time, stopped. What becomes of them is reported as PoolEvents.
class InstancePool {
 public:
  virtual ~InstancePool() = default;

  /// Of a function and variant that the pool knows; PoolReady or PoolLost follows.
  virtual void start(InstanceId instance, FunctionId function, std::uint16_t variant) = 0;
  /// PoolFinished follows, or PoolLost.
  virtual void run(InstanceId instance, Invocation invocation) = 0;
  /// PoolLost follows.
  virtual void stop(InstanceId instance) = 0;
  /// The same of one that is as good as any and only not needed now: who runs it for us may keep it.
  virtual void release(InstanceId instance) { stop(instance); }
  /// An idle instance is to use no processor until thaw(), run() or stop().
  virtual void freeze(InstanceId instance) = 0;
  virtual void thaw(InstanceId instance) = 0;
};

}  // namespace forewarm
