#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "app/keda_config.h"
#include "edge/cloud/targets/keda.h"
#include "edge/net/http.h"
#include "edge/observe/log.h"

namespace forewarm {

/// The port where KEDA asks by gRPC. On the loop's thread.
class ScalerDoor {
 public:
  /// Of a checked [keda] that listens. Invalid or Io with the remedy.
  static Result<std::unique_ptr<ScalerDoor>> open(Loop& loop, Log& log, const KedaConfig& config,
                                                  std::function<KedaNumber(std::string_view queue)> numbers);
  virtual ~ScalerDoor() = default;  ///< ends all streams
  virtual Endpoint endpoint() const = 0;
  /// Calls that are open: streams, nearly always.
  virtual std::size_t streams() const = 0;
  /// The numbers may be others: who has a stream is told.
  virtual void changed() = 0;
};

}  // namespace forewarm
