#include "edge/functions/listening_ports.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <string>

#include "edge/functions/owned_fd.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kServerPortFirst = 10'000;
constexpr std::uint32_t kServerPortsMin = 1'000;
constexpr std::uint32_t kPortsEnd = 65'536;
constexpr std::size_t kTableMaxBytes = 4U << 20;
constexpr std::string_view kListening = "0A";

struct PortRange {
  std::uint32_t first = 0, end = 0;
};

/// Below or above ip_local_port_range, whichever has room.
PortRange server_ports() {
  std::uint32_t low = 32'768, high = 60'999;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> low >> high;
  if (low >= kServerPortFirst + kServerPortsMin) return {kServerPortFirst, low};
  if (high + 1 + kServerPortsMin <= kPortsEnd) return {high + 1, kPortsEnd};
  return {kServerPortFirst, kPortsEnd};
}

/// No SO_REUSEADDR: whoever listens on any address of the port is in the way.
bool can_bind(std::uint16_t port) {
  const OwnedFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  return probe && ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Takes the next word off a line.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

template <class Number>
Number number_in(std::string_view text, int base) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

/// Rows of sockets that listen come first, so that a machine's many connections are not read.
std::string listening_table(const char* path) {
  std::string table;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);  // the head
  while (table.size() < kTableMaxBytes && std::getline(file, line)) {
    std::string_view rest = line;
    for (int word = 0; word < 3; ++word) next_word(rest);
    if (next_word(rest) != kListening) break;
    table.append(line).append("\n");
  }
  return table;
}

bool is_own(const ListeningSocket& socket, const ProcessFamily& family) {
  for (const pid_t member : descendants_of(family.leader)) {
    if (holds_socket(member, socket.inode)) return true;
  }
  // Where descriptors of other users' processes cannot be seen, the user that only this instance has will do.
  struct stat leader {};
  return ::stat(("/proc/" + std::to_string(family.leader)).c_str(), &leader) == 0 &&
         leader.st_uid != ::geteuid() && leader.st_uid == socket.user;
}

}  // namespace

Result<std::uint16_t> free_server_port() {
  static std::uint32_t turn = static_cast<std::uint32_t>(::getpid()) * 61;
  const PortRange range = server_ports();
  for (std::uint32_t tries = 0; tries < range.end - range.first; ++tries) {
    const auto port = static_cast<std::uint16_t>(range.first + turn++ % (range.end - range.first));
    if (can_bind(port)) return port;
  }
  return error(ErrorCode::Exhausted, "no TCP port from " + std::to_string(range.first) + " to " +
                                         std::to_string(range.end - 1) + " is free");
}

std::vector<ListeningSocket> listening_sockets(std::string_view table, std::uint16_t port) {
  std::vector<ListeningSocket> found;
  while (!table.empty()) {
    std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(line.size() + 1, table.size()));
    next_word(line);  // its number
    const std::string_view local = next_word(line);
    next_word(line);  // remote
    if (next_word(line) != kListening) continue;
    const std::size_t colon = local.rfind(':');
    if (colon == std::string_view::npos || number_in<std::uint16_t>(local.substr(colon + 1), 16) != port)
      continue;
    for (int word = 0; word < 3; ++word) next_word(line);  // queues, timer, retransmissions
    ListeningSocket& socket = found.emplace_back();
    socket.user = number_in<std::uint32_t>(next_word(line), 10);
    next_word(line);  // timeout
    socket.inode = number_in<std::uint64_t>(next_word(line), 10);
  }
  return found;
}

PortState state_of_port(std::uint16_t port, const ProcessFamily& family) {
  PortState state = PortState::Silent;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    for (const ListeningSocket& socket : listening_sockets(listening_table(path), port)) {
      if (is_own(socket, family)) return PortState::Own;
      state = PortState::Foreign;
    }
  }
  return state;
}

}  // namespace forewarm
