#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace forewarm {

enum class AlertSeverity : std::uint8_t { Page, Ticket };
std::string_view word(AlertSeverity severity);

/// A number for each subject (a queue, a function, a signal, the server), from the metrics.
struct AlertTerm {
  enum class Kind : std::uint8_t {
    Number,      ///< the same for all
    Latest,      ///< the newest value; the largest, where a subject has several series
    Increase,    ///< of a counter within the window, summed over a subject's series
    LateShare,   ///< share of the first starts within the window that were late
    LateBudget,  ///< so many times the share that may be late, and never above 0.9
  };
  Kind kind = Kind::Number;
  double number = 0;  ///< Number, and LateBudget's factor
  std::string_view metric{};
  Duration window = Duration(0);
  std::string_view label{};                ///< only series whose label `label` ...
  std::vector<std::string_view> values{};  ///< ... is one of these, or
  bool values_excluded = false;            ///< none of them
};

struct AlertComparison {
  enum class Order : std::uint8_t { Above, AtLeast, Below, Equal };
  AlertTerm left;
  Order order = Order::Above;
  AlertTerm right;
};

/// One condition that somebody is to hear of.
struct AlertRule {
  std::string_view name;
  AlertSeverity severity = AlertSeverity::Page;
  Duration lasting = Duration(0);  ///< it must hold for so long before it counts
  /// Labels that tell one subject from another; none: it is the server.
  std::vector<std::string_view> by{};
  /// One of these must hold, each with all its comparisons. Empty: only Prometheus can know.
  std::vector<std::vector<AlertComparison>> any{};
  std::string_view prometheus{};  ///< PromQL, where only Prometheus can know
  /// {LABEL}, {value} and {percent} (of the first comparison's left side) are filled in.
  std::string_view summary{};
  std::string_view description{};
  std::string_view muted_by{};  ///< not told while that alert tells of the same subject
};

/// Every condition there is: the rules for Prometheus (alert_rules_document) and the server's own
/// notifications are made of the same table, so that they cannot say different things.
const std::vector<AlertRule>& alert_rules();
/// Null where there is none of this name.
const AlertRule* find_alert_rule(std::string_view name);
/// Names of the metrics that the rules are about.
const std::vector<std::string_view>& alert_metrics();
/// No queue waits for a share above this to be late, so that a generous objective can be missed too.
inline constexpr double kLateShareNoticed = 0.9;

}  // namespace forewarm
