// Offers SendMessage requests at a rate, whether or not the server answers: as from users who do not wait for
// one another. A request that is due takes one of the connections that are free; all are there from the
// start.
//   bench_messages_offered --port P --rate N [--seconds S] [--connections N] [--bytes N]
// Prints how many were offered, stored (with the time from when each was due, in microseconds), refused by
// status, and not even sent since all connections waited.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "load.h"

using namespace load;

namespace {

constexpr std::int64_t kLastAnswersUs = 2'000'000;
constexpr std::size_t kReadBytes = 16U << 10;

struct Tally {
  std::uint64_t offered = 0, stored = 0, unsent = 0, broken = 0;
  std::map<int, std::uint64_t> refused;
  Latencies stored_us;
};

class Client {
 public:
  explicit Client(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      die(std::string("no connection: ") + std::strerror(errno));
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(fd_); }

  int fd() const { return fd_; }
  bool send(const std::string& request, std::int64_t due_us) {
    due_us_ = due_us;
    answer_.clear();
    return ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size());
  }
  enum class Read : std::uint8_t { Part, Whole, Broken };
  Read read(Tally& tally) {
    const std::size_t size = answer_.size();
    answer_.resize(size + kReadBytes);
    const ssize_t now = ::recv(fd_, answer_.data() + size, kReadBytes, 0);
    if (now <= 0) return Read::Broken;
    answer_.resize(size + static_cast<std::size_t>(now));
    const std::size_t head = answer_.find("\r\n\r\n");
    if (head == std::string::npos) return Read::Part;
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t length = answer_.find(kLength);
    const std::size_t body =
        length < head ? std::strtoul(answer_.data() + length + kLength.size(), nullptr, 10) : 0;
    if (answer_.size() < head + 4 + body) return Read::Part;
    const int status = std::atoi(answer_.data() + 9);
    if (status == 200) {
      ++tally.stored;
      tally.stored_us.add(now_us() - due_us_);
    } else {
      ++tally.refused[status];
    }
    return Read::Whole;
  }

 private:
  int fd_;
  std::int64_t due_us_ = 0;
  std::string answer_;
};

class Offer {
 public:
  Offer(int port, std::size_t connections, const std::string& body) {
    for (std::size_t i = 0; i < connections; ++i) {
      clients_.push_back(std::make_unique<Client>(port));
      epoll_event event{.events = EPOLLIN, .data = {.ptr = clients_.back().get()}};
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, clients_.back()->fd(), &event);
      free_.push_back(clients_.back().get());
    }
    const std::string json =
        R"({"QueueUrl":"http://127.0.0.1/000000000000/bench","MessageBody":")" + body + "\"}";
    request_ =
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.0\r\n"
        "X-Amz-Target: AmazonSQS.SendMessage\r\nContent-Length: " +
        std::to_string(json.size()) + "\r\n\r\n" + json;
  }

  Tally run(std::int64_t rate, std::int64_t length_us) {
    const std::int64_t begun = now_us();
    const std::int64_t end = begun + length_us;
    const auto due_of = [&](std::uint64_t i) {
      return begun + static_cast<std::int64_t>(i) * 1'000'000 / rate;
    };
    for (std::int64_t now = begun; now < end; now = now_us()) {
      while (due_of(tally_.offered) <= now) offer(due_of(tally_.offered));
      take_answers(1);
    }
    for (std::int64_t now = end; waiting_ > 0 && now < end + kLastAnswersUs; now = now_us()) take_answers(50);
    return std::move(tally_);
  }

 private:
  void offer(std::int64_t due_us) {
    ++tally_.offered;
    if (free_.empty()) {
      ++tally_.unsent;
      return;
    }
    Client* client = free_.back();
    free_.pop_back();
    if (client->send(request_, due_us))
      ++waiting_;
    else
      ++tally_.broken;
  }

  void take_answers(int wait_ms) {
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), wait_ms);
    for (int i = 0; i < count; ++i) {
      auto* client = static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      const Client::Read read = client->read(tally_);
      if (read == Client::Read::Part) continue;
      --waiting_;
      if (read == Client::Read::Whole) {
        free_.push_back(client);
      } else {
        ++tally_.broken;
        ::epoll_ctl(poll_, EPOLL_CTL_DEL, client->fd(), nullptr);
      }
    }
  }

  std::string request_;
  int poll_ = ::epoll_create1(0);
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<Client*> free_;
  std::size_t waiting_ = 0;
  Tally tally_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  const std::string body(static_cast<std::size_t>(options.number("bytes", 230)), 'x');
  Offer offer(static_cast<int>(options.number("port", 9324)),
              static_cast<std::size_t>(options.number("connections", 4000)), body);
  const long length = options.number("seconds", 5);
  Tally tally = offer.run(options.number("rate", 1000), length * 1'000'000);
  std::string refused;
  for (const auto& [status, count] : tally.refused)
    refused += (refused.empty() ? "\"" : ",\"") + std::to_string(status) + "\":" + std::to_string(count);
  std::printf(
      "{\"offered\":%llu,\"stored\":%llu,\"unsent\":%llu,\"broken\":%llu,\"refused\":{%s},\"us\":%s}\n",
      static_cast<unsigned long long>(tally.offered), static_cast<unsigned long long>(tally.stored),
      static_cast<unsigned long long>(tally.unsent), static_cast<unsigned long long>(tally.broken),
      refused.c_str(), tally.stored_us.json().c_str());
  return tally.stored > 0 ? 0 : 1;
}
