// The function of the benchmark: a Lambda runtime on one keep-alive connection that succeeds at once, or,
// called with "busy", keeps a processor busy until it is killed.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace {

int connect_to_api() {
  const std::string api = std::getenv("AWS_LAMBDA_RUNTIME_API");
  const std::size_t colon = api.find(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(api.substr(colon + 1))));
  inet_pton(AF_INET, api.substr(0, colon).c_str(), &address.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::_Exit(1);
  return fd;
}

/// The head of the next answer; its body is read and dropped.
std::string ask(int fd, const std::string& request) {
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    std::_Exit(0);
  std::string bytes;
  while (true) {
    char piece[65536];
    const ssize_t size = recv(fd, piece, sizeof piece, 0);
    if (size <= 0) std::_Exit(0);
    bytes.append(piece, static_cast<std::size_t>(size));
    const std::size_t head = bytes.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    const std::size_t length = bytes.find("Content-Length: ");
    const std::size_t body = length < head ? std::strtoul(bytes.c_str() + length + 16, nullptr, 10) : 0;
    if (bytes.size() >= head + 4 + body) return bytes.substr(0, head + 2);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int fd = connect_to_api();
  const std::string runtime = " /2018-06-01/runtime/invocation/";
  const std::string done = R"({"batchItemFailures":[]})";
  constexpr char kId[] = "Lambda-Runtime-Aws-Request-Id: ";
  while (true) {
    const std::string head = ask(fd, "GET" + runtime + "next HTTP/1.1\r\nHost: api\r\n\r\n");
    const std::size_t id = head.find(kId);
    if (id == std::string::npos) return 1;
    if (argc > 1 && std::string_view(argv[1]) == "busy") {
      volatile unsigned long long turns = 0;
      while (true) {
        const unsigned long long before = turns;
        turns = before + 1;
      }
    }
    const std::size_t begin = id + sizeof kId - 1;
    ask(fd, "POST" + runtime + head.substr(begin, head.find("\r\n", begin) - begin) +
                "/response HTTP/1.1\r\nHost: api\r\nContent-Length: " + std::to_string(done.size()) +
                "\r\n\r\n" + done);
  }
}
