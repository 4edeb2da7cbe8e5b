#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/access_keys.h"
#include "app/queue_service.h"
#include "edge/net/http.h"

namespace forewarm {

/// The SQS endpoint: an HTTP request in, through the protocol and the queue service, an HTTP answer out.
class SqsFront {
 public:
  /// `queues` must outlive it. `public_url` begins queue URLs unless it is empty; then what the request says
  /// that it was sent to does, or what set_own_url() says.
  SqsFront(QueueService& queues, std::string public_url);
  void set_own_url(std::string own_url) { own_url_ = std::move(own_url); }

  /// From now on only who has one of these keys may ask; without any, everybody may. Gives back the
  /// configuration, or says which key has no secret, or that a server off loopback needs one.
  Result<ServerConfig> use_keys_of(ServerConfig config, bool on_loopback);

  void answer(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);

 private:
  QueueService& queues_;
  std::string public_url_;
  std::string own_url_;
  AccessKeys keys_;
  std::uint64_t first_request_id_;  ///< differs from start to start
  std::uint64_t request_number_ = 0;
};

}  // namespace forewarm
