#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/fit_codec.h"
#include "app/signal_history.h"
#include "core/model/event.h"
#include "core/model/settings.h"
#include "edge/net/loop.h"
#include "edge/observe/snapshot.h"
#include "edge/signal/intake.h"
#include "edge/signal/push.h"
#include "edge/signal/source_thread.h"

namespace forewarm {

/// What became of a push.
struct PushAnswer {
  std::array<std::uint64_t, kVerdictNames.size()> counts{};  ///< by Verdict
  std::string problem;                                       ///< the first, in words; empty: all is well
};

/// The signals of a running server: takes what is pushed, has the others read on threads of their own, checks
/// and counts it all, and tells the core once a second what it is to know.
///
/// A signal can only add to what forecasts know: whatever is wrong with one is counted and shown, and the
/// core goes on without it. All but the reading happens on the loop's thread.
class SignalService {
 public:
  using Now = std::function<TimePoint()>;  ///< the core's clock; any thread
  using Report = std::function<void(Event)>;
  using Warn = std::function<void(std::string_view)>;
  SignalService(Loop& loop, Now now, Report report, Warn warn);
  ~SignalService();

  /// Takes what the configuration says; a signal whose table is as before keeps what it knows.
  void configure(const ServerConfig& config);
  /// What the core must know of them. A signal for queues of which none is there yet is left out.
  std::vector<SignalSettings> settings(
      const std::function<std::optional<QueueId>(std::string_view)>& queue_id);
  /// Those whose values are recorded.
  std::vector<RecordedSignal> recorded() const;
  /// Shows what was recorded before the server started, and gives it for the core.
  std::vector<SignalObserved> restore(const std::vector<SignalPast>& pasts);
  /// Those that may help a queue, with what has been taken of each.
  void visit(std::string_view queue,
             const std::function<void(const SignalConfig&, SignalId, const SignalIntake&)>& take) const;
  TimePoint now() const { return now_(); }
  /// True if the event makes a queue and the last settings() lacked one that a signal names: worth asking
  /// again.
  bool waits_for(const Event& event) const {
    return lacks_queues_ && std::holds_alternative<QueueChanged>(event);
  }
  /// Tells the core what has gathered.
  void tick();

  /// What the signals did in a fit of a queue.
  void note(std::string_view queue, const FitAnswer& answer);

  /// NotFound for a signal that is none, Conflict for one that is not pushed, Invalid for what cannot be
  /// read.
  Result<PushAnswer> push(std::string_view name, const PushRequest& request);

  std::vector<SignalSnapshot> list();
  /// The part of the server's snapshot that is about signals.
  void fill(Snapshot& snapshot);
  /// One signal with its newest values and those that are known of the future; nothing if there is none.
  std::optional<SignalSnapshot> find(std::string_view name, std::size_t past, std::size_t future);

 private:
  struct Entry;

  void take(std::string_view name, SignalId id, Reading reading);
  void take_plan(Entry& entry, const Reading& reading);
  void start_source(Entry& entry);
  SignalSnapshot show(Entry& entry, std::size_t past, std::size_t future);

  Loop& loop_;
  Now now_;
  Report report_;
  Warn warn_;
  Duration history_ = 24h;  ///< that fits look back
  Duration ahead_ = 1h;     ///< that the core may ask for
  Duration cell_ = Duration(0);
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
  std::uint32_t last_id_ = 0;
  bool lacks_queues_ = false;
  std::uint64_t unknown_ = 0;
  std::shared_ptr<SignalService*> self_;  ///< for what comes home from a thread after this is gone
};

}  // namespace forewarm
