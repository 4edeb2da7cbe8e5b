#pragma once

#include <string>

#include "app/replay.h"

namespace forewarm {

/// An amount in units of a currency with at least four digits that count: "0.001234", "1.234", "1,234".
std::string money_text(double amount);

/// The result as a table for people, with the queues on which the first policy lost.
std::string replay_table(const ReplayReport& report);

/// The same and more for programs: totals and every queue of every policy. One JSON object;
/// docs/formats/replay.md.
std::string replay_json(const ReplayReport& report);

/// One page with pictures, without any other file: cost against lateness, and instances over time.
std::string replay_html(const ReplayReport& report);

}  // namespace forewarm
