// What starting a process takes, bare and isolated, and how long it holds up the loop's thread, in a process
// with 300 MiB resident: the call itself (it blocks until the program is loaded) against what ProcessPool
// does (a thread of its own).
//   bench_spawn [STARTS]
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "edge/functions/isolation.h"
#include "edge/functions/process_pool.h"
#include "edge/functions/spawn.h"

using namespace forewarm;
using Clock = Loop::Clock;

namespace {

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

void print(const char* name, std::vector<double> times) {
  if (times.empty()) return;
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf("%-34s p50 %8.0f us   p99 %8.0f us   max %8.0f us\n", name, at(0.5), at(0.99), at(1.0));
}

void bare(int starts) {
  std::vector<double> calls;
  for (int i = 0; i < starts; ++i) {
    const auto before = Clock::now();
    auto process = spawn_process({.command = {"/bin/true"}, .working_directory = {}, .environment = {}});
    calls.push_back(microseconds(Clock::now() - before));
    if (process) ::waitpid(process->pid, nullptr, 0);
  }
  print("bare: spawn_process", calls);
}

void isolated(int starts) {
  const auto before_probe = Clock::now();
  const auto isolation =
      Isolation::open({.level = IsolationLevel::On, .data_folder = "/var/lib", .name = "forewarm-bench"});
  std::printf("isolation, looked for once in %.0f us:", microseconds(Clock::now() - before_probe));
  for (const LayerState& layer : isolation->layers())
    std::printf(" %s%s,", layer.active ? "" : "no ", std::string(name_of(layer.layer)).c_str());
  std::printf("\n");
  std::vector<double> prepares, calls, whole, releases;
  for (int i = 1; i <= starts; ++i) {
    const InstanceId id(static_cast<std::uint64_t>(i));
    const auto before = Clock::now();
    auto plan = isolation->prepare(id, {.function = "true",
                                        .program = "/bin/true",
                                        .working_directory = "/usr",
                                        .memory_bytes = 128U << 20,
                                        .tmp_bytes = 512U << 20,
                                        .processes_max = 1024});
    if (!plan) {
      std::printf("%s\n", plan.error().message.c_str());
      return;
    }
    const auto prepared = Clock::now();
    SpawnRequest request{.command = {"/bin/true"}, .working_directory = "/usr", .environment = {}};
    request.isolation = std::move(*plan);
    const auto process = spawn_process(request);
    const auto started = Clock::now();
    if (!process) {
      std::printf("%s\n", process.error().message.c_str());
      return;
    }
    ::waitpid(process->pid, nullptr, 0);
    const auto ended = Clock::now();
    isolation->release(id);
    prepares.push_back(microseconds(prepared - before));
    calls.push_back(microseconds(started - prepared));
    whole.push_back(microseconds(started - before));
    releases.push_back(microseconds(Clock::now() - ended));
  }
  print("isolated: prepare", prepares);
  print("isolated: spawn_process", calls);
  print("isolated: both (bound: 3000)", whole);
  print("isolated: release", releases);
}

void pool(int starts, IsolationLevel level, const char* what) {
  Loop loop;
  int lost = 0;
  ProcessPool::Options options;
  options.isolation = level;
  const auto pool = ProcessPool::make(loop, options, [&](const PoolEvent& event) {
    if (std::holds_alternative<PoolLost>(event)) ++lost;
    loop.wake();
  });
  std::vector<double> calls, turns;
  pool->define(FunctionId(1), 0, {.name = "true", .command = {"/bin/true"}, .working_directory = "/usr"});
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
  std::printf("%s:\n", what);
  print("  ProcessPool::start, the call", calls);
  print("  a turn of the loop meanwhile", turns);
}

}  // namespace

int main(int argc, char** argv) {
  const int starts = argc > 1 ? std::atoi(argv[1]) : 200;
  std::vector<char> resident(300U << 20, 1);
  std::printf("%d starts of /bin/true, %zu MiB resident\n", starts, resident.size() >> 20);
  bare(starts);
  isolated(starts);
  pool(starts, IsolationLevel::Off, "bare");
  pool(starts, IsolationLevel::On, "isolated");
  return 0;
}
