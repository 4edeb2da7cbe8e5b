#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/time.h"
#include "core/model/ids.h"
#include "core/model/settings.h"
#include "core/retry/breaker_view.h"
#include "core/retry/outage_evidence.h"
#include "core/retry/outage_history.h"
#include "core/retry/upstream.h"

namespace forewarm {

/// The circuit breakers of one function: one for each fingerprint of a failure, and one for failures whose
/// fingerprints are all new.
///
/// A breaker opens when first attempts begin to fail with its fingerprint in a burst (CUSUM of the likelihood
/// ratio, Page 1954, against the share that is usual for it, for all of the messages and for some of them),
/// or when attempts after it fail one after the other. While it is open, messages that failed with it wait
/// without being run, and where it takes most messages, so do all others; canaries probe. How long they wait
/// between two is the square-root rule of inspection: more often the likelier the recovery and the more
/// wait, so that canaries and waiting cost the same. Three bad messages look like an outage that has just
/// begun. A breaker opens for both, since a canary that succeeds ends it at once; what differs is whose the
/// canaries are that fail. Where OutageEvidence says "down" they cost the messages nothing. Where it does
/// not they count, and the attempts that those who wait have left are spread over what outages last
/// (OutageHistory): an outage is outlived, and bad messages that are alone reach the dead-letter queue.
///
/// Bounded: 64 fingerprints; those that are closed and longest unseen make room. Pure; not thread-safe.
class CircuitBreakers {
 public:
  void observe(const AttemptOutcome& outcome);
  /// What the odds must rest on before a failure counts as permanent, and how long a message waits at most
  /// for an attempt that counts.
  void use(const RetrySettings& settings) { settings_ = settings; }
  /// Something that the function needs is at another level now (upstream_level): where that was worth it
  /// before, one of those that wait is run at once. Says whether somebody waits.
  bool upstream_came_to(std::uint32_t level);
  /// The function's code or settings have changed: whatever it failed with may work now.
  void version_changed(TimePoint now);

  BreakerView view(TimePoint now, ErrorClass error, std::uint64_t fingerprint) const;
  /// The state of those that keep everything waiting; Open rather than HalfOpen.
  BreakerState of_everything() const;
  /// May a run begin, with so many going on? Where everything fails only canaries may; after that, few.
  bool may_run(TimePoint now, std::uint32_t running) const;
  /// A run begins that may_run() allowed.
  void run_begins(TimePoint now);
  /// Share of the newest attempts that failed, 0..1.
  double recent_failures() const { return recent_failures_; }

  /// The message, with so many attempts left, waits for the breaker that holds failures of this kind, which
  /// is not closed.
  void hold(MessageId message, ErrorClass error, std::uint64_t fingerprint, std::uint32_t attempts_left);
  /// Held messages whose turn has come: canaries of open breakers, what half-open ones let go, all of those
  /// that will not pass. At most `count_max`; some may be gone meanwhile. `ready`: messages that wait to run.
  std::vector<MessageId> take_due(TimePoint now, std::size_t ready, std::size_t count_max);
  /// When take_due() or may_run() will say something new by time alone; kNever if nothing is open.
  TimePoint wake_at() const;

  const OutageHistory& outages() const { return outages_; }
  /// What outlives a restart. Taken by breakers that have not seen a failure yet.
  OutageMemory memory() const;
  void restore(const OutageMemory& memory);
  struct Row {
    std::uint64_t fingerprint = 0;
    ErrorClass error = ErrorClass::None;
    BreakerView view;
    TimePoint since;
    std::size_t held = 0;
  };
  std::vector<Row> rows(TimePoint now) const;

 private:
  struct Held {
    MessageId message;
    std::uint32_t attempts_left = 0;
  };
  struct Breaker {
    std::uint64_t fingerprint = 0;  ///< 0: whatever is new
    ErrorClass error = ErrorClass::None;
    BreakerState state = BreakerState::Closed;
    bool everything = false;
    TimePoint first_seen;
    TimePoint last_seen;
    TimePoint opened_at;
    TimePoint probe_at;  ///< when one of those that wait is run
    TimePoint asked_at;  ///< when the last one was
    TimePoint fresh_at;  ///< takes everything: when one is run that has not failed yet
    OutageEvidence evidence;
    std::uint64_t seen = 0;  ///< first attempts of the function when the sums were last brought up to date
    double all_sum = 0;      ///< CUSUM against "most messages fail with it"
    double some_sum = 0;     ///< against "a part of them do"
    double share = 0;        ///< of the newest first attempts
    double usual = 0;        ///< failed first attempts with it, decayed by count
    double usual_of = 0;     ///< of so many
    std::uint32_t failed_in_row = 0;
    std::uint32_t messages = 0;  ///< first failures with it since it was last closed
    std::uint32_t runs_max = 0;  ///< half-open: so many may go on at a time
    std::uint32_t succeeded = 0;
    std::uint32_t credit = 0;                 ///< half-open: held messages that may go
    std::uint32_t fresh_succeeded = 0;        ///< canaries in a row that had not failed before
    bool by_change = false;                   ///< opened soon after a new version
    std::uint32_t upstream = 0;               ///< the level that something came to since it opened; 0: none
    std::uint32_t ask_for = 0;                ///< a level for which one is still to be run at once
    std::uint32_t asked_for = 0;              ///< that for which the last one was
    TimePoint planned_at = TimePoint::min();  ///< when one would have been run without it
    std::deque<Held> held;
    std::uint64_t attempts_left = 0;  ///< of all that are held
  };

  bool is_down(const Breaker& breaker) const;
  bool may_take_everything(const Breaker& breaker) const;
  bool should_open(const Breaker& breaker) const;
  Breaker* find(std::uint64_t fingerprint, ErrorClass error);
  const Breaker* responsible(ErrorClass error, std::uint64_t fingerprint) const;
  Breaker& entry(const AttemptOutcome& outcome);
  Breaker& any_new(ErrorClass error, TimePoint now);
  void bring_up_to_date(Breaker& breaker) const;
  void count_first(Breaker& breaker) const;
  void failed(Breaker& breaker, const AttemptOutcome& outcome);
  void succeeded(const AttemptOutcome& outcome);
  void fresh_succeeded(Breaker& breaker, TimePoint now, bool was_down);
  void recovers(Breaker& breaker, TimePoint now);
  void open(Breaker& breaker, TimePoint now) const;
  void half_open(Breaker& breaker, TimePoint now);
  void close(Breaker& breaker) const;
  void schedule_probe(Breaker& breaker, TimePoint now) const;
  void plan_probe(Breaker& breaker) const;
  void plan_by_age(Breaker& breaker) const;
  void ask(Breaker& breaker, TimePoint now) const;
  void judge(Breaker& breaker, TimePoint now) const;
  void take(Breaker& breaker, std::size_t count, std::vector<MessageId>& out) const;
  Duration patience() const;
  FailureCause cause(const Breaker& breaker) const;
  BreakerView view(const Breaker& breaker, TimePoint now) const;

  std::vector<Breaker> breakers_;
  OutageHistory outages_;
  SenderShares senders_;
  UpstreamNews upstream_;
  std::uint64_t first_attempts_ = 0;
  double recent_failures_ = 0;
  RetrySettings settings_;
  bool has_succeeded_ = false;
  bool has_succeeded_since_change_ = false;
  std::size_t ready_ = 0;  ///< messages that wait to run, when it was last said
  TimePoint looked_at_ = TimePoint::min();
  TimePoint changed_at_ = TimePoint::min();
};

}  // namespace forewarm
