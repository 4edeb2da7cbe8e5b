#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "app/core_gate.h"
#include "app/dead_letters.h"
#include "app/deduplication.h"
#include "app/queue_directory.h"
#include "base/id_map.h"
#include "edge/sqs/identity.h"
#include "edge/sqs/limits.h"
#include "edge/sqs/response.h"

namespace forewarm {

/// Answers one request, once, on the loop's thread.
using QueueReply = std::function<void(sqs::SqsResult<sqs::Response>)>;

/// What a request's connection knows.
struct RequestContext {
  std::string base_url;  ///< "http://localhost:9324": queue URLs begin with it
  std::string sender_id = "000000000000";
  std::string trace_header{};  ///< X-Amzn-Trace-Id of the request
  /// False for queues that are not to be listed; empty: all are.
  std::function<bool(std::string_view)> sees{};
  /// Registers what to do if the client goes away before it is answered; may be empty.
  std::function<void(std::function<void()>)> on_closed;
};

/// When messages were received, for as many of the latest as fit: ApproximateFirstReceiveTimestamp, and from
/// when a visibility timeout counts.
class ReceiveTimes {
 public:
  /// The first time of a message that is received now; `now` if this is the first or it was forgotten.
  TimePoint note(MessageId message, std::uint16_t receive_count, TimePoint now);
  /// The last time; nothing if it was forgotten.
  std::optional<TimePoint> last(MessageId message) const;

 private:
  static constexpr std::size_t kEntriesMax = 100'000;
  struct Times {
    TimePoint first;
    TimePoint last;
  };

  IdMap<MessageId, Times> times_;
  std::deque<MessageId> order_;
};

struct QueueChange {
  std::string_view action;  ///< "PurgeQueue"
  std::string_view queue;   ///< its name
  std::string_view sender_id;
  std::string_view details;  ///< what it became, as far as that is short
  std::string_view refusal;  ///< empty: done
};

/// What was delivered for a ReceiveRequestAttemptId, for five minutes: a client that lost the answer gets it
/// again. Bounded; at the bound the oldest is forgotten, and such a client waits for the visibility timeout.
class ReceiveAttempts {
 public:
  static constexpr Duration kAttemptWindow = 5min;

  /// Empty if there is none, or one of its messages was deleted, given back or received again since.
  std::vector<Lease> find(QueueId queue, const std::string& attempt_id, TimePoint now,
                          const Orchestrator& core) const;
  void note(QueueId queue, const std::string& attempt_id, std::vector<Lease> leases, TimePoint now);

 private:
  static constexpr std::size_t kAttemptsMax = 10'000;
  struct Attempt {
    std::vector<Lease> leases;
    TimePoint first;
  };
  using Key = std::pair<QueueId, std::string>;

  std::map<Key, Attempt> attempts_;
  std::deque<std::pair<TimePoint, Key>> order_;
};

/// What all actions on queues work with. `gate` and `identity` are there from QueueService::attach() on.
struct QueueServiceOptions {
  QueueDirectory::Options names;
  /// Of one queue; with so many no more are handed out.
  std::uint64_t in_flight_max = sqs::kInFlightMax;
  /// False for a queue that its function alone may receive from. Empty: all may be received from.
  std::function<bool(QueueId)> receivable;
  /// Where a queue's messages are if not in this server's store; empty otherwise. May be empty itself.
  std::function<std::string(QueueId)> elsewhere = {};
  /// Told of every request that changed a queue, or was to, once it is answered.
  std::function<void(const QueueChange&)> changed = {};
  /// Told of which trace a message belongs to, before the message is durable: its traceparent, tracestate and
  /// X-Ray header. May be empty.
  std::function<void(MessageId, std::string_view, std::string_view, std::string_view)> traced = {};
  /// Told of what an operator should know, such as a message that cannot be read.
  std::function<void(std::string_view)> warn;
  /// Told that QueueService::tick() is to be called every tenth of a second until it says false.
  std::function<void()> wants_ticks;
};

struct QueueContext {
  explicit QueueContext(QueueServiceOptions chosen);

  QueueServiceOptions options;
  QueueDirectory directory;
  DeadLetters dead_letters;
  Deduplication deduplication;
  ReceiveTimes receive_times;
  ReceiveAttempts receive_attempts;
  CoreGate* gate = nullptr;
  std::optional<sqs::Identity> identity;

  /// What could not be submitted yet, in order. The directory is ahead of store and core while this is not
  /// empty, so nothing else may pass it. Each task returns false if it must be tried again.
  std::deque<std::function<bool()>> unfinished;
  /// True if nothing is left.
  bool finish();

  sqs::SqsResult<const QueueEntry*> find(std::string_view queue_url) const;
  std::string url(const RequestContext& context, std::string_view name) const;
};

/// What the server could not do, in the service's words: exhausted means that trying later helps.
sqs::SqsError to_sqs_error(const Error& failure);

/// Calls `finish` with the first failure, or success, when as many parts as were made are done.
class Join {
 public:
  explicit Join(std::function<void(const Result<void>&)> finish) : state_(std::make_shared<State>()) {
    state_->finish = std::move(finish);
  }
  /// The part's own end; call it once.
  std::function<void(const Result<void>&)> part();
  /// No more parts are made. Finishes at once if there are none open.
  void close() { done(*state_, {}); }

 private:
  struct State {
    std::function<void(const Result<void>&)> finish;
    Result<void> outcome;
    std::size_t open = 1;  ///< close() counts as a part
  };
  static void done(State& state, const Result<void>& outcome);

  std::shared_ptr<State> state_;
};

}  // namespace forewarm
