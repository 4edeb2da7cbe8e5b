// A load on any SQS endpoint (AWS JSON protocol): SendMessage, ReceiveMessage and DeleteMessage, alone or in
// batches, on keep-alive connections that one thread serves, so that the load takes little of the processors.
//   bench_messages_sqs --port P [--seconds S] [--connections N] [--batch 1..10] [--consume 0|1] [--queue
//   NAME]
//     [--rate N]
// With --consume 0 a function takes the messages: done is when the queue is empty. With --rate one connection
// sends so many single messages a second, whether or not the others have been answered in time.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <span>
#include <thread>

#include "load.h"

using namespace load;

namespace {

constexpr std::int64_t kPollEveryUs = 2'000;

/// The string that follows "key": from `at` on; moves `at` behind it, to npos if there is none.
std::string_view next_value(std::string_view json, std::string_view key, std::size_t& at) {
  at = json.find(key, at);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + key.size();
  at = json.find('"', begin);
  return json.substr(begin, at - begin);
}

/// A keep-alive connection with one request under way at most.
class Connection {
 public:
  explicit Connection(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      die("nothing listens there");
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(fd_); }

  int fd() const { return fd_; }

  void ask(std::string_view action, std::string_view json) {
    request_.assign("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.0\r\n");
    request_.append("X-Amz-Target: AmazonSQS.").append(action);
    request_.append("\r\nContent-Length: ")
        .append(std::to_string(json.size()))
        .append("\r\n\r\n")
        .append(json);
    for (std::size_t sent = 0; sent < request_.size();) {
      const ssize_t now = ::send(fd_, request_.data() + sent, request_.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) die("the server closed a connection");
      sent += static_cast<std::size_t>(now);
    }
    answer_.clear();
  }

  /// Reads once; true when the answer is whole.
  bool read() {
    const std::size_t size = answer_.size();
    answer_.resize(size + kReadBytes);
    const ssize_t now = ::recv(fd_, answer_.data() + size, kReadBytes, 0);
    if (now <= 0) die("the server closed a connection");
    answer_.resize(size + static_cast<std::size_t>(now));
    const std::size_t head = answer_.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    constexpr std::string_view kLength = "ontent-length: ";  // servers differ in the first letters' case
    const std::size_t length = std::min(answer_.find(kLength), answer_.find("ontent-Length: "));
    const std::size_t body =
        length < head ? std::strtoul(answer_.data() + length + kLength.size(), nullptr, 10) : 0;
    if (answer_.size() < head + 4 + body) return false;
    if (answer_.compare(9, 3, "200") != 0) die("refused: " + answer_.substr(0, 600));
    body_ = std::string_view(answer_).substr(head + 4, body);
    return true;
  }
  /// Of the last answer.
  std::string_view body() const { return body_; }

  std::string_view call(std::string_view action, std::string_view json) {
    ask(action, json);
    while (!read()) {
    }
    return body_;
  }

 private:
  static constexpr std::size_t kReadBytes = 64U << 10;

  int fd_;
  std::string request_, answer_;
  std::string_view body_;
};

struct Target {
  int port;
  std::size_t batch;
  std::string prefix;  ///< {"QueueUrl":"...",
};

/// A chain of requests on one connection.
class Chain {
 public:
  Chain(Run& run, const Target& target) : run_(run), target_(target), connection_(target.port) {}
  virtual ~Chain() = default;
  int fd() const { return connection_.fd(); }
  /// The connection can be read. False when the chain has come to its end.
  bool readable() { return !connection_.read() || answered(); }
  virtual void start() = 0;

 protected:
  virtual bool answered() = 0;

  Run& run_;
  const Target& target_;
  Connection connection_;
  std::string json_;
};

class Sender final : public Chain {
 public:
  Sender(Run& run, const Target& target, Latencies& confirm)
      : Chain(run, target), confirm_(confirm), body_(run.bytes, 'x') {}

  void start() override {
    sent_us_ = now_us();
    stamp(body_.data(), sent_us_);
    json_.assign(target_.prefix);
    if (target_.batch == 1) {
      json_.append("\"MessageBody\":\"").append(body_).append("\"}");
      connection_.ask("SendMessage", json_);
      return;
    }
    json_.append("\"Entries\":[");
    for (std::size_t i = 0; i < target_.batch; ++i) {
      json_.append(i > 0 ? ",{\"Id\":\"" : "{\"Id\":\"").append(std::to_string(i));
      json_.append("\",\"MessageBody\":\"").append(body_).append("\"}");
    }
    json_.append("]}");
    connection_.ask("SendMessageBatch", json_);
  }

 private:
  bool answered() override {
    if (connection_.body().find("\"Failed\":[{") != std::string_view::npos) die("a message was refused");
    run_.confirmed += target_.batch;
    const std::int64_t took = now_us() - sent_us_;
    for (std::size_t i = 0; i < target_.batch; ++i) confirm_.add(took);
    if (!run_.sending()) return false;
    start();
    return true;
  }

  Latencies& confirm_;
  std::string body_;
  std::int64_t sent_us_ = 0;
};

class Receiver final : public Chain {
 public:
  Receiver(Run& run, const Target& target, Latencies& end_to_end)
      : Chain(run, target), end_to_end_(end_to_end) {}

