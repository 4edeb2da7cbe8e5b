#include "edge/functions/listening_ports.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge/functions/owned_fd.h"

namespace forewarm {
namespace {

constexpr std::string_view kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0\n"
    "   1: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 4 1 0\n"
    "   2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5 1 0\n"
    "   3: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 6 1 0\n";

TEST(ListeningPorts, AreThoseOfTheTableThatListen) {
  EXPECT_EQ(listening_sockets(kTable, 8080),
            (std::vector<ListeningSocket>{{.inode = 31337, .user = 1000}, {.inode = 4, .user = 0}}));
  EXPECT_EQ(listening_sockets(kTable, 80).size(), 1U);
  EXPECT_TRUE(listening_sockets(kTable, 81).empty());
  EXPECT_TRUE(listening_sockets("garbage\n\n0: x 0A 0A 0A\n", 8080).empty());
}

TEST(ListeningPorts, AProcessesOwnIsToldFromAnothers) {
  const Result<std::uint16_t> port = free_server_port();
  ASSERT_TRUE(port) << port.error().message;
  const ProcessFamily own{.leader = ::getpid(), .mark = {}};
  EXPECT_EQ(state_of_port(*port, own), PortState::Silent);
  const OwnedFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(*port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(state_of_port(*port, own), PortState::Silent) << "bound, and not listening yet";
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(state_of_port(*port, own), PortState::Own);
  int closed[2];
  ASSERT_EQ(::pipe(closed), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(listener.get());
    if (::write(closed[1], "x", 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(closed[0], &byte, 1), 1) << "the child has closed its copy";
  EXPECT_EQ(state_of_port(*port, {.leader = child, .mark = {}}), PortState::Foreign);
  for (const int end : closed) ::close(end);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NE(free_server_port(), *port);
}

}  // namespace
}  // namespace forewarm
