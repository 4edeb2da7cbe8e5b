#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/random.h"
#include "base/time.h"
#include "core/model/decision.h"
#include "core/model/ids.h"

namespace forewarm {

/// How one message's attempt fails in an incident. What is no Handler error is its whole run's.
struct IncidentFailure {
  ErrorClass error = ErrorClass::Handler;
  std::uint64_t fingerprint = 0;
  Duration after = Duration(0);  ///< how long it ran; zero: as long as it would have
};

/// What may go wrong and how often. All zero: nothing.
struct FaultOptions {
  double start_failure = 0;        ///< share of starts that fail, half of them by not becoming ready in time
  double crash_idle_per_hour = 0;  ///< crashes of one instance that runs nothing
  double crash_busy = 0;           ///< share of runs during which the process ends
  double lost_busy = 0;            ///< share of runs whose instance disappears without a report
  double slow_run = 0;             ///< share of runs that take `slow_factor` times as long
  double slow_factor = 20;
  double handler_failure = 0;       ///< share of a message's runs that report an error
  double poison = 0;                ///< share of messages that fail whenever they are run
  double capacity = 0;              ///< share of runs that are refused for want of capacity
  double fit_failure = 0;           ///< share of fits without a result
  double fit_lost = 0;              ///< share of fits that are never answered
  double clock_jumps_per_hour = 0;  ///< the machine sleeps: time leaps forward by up to `clock_jump_max`
  Duration clock_jump_max = 10min;
  /// What an attempt that begins now meets, beside all that is drawn: an incident with a story.
  std::function<std::optional<IncidentFailure>(MessageId, TimePoint)> incident = {};
};

/// How a start goes.
enum class StartFault : std::uint8_t { None, Fails, TimesOut };
/// How a run goes, beyond what its messages do.
enum class RunFault : std::uint8_t { None, Crash, Lost, Capacity };

/// Draws faults from one seed. Each draw is keyed by what it is about and not by the order of asking: two
/// policies that are compared meet the same bad messages, and a changed decision does not reshuffle all later
/// faults.
class Faults {
 public:
  Faults(const FaultOptions& options, std::uint64_t seed) : options_(options), random_(seed) {}

  StartFault start(std::uint64_t ordinal) const;
  /// How long after becoming ready the process ends by itself, if it is idle then.
  std::optional<Duration> life(std::uint64_t ordinal) const;
  RunFault run(RunId run) const;
  double slowness(RunId run) const;
  bool poison(MessageId message) const;
  bool handler_fails(MessageId message, std::uint16_t attempt) const;
  bool fit_fails(std::uint64_t ordinal) const;
  bool fit_lost(std::uint64_t ordinal) const;
  /// Time to the next clock jump after the one numbered `ordinal`, and its length.
  struct Jump {
    Duration after = Duration(0);
    Duration length = Duration(0);
  };
  std::optional<Jump> jump(std::uint64_t ordinal) const;

 private:
  Random draw(std::uint64_t about, std::uint64_t which) const;

  FaultOptions options_;
  Random random_;
};

}  // namespace forewarm
