// What a message meets: an instance that is idle, one that is frozen, and none (a start). The runtime is this
// program itself, with memory that it has touched; times are from giving the run to having its answer.
//   bench_freeze [ROUNDS] [MEMORY_MIB]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "edge/functions/process_pool.h"
#include "edge/functions/process_tree.h"

using namespace forewarm;
using Clock = Loop::Clock;

namespace {

constexpr std::chrono::seconds kPatience{60};

/// One request and its answer, on a connection of their own.
std::string call(const std::string& api, const std::string& request) {
  const std::size_t colon = api.find(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(api.c_str() + colon + 1)));
  ::inet_pton(AF_INET, api.substr(0, colon).c_str(), &address.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::_Exit(1);
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) std::_Exit(1);
  std::string answer;
  char piece[4096];
  for (ssize_t size = 0; (size = ::recv(fd, piece, sizeof piece, 0)) > 0;)
    answer.append(piece, static_cast<std::size_t>(size));
  ::close(fd);
  return answer;
}

/// The instance: touches all its memory at each invocation, answers, asks for the next.
int runtime(std::size_t memory_mib) {
  std::vector<char> memory(memory_mib << 20, 1);
  const std::string api = std::getenv("AWS_LAMBDA_RUNTIME_API");
  const std::string end = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ";
  const std::string root = " /2018-06-01/runtime/invocation/";
  for (char turn = 1;; ++turn) {
    const std::string event = call(api, "GET" + root + "next" + end + "0\r\n\r\n");
    if (!event.starts_with("HTTP/1.1 200")) return 0;
    for (std::size_t page = 0; page < memory.size(); page += 4096) memory[page] = turn;
    const std::string name = "Lambda-Runtime-Aws-Request-Id: ";
    const std::size_t at = event.find(name) + name.size();
    const std::string id = event.substr(at, event.find('\r', at) - at);
    call(api, "POST" + root + id + "/response" + end + "2\r\n\r\n{}");
  }
}

class Bench {
 public:
  explicit Bench(std::size_t memory_mib) {
    pool_ = ProcessPool::make(loop_, {}, [this](const PoolEvent& event) {
      if (const auto* ready = std::get_if<PoolReady>(&event)) ready_ = ready->instance;
      if (const auto* finished = std::get_if<PoolFinished>(&event)) finished_ = finished->run;
      if (const auto* lost = std::get_if<PoolLost>(&event)) lost_ = lost->instance;
      loop_.wake();
    });
    FunctionCommand command;
    command.name = "bench";
    command.command = {"/proc/self/exe"};
    char self[4096] = {};
    if (::readlink("/proc/self/exe", self, sizeof self - 1) > 0) command.command[0] = self;
    command.command.insert(command.command.end(), {"--runtime", std::to_string(memory_mib)});
    pool_->define(FunctionId(1), 0, command);
  }

  InstanceId start() {
    const InstanceId id(++instances_);
    pool_->start(id, FunctionId(1), 0);
    wait([&] { return ready_ == id; });
    return id;
  }
  void run(InstanceId instance) {
    const RunId id(++runs_);
    pool_->run(instance, {.run = id, .request_id = "r" + std::to_string(id.value()), .payload = "{}"});
    wait([&] { return finished_ == id; });
  }
  void stop(InstanceId instance) {
    pool_->stop(instance);
    wait([&] { return lost_ == instance; });
  }
  /// Until its runtime waits for the next invocation, and stands still if it was frozen.
  void settle() { loop_.run_until(Clock::now() + std::chrono::milliseconds(20)); }
  ProcessPool& pool() { return *pool_; }

 private:
  template <class Holds>
  void wait(const Holds& holds) {
    const auto deadline = Clock::now() + kPatience;
    while (!holds() && Clock::now() < deadline) loop_.run_until(deadline);
    if (!holds()) std::_Exit(1);
  }

  Loop loop_;
  std::unique_ptr<ProcessPool> pool_;
  InstanceId ready_, lost_;
  RunId finished_;
  std::uint64_t instances_ = 0, runs_ = 0;
};

struct Times {
  double p50 = 0, p99 = 0;
};

template <class Prepare, class Measured>
Times measure(int rounds, const Prepare& prepare, const Measured& measured) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    prepare();
    const auto before = Clock::now();
    measured();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - before).count());
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[(times.size() - 1) * 99 / 100]};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::string(argv[1]) == "--runtime") return runtime(std::strtoul(argv[2], nullptr, 10));
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 200;
  const std::size_t memory_mib = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 64;
  Bench bench(memory_mib);
  InstanceId instance = bench.start();
  bench.run(instance);
  const Times idle = measure(
      rounds, [&] { bench.settle(); }, [&] { bench.run(instance); });
  const auto freeze = [&] {
    bench.settle();
    bench.pool().freeze(instance);
    bench.settle();
  };
  const Times frozen = measure(rounds, freeze, [&] {
    bench.pool().thaw(instance);
    bench.run(instance);
  });
  const auto renew = [&] { bench.stop(instance); };
  const Times cold = measure(rounds, renew, [&] {
    instance = bench.start();
    bench.run(instance);
  });
  std::printf(
      "{\"rounds\": %d, \"memory_mib\": %zu,\n \"idle_us\": {\"p50\": %.0f, \"p99\": %.0f},\n"
      " \"frozen_us\": {\"p50\": %.0f, \"p99\": %.0f},\n \"cold_us\": {\"p50\": %.0f, \"p99\": %.0f},\n"
      " \"frozen_to_idle\": %.2f, \"cold_to_frozen\": %.2f}\n",
      rounds, memory_mib, idle.p50, idle.p99, frozen.p50, frozen.p99, cold.p50, cold.p99,
      frozen.p50 / idle.p50, cold.p50 / frozen.p50);
  return 0;
}
