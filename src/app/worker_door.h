#pragma once

#include <map>
#include <memory>
#include <string>

#include "app/config.h"
#include "app/function_directory.h"
#include "edge/functions/worker_pool.h"
#include "edge/net/http.h"

namespace forewarm {

/// The port at which workers call: it knows by the token whose worker it is, and has nothing else on it.
class WorkerDoor {
 public:
  struct Place {
    Endpoint listen{};
    std::shared_ptr<TlsIdentity> tls{};
  };
  /// `pool` and `functions` outlive it. Invalid or Io where a token's file is wrong.
  static Result<std::unique_ptr<WorkerDoor>> open(Loop& loop, const Place& place, WorkerPool& pool,
                                                  const FunctionDirectory& functions,
                                                  const ServerConfig& config);

  /// Reads the functions' tokens; what is wrong leaves those in force.
  Result<void> take_tokens(const ServerConfig& config);
  Endpoint endpoint() const { return server_->endpoint(); }

 private:
  WorkerDoor(WorkerPool& pool, const FunctionDirectory& functions) : pool_(pool), functions_(functions) {}
  void answer(HttpRequest request, std::shared_ptr<HttpReply> reply);

  WorkerPool& pool_;
  const FunctionDirectory& functions_;
  std::map<std::string, std::string> names_;  ///< of functions by the SHA-256 of their tokens
  std::unique_ptr<HttpServer> server_;
};

}  // namespace forewarm
