#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/queue_service.h"
#include "edge/net/http.h"

namespace forewarm {

/// The SQS endpoint: an HTTP request in, through the protocol and the queue service, an HTTP answer out.
class SqsFront {
 public:
  /// `queues` must outlive it. `own_url` begins queue URLs where a request does not say what host it was sent
  /// to.
  SqsFront(QueueService& queues, std::string own_url) : queues_(queues), own_url_(std::move(own_url)) {}

  void answer(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);

 private:
  QueueService& queues_;
  std::string own_url_;
  std::uint64_t request_number_ = 0;
};

}  // namespace forewarm
