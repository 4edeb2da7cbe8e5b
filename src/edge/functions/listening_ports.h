#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/functions/process_tree.h"

namespace forewarm {

/// A port that nobody uses now, outside of those that the system gives to connections: between now and the
/// process that is told of it only a server with the same number can come. Exhausted when there is none.
Result<std::uint16_t> free_server_port();

struct ListeningSocket {
  std::uint64_t inode = 0;
  std::uint32_t user = 0;
  friend bool operator==(const ListeningSocket&, const ListeningSocket&) = default;
};
/// The sockets that listen on a port, by the text of /proc/net/tcp or tcp6 (proc_net_tcp.rst). Pure.
std::vector<ListeningSocket> listening_sockets(std::string_view table, std::uint16_t port);

enum class PortState : std::uint8_t { Silent, Own, Foreign };
/// Whether a process of this family listens on a port of this machine, or somebody else does.
PortState state_of_port(std::uint16_t port, const ProcessFamily& family);

}  // namespace forewarm