  void start() override {
    removing_ = 0;
    json_.assign(target_.prefix).append("\"WaitTimeSeconds\":1,\"MaxNumberOfMessages\":");
    json_.append(std::to_string(target_.batch)).append("}");
    connection_.ask("ReceiveMessage", json_);
  }

 private:
  bool answered() override {
    if (removing_ > 0)
      run_.consume(removing_);
    else if (remove(connection_.body()))
      return true;
    if (run_.finished()) return false;
    start();
    return true;
  }

  bool remove(std::string_view answer) {
    const std::int64_t now = now_us();
    json_.assign(target_.prefix);
    if (target_.batch > 1) json_.append("\"Entries\":[");
    for (std::size_t at = 0;;) {
      const std::string_view handle = next_value(answer, "\"ReceiptHandle\":\"", at);
      const std::string_view body = handle.empty() ? handle : next_value(answer, "\"Body\":\"", at);
      if (body.empty()) break;
      end_to_end_.add(now - stamp_of(&body.front()));
      if (target_.batch > 1) {
        json_.append(removing_ > 0 ? ",{\"Id\":\"" : "{\"Id\":\"")
            .append(std::to_string(removing_))
            .append("\",");
      }
      json_.append("\"ReceiptHandle\":\"").append(handle).append("\"}");
      ++removing_;
    }
    if (removing_ == 0) return false;
    if (target_.batch > 1) json_.append("]}");
    connection_.ask(target_.batch > 1 ? "DeleteMessageBatch" : "DeleteMessage", json_);
    return true;
  }

  Latencies& end_to_end_;
  std::uint64_t removing_ = 0;
};

std::string make_queue(int port, const std::string& name) {
  Connection connection(port);
  std::size_t at = 0;
  const std::string_view answer = connection.call("CreateQueue", "{\"QueueName\":\"" + name + "\"}");
  return std::string(next_value(answer, "\"QueueUrl\":\"", at));
}

void run_chains(std::span<const std::unique_ptr<Chain>> chains, std::size_t senders, Run& run) {
  const int poll = ::epoll_create1(0);
  for (const auto& chain : chains) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = chain.get()}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, chain->fd(), &event);
  }
  for (const auto& chain : chains) chain->start();
  std::size_t open = chains.size();
  std::size_t ended = 0;
  while (open > 0) {
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 1000);
    for (int i = 0; i < count; ++i) {
      auto* chain = static_cast<Chain*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (chain->readable()) continue;
      --open;
      if (dynamic_cast<Sender*>(chain) != nullptr && ++ended == senders) run.senders_done = true;
    }
  }
  ::close(poll);
}

/// On a connection and a thread of its own; the run has begun.
std::thread paced_sender(Run& run, const Target& target, long rate, Latencies& confirm) {
  return std::thread([&run, &target, rate, &confirm] {
    Connection connection(target.port);
    std::string body(run.bytes, 'x');
    send_paced(run, rate, [&](std::int64_t due) {
      stamp(body.data(), due);
      connection.call("SendMessage", target.prefix + "\"MessageBody\":\"" + body + "\"}");
      confirm.add(now_us() - due);
      ++run.confirmed;
    });
    run.senders_done = true;
  });
}

/// A function runs and deletes the messages: all are done when the queue has none left.
void wait_until_empty(const Target& target, Run& run) {
  Connection connection(target.port);
  while (!run.finished()) {
    std::size_t left = 0;
    const std::string_view answer =
        connection.call("GetQueueAttributes", target.prefix +
                                                  "\"AttributeNames\":[\"ApproximateNumberOfMessages\","
                                                  "\"ApproximateNumberOfMessagesNotVisible\"]}");
    for (const char* key :
         {"\"ApproximateNumberOfMessages\":\"", "\"ApproximateNumberOfMessagesNotVisible\":\""}) {
      std::size_t at = 0;
      left += std::strtoul(std::string(next_value(answer, key, at)).c_str(), nullptr, 10);
    }
    if (left == 0) run.consume(run.confirmed);
    ::usleep(kPollEveryUs);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Run run(options);
  const int port = static_cast<int>(options.number("port", 9324));
  const long connections = options.number("connections", 64);
  const std::string queue = options.text("queue");
  const Target target{
      .port = port,
      .batch = static_cast<std::size_t>(options.number("batch", 1)),
      .prefix = "{\"QueueUrl\":\"" + make_queue(port, queue.empty() ? "bench" : queue) + "\","};
  const bool consume = options.number("consume", 1) != 0;
  Latencies confirm, end_to_end;
  const long rate = options.number("rate", 0);
  std::vector<std::unique_ptr<Chain>> chains;
  for (long i = 0; i < connections; ++i) {
    if (rate == 0) chains.push_back(std::make_unique<Sender>(run, target, confirm));
    if (consume) chains.push_back(std::make_unique<Receiver>(run, target, end_to_end));
  }
  run.begin();
  std::thread paced;
  if (rate > 0) paced = paced_sender(run, target, rate, confirm);
  run_chains(chains, static_cast<std::size_t>(connections), run);
  if (paced.joinable()) paced.join();
  run.keep(confirm, end_to_end);
  if (!consume) wait_until_empty(target, run);
  return run.print();
}
