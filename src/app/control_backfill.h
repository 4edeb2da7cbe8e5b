#pragma once

#include <stop_token>

#include "app/control_config.h"
#include "app/history_import.h"

namespace forewarm {

/// What came in each step, from readings of a counter: its growth between two that are one step apart. What
/// is farther apart is a gap. A counter that falls began anew, at zero.
ImportedSeries arrivals_of_counter(const ImportedSeries& readings);

/// What came in each period, as it says, or as follows from what waited before it and what was done in it; a
/// series for each length of periods.
std::vector<ImportedSeries> arrivals_of_periods(const std::vector<MetricPeriod>& periods,
                                                const std::string& queue);

/// What Prometheus has measured of arrived_total, or a cloud of the queue, in the time before `now`, as
/// arrivals per step; nothing where the configuration asks for none. Waits for the other side, not after
/// `stop` is asked for.
Result<std::vector<ImportedSeries>> fetch_backfill(const ControlConfig& control, Duration step, TimePoint now,
                                                   const std::stop_token& stop);

}  // namespace forewarm
