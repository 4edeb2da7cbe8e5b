#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace forewarm {

class Instance;

/// How a kind of runtime hears of invocations and answers them. The instance has the life: its process, its
/// limits, its end; the link only speaks with it. Lives as long as its instance.
class InstanceLink {
 public:
  virtual ~InstanceLink() = default;

  /// Before the process is started: the port that it is told of.
  virtual Result<std::uint16_t> open() = 0;
  /// The process runs; Instance::become_ready() as soon as it takes invocations.
  virtual void process_started() = 0;
  /// There is a run: Instance::begin_run() when it is handed out, now or later.
  virtual void offer() = 0;
  /// Whether its runtime has nothing to do, so that it may stand still.
  virtual bool at_rest() const = 0;
  /// The instance is to end by itself.
  virtual void dismiss() = 0;
  /// Nothing of the instance is left.
  virtual void close() = 0;
  /// What a process has not done that is not ready.
  virtual std::string_view sign_of_ready() const = 0;
};

/// For FunctionCommand::runtime of the instance.
std::unique_ptr<InstanceLink> make_link(Instance& instance);

/// It is called: the AWS Lambda Runtime API (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
std::unique_ptr<InstanceLink> make_runtime_api_link(Instance& instance);

/// It calls: the process is an HTTP server on a port that it is told.
struct HttpRuntime;
std::unique_ptr<InstanceLink> make_http_link(Instance& instance, const HttpRuntime& runtime);

}  // namespace forewarm
