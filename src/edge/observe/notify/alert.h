#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/observe/notify/alert_rule.h"

namespace forewarm {

/// A rule whose condition holds now for a subject.
struct AlertHold {
  const AlertRule* rule = nullptr;
  std::vector<std::string> subject{};  ///< a value for each of the rule's `by`
  double value = 0;                    ///< of the first comparison's left side
};

/// A rule that holds for a subject, for how long.
struct Alert {
  const AlertRule* rule = nullptr;
  std::vector<std::string> subject{};
  double value = 0;
  TimePoint since;           ///< the condition has held since then
  TimePoint fired = kNever;  ///< it counts since then; never: not yet
  bool firing() const { return fired != kNever; }
  friend bool operator==(const Alert&, const Alert&) = default;
};

using AlertLabels = std::vector<std::pair<std::string, std::string>>;
/// alertname, severity, instance and the subject's, sorted by name.
AlertLabels alert_labels(const Alert& alert, const std::string& instance);
/// One of the rule's texts with the alert's labels and value. Numbers have four digits.
std::string alert_text(const Alert& alert, std::string_view text);
/// The hash by which Alertmanager tells sets of labels apart (FNV-1a, 64 bits, names and values each ended by
/// 0xff): 16 hexadecimal digits, the same for as long as the labels are.
std::string fingerprint(const AlertLabels& labels);

}  // namespace forewarm
