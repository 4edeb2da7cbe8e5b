#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "edge/cloud/http_calls.h"
#include "edge/cloud/message_source.h"

namespace forewarm {

/// A message as a polled engine gave it.
struct PolledMessage {
  LentMessage message;
  std::string origin{};  ///< what the engine wants to see again with its dead letter; its own business
};

/// An engine that pushes nothing and keeps leases by itself: it is asked for messages, again and again, by
/// HTTP. What all such engines share (window, batches, leases, backoff) is PolledSource's; this turns calls
/// into requests and answers into messages.
///
/// Used on one thread; whatever is `done` is called once, in HttpCalls::run().
class PolledEngine {
 public:
  using Received = std::function<void(Result<std::vector<PolledMessage>>)>;
  using Taken = std::function<void(const Result<void>&)>;
  /// One result for each entry, in order. Io and Exhausted: it may be tried again.
  using EachTaken = std::function<void(const std::vector<Result<void>>&)>;
  struct Facts {
    EngineTraits traits{};
    QueueDepth depth{};
  };
  struct Limits {
    std::uint32_t receive_max = 10;    ///< messages of one answer
    std::uint32_t batch_max = 10;      ///< entries of one settling call
    std::uint32_t receivers_max = 10;  ///< calls for messages at a time
    Duration waits{0};                 ///< that such a call takes when none come
  };

  virtual ~PolledEngine() = default;

  virtual Limits limits() const = 0;
  /// What the queue is and holds. Invalid, NotFound and Conflict with what is to be done about it.
  virtual void look(std::function<void(Result<Facts>)> done) = 0;
  /// Waits for messages as long as the engine lets a call wait; without any the answer is an empty one.
  virtual void receive(std::uint32_t most, Received done) = 0;
  virtual void acknowledge(const std::vector<std::string>& tokens, EachTaken done) = 0;
  /// From now on each is lent for this long; 0 gives it back.
  virtual void change_leases(const std::vector<std::pair<std::string, Duration>>& leases, EachTaken done) = 0;
  /// Puts a copy where dead letters are kept; it is acknowledged afterwards. Conflict: there is no such
  /// place.
  virtual void copy_dead_letter(const PolledMessage& message, const std::string& reason, Taken done) = 0;
  virtual void publish(const LentMessage& message, Taken done) = 0;
};

/// The engine's calls are made by `calls`, whose thread is the source's. `traits` are what is known before
/// the first look.
///
/// Receivers are as many as find something: one while the queue is empty, twice as many after each full
/// answer. Settlements wait for some milliseconds for others to share their request. `settled` comes when
/// the engine has said so for this entry. Calls that stumble are made again; when messages cannot be
/// received, `state` says why and the source goes on trying, while what is lent stays lent, because leases do
/// not depend on a connection. An orderly end gives back what is unsettled.
std::unique_ptr<MessageSource> make_polled_source(std::unique_ptr<HttpCalls> calls,
                                                  std::unique_ptr<PolledEngine> engine);

}  // namespace forewarm
