#include "edge/net/socket_address.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>
#include <string>

namespace forewarm {

Result<SocketAddress> SocketAddress::resolve(const Endpoint& endpoint) {
  const auto all = resolve_all(endpoint);
  if (!all) return std::unexpected(all.error());
  return all->front();
}

Result<std::vector<SocketAddress>> SocketAddress::resolve_all(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (failed != 0) {
    return error(ErrorCode::Invalid,
                 "cannot find the host of " + to_string(endpoint) + ": " + ::gai_strerror(failed));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  std::vector<SocketAddress> all;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    SocketAddress& address = all.emplace_back();
    std::memcpy(&address.storage_, each->ai_addr, each->ai_addrlen);
    address.size_ = each->ai_addrlen;
  }
  return all;
}

SocketAddress SocketAddress::of_socket(int fd) {
  SocketAddress address;
  address.size_ = sizeof address.storage_;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.size_) != 0)
    address.size_ = 0;
  return address;
}

std::uint16_t SocketAddress::port() const {
  if (storage_.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
}

}  // namespace forewarm
