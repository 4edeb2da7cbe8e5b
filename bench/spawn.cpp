// How long starting processes holds up the loop's thread, in a process with 300 MiB resident: the call itself
// (posix_spawn blocks until the program is loaded) against what ProcessPool does (a thread of its own).
//   bench_spawn [STARTS]
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "edge/functions/process_pool.h"
#include "edge/functions/spawn.h"

using namespace forewarm;
using Clock = Loop::Clock;

namespace {

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

void print(const char* name, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf("%-28s p50 %8.0f us   p99 %8.0f us   max %8.0f us\n", name, at(0.5), at(0.99), at(1.0));
}

}  // namespace

int main(int argc, char** argv) {
  const int starts = argc > 1 ? std::atoi(argv[1]) : 200;
  std::vector<char> resident(300U << 20, 1);
  std::vector<double> direct, calls, turns;
  for (int i = 0; i < starts; ++i) {
    const auto before = Clock::now();
    auto process = spawn_process({.command = {"/bin/true"}, .working_directory = {}, .environment = {}});
    direct.push_back(microseconds(Clock::now() - before));
    if (process) ::waitpid(process->pid, nullptr, 0);
  }
  Loop loop;
  int lost = 0;
  const auto pool = ProcessPool::make(loop, {}, [&](const PoolEvent& event) {
    if (std::holds_alternative<PoolLost>(event)) ++lost;
    loop.wake();
  });
  pool->define(FunctionId(1), 0, {.name = "true", .command = {"/bin/true"}});
  for (int i = 1; i <= starts; ++i) {
    const auto before = Clock::now();
    pool->start(InstanceId(static_cast<std::uint64_t>(i)), FunctionId(1), 0);
    calls.push_back(microseconds(Clock::now() - before));
    while (lost < i) {
      const auto turn = Clock::now();
      loop.run_until(turn);  // only what is ready: the time that the loop's thread is held up
      turns.push_back(microseconds(Clock::now() - turn));
      if (lost < i) loop.run_until(Clock::now() + std::chrono::microseconds(200));
    }
  }
  std::printf("%d starts of /bin/true, %zu MiB resident\n", starts, resident.size() >> 20);
  print("spawn_process, the call", direct);
  print("ProcessPool::start, the call", calls);
  print("a turn of the loop meanwhile", turns);
  return 0;
}
