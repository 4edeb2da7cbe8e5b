// What the store costs beside the disk it lies on: bench_store [DIRECTORY] [SECONDS] [MESSAGES]
//
// Each round appends G messages of 768 bytes and removes the G oldest in one Synced commit, with a backlog of
// 1024;
// "+ delivery" also updates G messages in between, as a receive does. The limit is a preallocated file
// overwritten in place and synced, in the same run and directory, with as many bytes a round as messages
// appended. With MESSAGES, last, a store takes so many in groups of 64, with deliveries: a row for each
// tenth, and before it the limit for a second, whose longest sync is the disk's own.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "base/check.h"
#include "edge/files/temporary_folder.h"
#include "edge/store/store.h"

namespace forewarm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPayload = 768;
constexpr std::uint64_t kBacklog = 1024;

double cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

struct Figures {
  double messages_per_s = 0;
  double cpu_us_per_message = 0;
  double us_p50 = 0;
  double us_p99 = 0;
  double us_max = 0;
};

/// Repeats `round`, of `group` messages, for so long or so often.
template <class Round>
Figures measure(double seconds_to_run, std::uint64_t group, Round&& round,
                std::size_t rounds_max = SIZE_MAX) {
  std::vector<double> times;
  const double cpu_before = cpu_us();
  const auto began = Clock::now();
  auto now = began;
  while (std::chrono::duration<double>(now - began).count() < seconds_to_run && times.size() < rounds_max) {
    round();
    const auto after = Clock::now();
    times.push_back(std::chrono::duration<double, std::micro>(after - now).count());
    now = after;
  }
  const auto messages = static_cast<double>(times.size() * group);
  std::ranges::sort(times);
  return {.messages_per_s = messages / std::chrono::duration<double>(now - began).count(),
          .cpu_us_per_message = (cpu_us() - cpu_before) / messages,
          .us_p50 = times[times.size() / 2],
          .us_p99 = times[times.size() * 99 / 100],
          .us_max = times.back()};
}

void print(const char* what, std::uint64_t group, const Figures& figures, const Figures& limit) {
  std::printf("%-26s %5llu %10.0f %6.2f %9.0f %9.0f %9.0f %9.1f\n", what,
              static_cast<unsigned long long>(group), figures.messages_per_s,
              figures.messages_per_s / limit.messages_per_s, figures.us_p50, figures.us_p99, figures.us_max,
              figures.cpu_us_per_message);
  std::fflush(stdout);
}

void commit(Store& store, std::vector<Write> writes, Durability durability) {
  std::promise<bool> committed;
  const auto accepted = store.submit(std::move(writes), durability, [&](const Result<void>& result) {
    committed.set_value(result.has_value());
  });
  check(accepted && committed.get_future().get(), "the disk takes every write");
}

Write append(std::uint64_t id) {
  const TimePoint now = time_point_us(1'700'000'000'000'000 + static_cast<std::int64_t>(id));
  Message message;
  message.id = MessageId(id);
  message.queue = QueueId(1);
  message.sent = message.visible_at = message.deadline = now;
  message.tenant = TenantId(id * 0x9e3779b97f4a7c15ULL);
  message.bytes = kPayload;
  return AppendMessage{{message, std::string(kPayload, static_cast<char>(id))}};
}

std::unique_ptr<Store> open(const std::string& directory, const Store::Recovery& recovery = {}) {
  auto store = Store::open({.directory = directory}, recovery);
  check(store.has_value(), store ? "" : store.error().message);
  return std::move(*store);
}

void fill(Store& store, std::uint64_t count) {
  for (std::uint64_t id = 1; id <= count;) {
    std::vector<Write> writes;
    for (int n = 0; n < 1000 && id <= count; ++n) writes.push_back(append(id++));
    commit(store, std::move(writes), Durability::Written);
  }
}

enum class Delivery { None, SameCommit, OwnCommit };

/// A store with a backlog that neither grows nor shrinks.
class SteadyStore {
 public:
  SteadyStore(const std::string& directory, std::uint64_t group, Delivery delivery)
      : directory_(directory), group_(group), delivery_(delivery) {
    std::filesystem::remove_all(directory);
    store_ = open(directory);
    fill(*store_, kBacklog);
  }
  ~SteadyStore() {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  void round() {
    std::vector<Write> writes;
    std::vector<Write> deliveries;
    writes.reserve(group_);
    for (std::uint64_t n = 0; n < group_; ++n) writes.push_back(append(next_ + n));
    for (std::uint64_t n = 0; n < group_ && delivery_ != Delivery::None; ++n) {
      deliveries.push_back(UpdateMessage{MessageId(oldest_ + kBacklog / 2 + n), 1, time_point_us(1)});
    }
    if (delivery_ == Delivery::SameCommit) std::ranges::move(deliveries, std::back_inserter(writes));
    for (std::uint64_t n = 0; n < group_; ++n) writes.push_back(RemoveMessage{MessageId(oldest_ + n)});
    if (delivery_ == Delivery::OwnCommit) commit(*store_, std::move(deliveries), Durability::Written);
    commit(*store_, std::move(writes), Durability::Synced);
    next_ += group_;
    oldest_ += group_;
  }

 private:
  std::string directory_;
  std::uint64_t group_;
  Delivery delivery_;
  std::unique_ptr<Store> store_;
  std::uint64_t next_ = kBacklog + 1;
  std::uint64_t oldest_ = 1;
};

Figures run_store(const std::string& directory, double seconds_to_run, std::uint64_t group,
                  Delivery delivery) {
  SteadyStore store(directory, group, delivery);
  return measure(seconds_to_run, group, [&] { store.round(); });
}

Figures run_limit(const std::string& path, double seconds_to_run, std::uint64_t group) {
  constexpr std::size_t kFile = std::size_t{32} << 20;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0644);
  check(file >= 0, "the limit's file opens");
  const std::string zeros(1 << 20, '\0');
  for (std::size_t at = 0; at < kFile; at += zeros.size()) {
    check(::pwrite(file, zeros.data(), zeros.size(), static_cast<off_t>(at)) > 0, "the file is filled");
  }
  ::fsync(file);
  const std::string bytes(group * kPayload, 'x');
  std::size_t at = 0;
  const Figures figures = measure(seconds_to_run, group, [&] {
    if (at + bytes.size() > kFile) at = 0;
    check(::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at)) > 0,
          "the disk takes every write");
    check(::fdatasync(file) == 0, "the disk syncs");
    at += bytes.size();
  });
  ::close(file);
  ::unlink(path.c_str());
  return figures;
}

