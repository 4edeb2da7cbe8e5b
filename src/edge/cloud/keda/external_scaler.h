#pragma once

#include <functional>

#include "edge/cloud/keda/grpc_session.h"
#include "edge/cloud/targets/keda.h"

namespace forewarm {

/// The service externalscaler.ExternalScaler of KEDA, with one metric of size one: the number of instances.
///
/// Where there is no number, single questions are answered UNAVAILABLE, so that KEDA's fallback holds. A
/// stream waits for one, since KEDA asks anew after a failure only after a while that grows to a minute; it
/// is refused by a copy that does not act, and ended without an error (after which KEDA asks anew in two
/// seconds) by one that acts no more.
class ExternalScaler : public GrpcService {
 public:
  /// What is to be told of a queue now. Asked on the thread of the sessions.
  using Numbers = std::function<KedaNumber(std::string_view queue)>;
  explicit ExternalScaler(Numbers numbers) : numbers_(std::move(numbers)) {}

  std::unique_ptr<GrpcCall> call(std::string_view path, std::string_view message) override;

 private:
  Numbers numbers_;
};

}  // namespace forewarm
