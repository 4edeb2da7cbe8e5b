#include "app/forecast_reasons.h"

#include <algorithm>
#include <cmath>

#include "app/config.h"
#include "edge/observe/clock_text.h"

namespace forewarm {
namespace {

/// Rounded to whole seconds where it is longer than a minute.
std::string steps_text(double steps, Duration step) {
  Duration duration(std::llround(steps * static_cast<double>(step.count())));
  if (duration >= 1min) duration -= duration % 1s;
  return format_duration(duration);
}

}  // namespace

std::string_view reason_kind_name(ForecastReason::Kind kind) {
  using Kind = ForecastReason::Kind;
  switch (kind) {
    case Kind::Newest:
      return "newest";
    case Kind::Season:
      return "season";
    case Kind::Model:
      return "model";
    case Kind::Signal:
      return "signal";
    case Kind::Batch:
      return "batch";
  }
  return "";
}

std::string reason_text(const ForecastReason& reason, TimePoint start, Duration step,
                        std::string_view signal) {
  using Kind = ForecastReason::Kind;
  switch (reason.kind) {
    case Kind::Newest:
      return "the newest values";
    case Kind::Season:
      return "the same time in earlier cycles of " + steps_text(reason.steps, step);
    case Kind::Model: {
      std::string name(kModelNames[static_cast<std::size_t>(reason.model)]);
      std::replace(name.begin(), name.end(), '_', ' ');
      return name;
    }
    case Kind::Signal:
      if (signal.empty()) return "signal " + std::to_string(reason.signal + 1);
      // Its share is one of what the signals do, not of the mix as the others' are.
      return "signal " + std::string(signal) +
             (reason.steps >= 1 ? ", leading by " + steps_text(reason.steps, step) : "") +
             " (of all signals' effect)";
    case Kind::Batch: {
      const Duration wait(std::llround(reason.next * static_cast<double>(step.count())));
      return "a batch of about " + std::to_string(std::llround(reason.size)) + " every " +
             steps_text(reason.steps, step) + ", next at " + utc_text(start + wait).substr(0, 19) + "Z";
    }
  }
  return "";
}

}  // namespace forewarm
