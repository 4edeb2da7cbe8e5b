#include "sim/faults.h"

#include <algorithm>

namespace forewarm {
namespace {

// What a draw is about; keeps the draws of different questions apart.
enum About : std::uint64_t { kStart = 1, kLife, kRun, kSlow, kPoison, kHandler, kFit, kFitLost, kJump };

}  // namespace

Random Faults::draw(std::uint64_t about, std::uint64_t which) const {
  return random_.fork(mix_bits(about) ^ which);
}

StartFault Faults::start(std::uint64_t ordinal) const {
  if (options_.start_failure <= 0) return StartFault::None;
  Random random = draw(kStart, ordinal);
  if (!random.chance(options_.start_failure)) return StartFault::None;
  return random.chance(0.5) ? StartFault::Fails : StartFault::TimesOut;
}

std::optional<Duration> Faults::life(std::uint64_t ordinal) const {
  if (options_.crash_idle_per_hour <= 0) return std::nullopt;
  return from_seconds(draw(kLife, ordinal).exponential(3600 / options_.crash_idle_per_hour));
}

RunFault Faults::run(RunId run) const {
  if (options_.crash_busy + options_.lost_busy + options_.capacity <= 0) return RunFault::None;
  const double u = draw(kRun, run.value()).uniform();
  if (u < options_.crash_busy) return RunFault::Crash;
  if (u < options_.crash_busy + options_.lost_busy) return RunFault::Lost;
  if (u < options_.crash_busy + options_.lost_busy + options_.capacity) return RunFault::Capacity;
  return RunFault::None;
}

double Faults::slowness(RunId run) const {
  if (options_.slow_run <= 0) return 1;
  return draw(kSlow, run.value()).chance(options_.slow_run) ? options_.slow_factor : 1;
}

bool Faults::poison(MessageId message) const {
  return options_.poison > 0 && draw(kPoison, message.value()).chance(options_.poison);
}

bool Faults::handler_fails(MessageId message, std::uint16_t attempt) const {
  return options_.handler_failure > 0 &&
         draw(kHandler, message.value() * 65536 + attempt).chance(options_.handler_failure);
}

bool Faults::fit_fails(std::uint64_t ordinal) const {
  return options_.fit_failure > 0 && draw(kFit, ordinal).chance(options_.fit_failure);
}

bool Faults::fit_lost(std::uint64_t ordinal) const {
  return options_.fit_lost > 0 && draw(kFitLost, ordinal).chance(options_.fit_lost);
}

std::optional<Faults::Jump> Faults::jump(std::uint64_t ordinal) const {
  if (options_.clock_jumps_per_hour <= 0) return std::nullopt;
  Random random = draw(kJump, ordinal);
  return Jump{.after = from_seconds(random.exponential(3600 / options_.clock_jumps_per_hour)),
              .length = from_seconds(random.uniform() * seconds(options_.clock_jump_max))};
}

}  // namespace forewarm
