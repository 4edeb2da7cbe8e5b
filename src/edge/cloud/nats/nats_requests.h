#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "edge/cloud/nats/nats_link.h"

namespace forewarm {

/// Requests on one connection whose answers are waited for without blocking. Each has exactly one answer: the
/// server's, or an error when there is none in time or the connection ends.
class NatsRequests {
 public:
  using Clock = std::chrono::steady_clock;
  using Done = std::function<void(const Result<std::string>&)>;
  /// Runs a function on the source's thread; may be called on any.
  using Post = std::function<void(std::function<void()>)>;

  NatsRequests(NatsLink& link, const Post& post);
  void send(const std::string& subject, std::string_view data, Done done, const NatsHeaders& headers = {});
  void expire(Clock::time_point now);
  void end(const Error& why);

 private:
  struct Waiting {
    std::string subject;
    Clock::time_point until{};
    Done done{};
  };
  void take(const NatsMessage& answer);

  NatsLink& link_;
  std::string inbox_;
  std::uint64_t sent_ = 0;
  std::map<std::uint64_t, Waiting> waiting_{};  ///< by number, so the one that expires next is the first
  std::unique_ptr<NatsSubscription> answers_{};
};

}  // namespace forewarm
