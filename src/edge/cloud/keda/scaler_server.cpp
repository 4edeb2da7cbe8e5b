#include "edge/cloud/keda/scaler_server.h"

#include <utility>

namespace forewarm {
namespace {

GrpcSession& session_of(BytePeer& peer) {
  return static_cast<GrpcSession&>(peer);  // it makes no others
}

}  // namespace

ScalerServer::ScalerServer(ExternalScaler::Numbers numbers, const GrpcSession::Limits& limits)
    : limits_(limits), scaler_([this, numbers = std::move(numbers)](std::string_view queue) {
        return ends_ ? KedaNumber{.state = KedaNumber::State::Elsewhere, .why = "control is stopping"}
                     : numbers(queue);
      }) {}

Result<std::unique_ptr<ScalerServer>> ScalerServer::listen(Loop& loop, const ByteServer::Options& options,
                                                           ExternalScaler::Numbers numbers,
                                                           const GrpcSession::Limits& limits) {
  std::unique_ptr<ScalerServer> server(new ScalerServer(std::move(numbers), limits));
  auto bytes = ByteServer::listen(loop, options, [at = server.get()] {
    return std::make_unique<GrpcSession>(at->scaler_, at->limits_, Loop::Clock::now());
  });
  if (!bytes) return std::unexpected(bytes.error());
  server->server_ = std::move(*bytes);
  return server;
}

ScalerServer::~ScalerServer() {
  ends_ = true;
  if (!server_) return;
  server_->visit([](BytePeer& peer) {
    session_of(peer).go_away();
    session_of(peer).changed();
  });
}

std::size_t ScalerServer::streams() const {
  std::size_t all = 0;
  server_->visit([&all](BytePeer& peer) { all += session_of(peer).calls(); });
  return all;
}

void ScalerServer::changed() {
  server_->visit([](BytePeer& peer) { session_of(peer).changed(); });
}

}  // namespace forewarm
