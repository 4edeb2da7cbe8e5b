#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "app/core_gate.h"
#include "base/id_map.h"
#include "core/drive.h"
#include "edge/net/loop.h"
#include "edge/store/store.h"

namespace forewarm {

/// The world of a running server: real time, the durable store, and hands for everything else.
///
/// Order is what it guarantees. Events enter one bounded input and are stepped one by one on the loop's
/// thread. What a step decided is written to the store in the order of the steps; what the outside must not
/// see before it is written (a delivery, a run, an acknowledgement) waits for the commit, everything else
/// happens at once.
class LiveWorld : public CoreGate {
 public:
  /// What performs the actions that are not the store's.
  struct Hands {
    std::function<void(const Action&)> instance;  ///< starts, stops, freezes or thaws one
    std::function<void(Run)> run;                 ///< its leases are recorded
    std::function<void(FitRequest)> fit;
    /// Every event with its actions, in order, before anything of it is performed: recording, metrics,
    /// decision log.
    std::function<void(const TimedEvent&, const Actions&)> watch;
    /// What else is to be written in the commit of an action.
    std::function<void(const Action&, TimePoint now, std::vector<Write>&)> accompany = {};
  };
  struct Options {
    std::size_t input_max = 100'000;  ///< events that wait for the core; more are refused
    TimePoint not_before;             ///< the core's clock goes on from here if the wall clock is behind
    /// A run that the disk had no room for waits so long; it is as often as the store looks for room.
    Duration room_looked_for = 500ms;
  };

  LiveWorld(Loop& loop, Store& store, Orchestrator& core, Options options, Hands hands);

  // World, for drive()
  std::optional<TimedEvent> next(TimePoint wake_at);
  void perform(const TimedEvent& event, Actions& actions);

  // CoreGate
  TimePoint now() const override;
  const Orchestrator& core() const override { return core_; }
  Store& store() override { return store_; }
  Result<void> submit(Event event, Done done) override;
  Result<void> send(std::vector<StoredMessage> messages, std::vector<Write> others,
                    std::function<void(const Result<void>&)> done) override;
  Result<ReceiverId> receive(ReceiveRequested request, Delivered delivered) override;
  void cancel(ReceiverId receiver) override;

  /// An event of the machine itself (an instance is ready, a run finished): never refused.
  void report(Event event);
  /// Set when the store can no longer promise anything: the server must end.
  const std::optional<Error>& failure() const { return failure_; }
  std::size_t input_size() const { return input_.size(); }
  std::uint64_t refused() const { return refused_; }

 private:
  struct Input {
    Event event;
    Done done;
  };
  using After = std::vector<std::function<void(const Result<void>&)>>;
  /// What one or several steps want of the store. `after` is called once the writes are committed.
  struct Effects {
    std::vector<Write> writes;
    Durability durability = Durability::Written;
    std::shared_ptr<After> after = std::make_shared<After>();

    bool empty() const { return writes.empty() && after->empty(); }
  };

  void perform_one(Action& action);
  void commit_gathered();
  void flush_deferred();
  void come_home(std::function<void()> task);
  void give_back(RunId run);
  Store::Done home(std::shared_ptr<const After> after);

  Loop& loop_;
  Store& store_;
  Orchestrator& core_;
  Options options_;
  Hands hands_;
  Loop::Clock::time_point steady_start_;
  TimePoint start_;
  TimePoint last_;

  std::deque<Input> input_;
  Done current_done_;  ///< of the event that is being stepped
  std::uint32_t events_since_poll_ = 0;
  IdMap<ReceiverId, Delivered> delivered_;
  std::uint64_t next_receiver_ = 1;
  Effects gathered_;              ///< of the steps since the network was last looked at
  std::deque<Effects> deferred_;  ///< the store had too much pending
  std::vector<RunId> not_begun_;  ///< their leases could not be written
  std::unique_ptr<Loop::Timer> given_back_;
  std::optional<Error> failure_;
  std::uint64_t refused_ = 0;

  std::mutex home_mutex_;
  std::vector<std::function<void()>> home_;  ///< finished commits, to be run on the loop's thread
};

static_assert(World<LiveWorld>);

}  // namespace forewarm
