#pragma once

#include <optional>
#include <string>

#include "app/replay.h"
#include "sim/comparison.h"

namespace forewarm {

/// What a policy's instances cost for one instance-second of the first policy's.
struct CostRatio {
  double ratio = 1;
  /// 95 %, by a paired block bootstrap over the columns that are wholly in the time that counts; none with
  /// too few blocks.
  std::optional<Interval> interval = {};
  Duration block = Duration(0);
  std::size_t blocks = 0;

  /// "1.31 (1.22-1.44)".
  std::string text() const;
};

/// None where the first policy had no instance.
std::optional<CostRatio> cost_ratio(const ReplayReport& report, std::size_t policy);

/// What the figures in brackets are, as a sentence; empty where there are none.
std::string cost_ratio_note(const ReplayReport& report);

}  // namespace forewarm
