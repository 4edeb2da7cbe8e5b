#pragma once

#include <proton/delivery.h>
#include <proton/link.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "edge/cloud/message_source.h"

namespace forewarm {

/// The link of one connection on which messages are published. What the service refuses here closes this link
/// alone, and it is opened again when needed. Used on one thread.
class BusSender {
 public:
  using Done = std::function<void(Result<void>)>;

  BusSender(pn_session_t* session, std::string queue, std::string place)
      : session_(session), queue_(std::move(queue)), place_(std::move(place)) {}

  bool owns(const pn_link_t* link) const { return link != nullptr && link == link_; }
  /// `done` when the service has accepted it, which means on its disks.
  void publish(const LentMessage& message, Done done);
  void take(pn_delivery_t* delivery);
  /// The link, or the connection, is over.
  void end(const Error& why);

 private:
  pn_session_t* session_;
  const std::string queue_;
  const std::string place_;
  pn_link_t* link_ = nullptr;
  std::uint64_t links_ = 0;
  std::uint64_t sent_ = 0;
  std::map<pn_delivery_t*, Done> unanswered_{};
};

}  // namespace forewarm
