#pragma once

#include <memory>

#include "edge/cloud/keda/external_scaler.h"
#include "edge/net/byte_server.h"

namespace forewarm {

/// Where KEDA asks, by gRPC. On the loop's thread.
class ScalerServer {
 public:
  /// Io or Invalid with the remedy.
  static Result<std::unique_ptr<ScalerServer>> listen(Loop& loop, const ByteServer::Options& options,
                                                      ExternalScaler::Numbers numbers,
                                                      const GrpcSession::Limits& limits = {});
  /// Ends all streams, without an error, and says that it goes.
  ~ScalerServer();

  Endpoint endpoint() const { return server_->endpoint(); }
  std::size_t connections() const { return server_->connections(); }
  /// Calls that are open: streams, nearly always.
  std::size_t streams() const;
  /// The numbers may be others: who waits for that is told.
  void changed();

 private:
  ScalerServer(ExternalScaler::Numbers numbers, const GrpcSession::Limits& limits);

  bool ends_ = false;
  GrpcSession::Limits limits_;
  ExternalScaler scaler_;
  std::unique_ptr<ByteServer> server_;
};

}  // namespace forewarm
