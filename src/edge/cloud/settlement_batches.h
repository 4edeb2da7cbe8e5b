#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "edge/cloud/polled_engine.h"

namespace forewarm {

/// Acknowledgements and changes of leases, collected for some milliseconds so that they share a request.
/// Entries that stumble alone are tried again with the next.
class SettlementBatches {
 public:
  using Clock = std::chrono::steady_clock;
  using Extended = std::function<void(Clock::time_point asked, TimePoint asked_wall)>;

  explicit SettlementBatches(PolledEngine& engine) : engine_(engine) {}

  void acknowledge(const std::string& token, PolledEngine::Taken taken);
  void release(const std::string& token, Duration delay, PolledEngine::Taken taken);
  /// `extended` is called if the engine did.
  void extend(const std::string& token, Duration lease, Extended extended);

  /// Sends what is full, or has waited long enough; with the maximum all.
  void flush(Clock::time_point now);
  /// When flush() has something to do, if nothing else happens.
  Clock::time_point due() const;
  /// Nothing waits or is under way.
  bool idle() const { return acknowledgements_.empty() && changes_.empty() && under_way_ == 0; }

  /// Whether another try of a failed call or entry may help.
  static bool may_pass(const Error& error) {
    return error.code == ErrorCode::Io || error.code == ErrorCode::Exhausted;
  }

 private:
  struct Entry {
    std::string token;
    Duration lease{};
    PolledEngine::Taken taken;
    Extended extended;
    Clock::time_point since{};
    std::uint32_t tries = 0;
  };
  using Entries = std::deque<Entry>;

  void flush(Entries& entries, bool acknowledging, Clock::time_point now);
  void send(std::vector<Entry> batch, bool acknowledging);
  void answered(std::vector<Entry>& batch, bool acknowledging, const std::vector<Result<void>>& taken);

  PolledEngine& engine_;
  Entries acknowledgements_{};
  Entries changes_{};
  std::size_t under_way_ = 0;
};

}  // namespace forewarm
