#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "edge/net/http.h"

namespace forewarm {

/// An address as the socket calls want it.
class SocketAddress {
 public:
  /// The first address of a name or literal. Looking a name up blocks; literals do not.
  static Result<SocketAddress> resolve(const Endpoint& endpoint);
  /// All of a name, in the order in which they should be tried; one at least.
  static Result<std::vector<SocketAddress>> resolve_all(const Endpoint& endpoint);
  /// The local address of a socket.
  static SocketAddress of_socket(int fd);

  int family() const { return storage_.ss_family; }
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  std::uint16_t port() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace forewarm