void run_long(const std::string& directory, std::uint64_t messages) {
  constexpr std::uint64_t kGroup = 64;
  constexpr std::uint64_t kParts = 10;
  constexpr double kUnlimited = 1e9;
  const std::size_t rounds = std::max<std::size_t>(1, messages / kParts / kGroup);
  std::printf("\n%llu messages through one store, by tenths\n", static_cast<unsigned long long>(messages));
  SteadyStore store(directory + "/store", kGroup, Delivery::OwnCommit);
  for (std::uint64_t part = 0; part < kParts; ++part) {
    const Figures limit = run_limit(directory + "/limit", 1, kGroup);
    print("limit", kGroup, limit, limit);
    const Figures figures = measure(
        kUnlimited, kGroup, [&] { store.round(); }, rounds);
    print("  + delivery, own commit", kGroup, figures, limit);
  }
}

void time_reopening(const std::string& directory, std::uint64_t count) {
  std::filesystem::remove_all(directory);
  {
    auto store = open(directory);
    fill(*store, count);
  }
  std::uint64_t found = 0;
  const double cpu_before = cpu_us();
  auto began = Clock::now();
  const auto elapsed_ms = [&] {
    return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
  };
  auto store = open(directory, {.message = [&](const Message&) { ++found; }, .record = nullptr});
  check(found == count, "every message is found");
  std::printf("reopening with %llu messages: %.0f ms, cpu %.0f ms\n", static_cast<unsigned long long>(count),
              elapsed_ms(), (cpu_us() - cpu_before) / 1000);
  began = Clock::now();
  commit(*store, {PurgeQueue{QueueId(1), MessageId(count / 10)}}, Durability::Synced);
  std::printf("purging %llu of them in one commit: %.0f ms\n", static_cast<unsigned long long>(count / 10),
              elapsed_ms());
  store.reset();
  std::filesystem::remove_all(directory);
  began = Clock::now();
  store = open(directory);
  std::printf("opening an empty directory: %.1f ms\n", elapsed_ms());
  store.reset();
  std::filesystem::remove_all(directory);
}

void run(const std::string& directory, double seconds_to_run, std::uint64_t messages) {
  std::printf("%-26s %5s %10s %6s %9s %9s %9s %9s\n", "", "group", "messages/s", "ratio", "p50 us", "p99 us",
              "max us", "cpu us");
  for (const std::uint64_t group : {1, 16, 64}) {
    const Figures limit = run_limit(directory + "/limit", seconds_to_run, group);
    const std::string data = directory + "/store";
    print("limit", group, limit, limit);
    print("append+remove", group, run_store(data, seconds_to_run, group, Delivery::None), limit);
    print("  + delivery", group, run_store(data, seconds_to_run, group, Delivery::SameCommit), limit);
    print("  + delivery, own commit", group, run_store(data, seconds_to_run, group, Delivery::OwnCommit),
          limit);
  }
  time_reopening(directory + "/store", 1'000'000);
  if (messages > 0) run_long(directory, messages);
}

}  // namespace
}  // namespace forewarm

int main(int argument_count, char** arguments) {
  const std::string parent =
      argument_count > 1 ? arguments[1] : std::filesystem::temp_directory_path().string();
  const double seconds_to_run = argument_count > 2 ? std::atof(arguments[2]) : 3;
  const std::uint64_t messages = argument_count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 0;
  const forewarm::TemporaryFolder folder(parent);
  forewarm::run(folder.path(), seconds_to_run, messages);
  return 0;
}
