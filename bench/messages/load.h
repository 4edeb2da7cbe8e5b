#pragma once
// What the load programs share: a clock, options, latencies, and one line of JSON as the result.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace load {

inline std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

[[noreturn]] inline void die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::_Exit(1);  // other threads go on meanwhile
}

/// --name value pairs.
class Options {
 public:
  Options(int argc, char** argv) {
    for (int i = 1; i + 1 < argc; i += 2) values_[argv[i] + 2] = argv[i + 1];
  }
  long number(const std::string& name, long otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : std::atol(found->second.c_str());
  }
  std::string text(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second;
  }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

/// Microseconds, one a message.
class Latencies {
 public:
  void add(std::int64_t us) { values_.push_back(us); }
  void merge(const Latencies& other) {
    values_.insert(values_.end(), other.values_.begin(), other.values_.end());
  }
  std::string json() {
    std::sort(values_.begin(), values_.end());
    return "{\"p50\":" + std::to_string(at(0.5)) + ",\"p99\":" + std::to_string(at(0.99)) + "}";
  }

 private:
  std::int64_t at(double share) const {
    if (values_.empty()) return 0;
    return values_[static_cast<std::size_t>(share * static_cast<double>(values_.size() - 1))];
  }
  std::vector<std::int64_t> values_;
};

/// One run of sending as fast as the window allows for a while and consuming everything. Threads share it.
struct Run {
  explicit Run(const Options& options)
      : length_us(options.number("seconds", 5) * 1'000'000),
        bytes(static_cast<std::size_t>(options.number("bytes", 1024))) {}

  void begin() { started_us = now_us(); }
  bool sending() const { return now_us() < started_us + length_us; }
  /// Everything came back, or it has taken so long that something is wrong.
  bool finished() const {
    return (senders_done && consumed >= confirmed) || now_us() > started_us + length_us + 30'000'000;
  }
  void consume(std::uint64_t count) {
    consumed += count;
    last_us = now_us();
  }
  void keep(const Latencies& confirm, const Latencies& end_to_end) {
    const std::lock_guard lock(mutex);
    confirm_us.merge(confirm);
    end_to_end_us.merge(end_to_end);
  }
  /// Prints the result; the status that main returns.
  int print() {
    const double seconds = static_cast<double>(last_us - started_us) * 1e-6;
    std::printf(
        "{\"sent\":%llu,\"done\":%llu,\"seconds\":%.4f,\"messages_per_second\":%.1f,"
        "\"confirm_us\":%s,\"end_to_end_us\":%s}\n",
        static_cast<unsigned long long>(confirmed), static_cast<unsigned long long>(consumed), seconds,
        static_cast<double>(consumed) / seconds, confirm_us.json().c_str(), end_to_end_us.json().c_str());
    return consumed >= confirmed && confirmed > 0 ? 0 : 1;
  }

  std::int64_t length_us;
  std::size_t bytes;  ///< of a body
  std::atomic<std::int64_t> started_us{0}, last_us{0};
  std::atomic<std::uint64_t> confirmed{0}, consumed{0};
  std::atomic<bool> senders_done{false};
  std::mutex mutex;
  Latencies confirm_us, end_to_end_us;
};

/// Calls `send(due)` at equal distances while the run sends, `rate` times a second. One that is late is sent
/// at once, and its time is still the one at which it was due: a server that stalls is not asked less.
template <class Send>
void send_paced(const Run& run, long rate, const Send& send) {
  std::int64_t due = run.started_us;
  for (std::int64_t i = 1; run.sending(); ++i) {
    send(due);
    due = run.started_us + i * 1'000'000 / rate;
    const timespec when{due / 1'000'000, due % 1'000'000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr) == EINTR) {
    }
  }
}

/// A body begins with the time at which it was sent, in digits, so that it can travel as text.
constexpr std::size_t kStampBytes = 20;

inline void stamp(char* body, std::int64_t time_us) {
  char digits[kStampBytes + 1];
  std::snprintf(digits, sizeof digits, "%020lld", static_cast<long long>(time_us));
  std::memcpy(body, digits, kStampBytes);
}

inline std::int64_t stamp_of(const char* body) {
  return std::atoll(std::string(body, kStampBytes).c_str());
}

}  // namespace load
