#include "app/scaler_door.h"

#include <utility>

#include "edge/net/tls.h"
#if FOREWARM_KEDA_GRPC
#include "edge/cloud/keda/scaler_server.h"
#endif

namespace forewarm {

#if FOREWARM_KEDA_GRPC
namespace {

constexpr std::chrono::seconds kLookAtCertificate{1};

class GrpcDoor final : public ScalerDoor {
 public:
  GrpcDoor(Loop& loop, Log& log, std::shared_ptr<TlsIdentity> tls, std::unique_ptr<ScalerServer> server)
      : loop_(loop), log_(log), tls_(std::move(tls)), server_(std::move(server)) {
    if (tls_) look_again();
  }

  Endpoint endpoint() const override { return server_->endpoint(); }
  std::size_t streams() const override { return server_->streams(); }
  void changed() override { server_->changed(); }

 private:
  void look_again() {
    timer_ = loop_.call_after(kLookAtCertificate, [this] {
      if (tls_->files_changed()) {
        if (const Result<void> loaded = tls_->reload(); !loaded)
          log_.error("the certificate for KEDA is not reloaded, the one in force stays",
                     {{"reason", loaded.error().message}});
        else
          log_.info("the certificate for KEDA is reloaded");
      }
      look_again();
    });
  }

  Loop& loop_;
  Log& log_;
  std::shared_ptr<TlsIdentity> tls_;
  std::unique_ptr<ScalerServer> server_;
  std::unique_ptr<Loop::Timer> timer_;
};

}  // namespace

Result<std::unique_ptr<ScalerDoor>> ScalerDoor::open(
    Loop& loop, Log& log, const KedaConfig& config,
    std::function<KedaNumber(std::string_view queue)> numbers) {
  const auto listen = parse_endpoint(config.listen);
  if (!listen) return std::unexpected(listen.error());
  ByteServer::Options options{.listen = *listen};
  if (!config.tls_certificate.empty()) {
    auto tls = TlsIdentity::load(config.tls_certificate, config.tls_key,
                                 {.protocol = TlsUse::Protocol::Http2, .client_ca = config.client_ca_file});
    if (!tls) return error(tls.error().code, "keda: " + tls.error().message);
    options.tls = std::move(*tls);
  }
  auto server = ScalerServer::listen(loop, options, std::move(numbers));
  if (!server) return error(server.error().code, "keda: " + server.error().message);
  return std::make_unique<GrpcDoor>(loop, log, options.tls, std::move(*server));
}

#else

Result<std::unique_ptr<ScalerDoor>> ScalerDoor::open(Loop&, Log&, const KedaConfig&,
                                                     std::function<KedaNumber(std::string_view queue)>) {
  return error(ErrorCode::Invalid,
               "keda.listen: this forewarm was built without gRPC (FOREWARM_KEDA_GRPC=OFF)");
}

#endif

}  // namespace forewarm
