#pragma once

#include <string>

#include "edge/observe/notify/alert_rule.h"

namespace forewarm {

/// monitoring/prometheus/forewarm.rules.yml, which a test compares with the file.
std::string alert_rules_document();
/// The condition of a rule in PromQL.
std::string promql_of(const AlertRule& rule);
/// The same for one term of a rule whose subjects differ in the labels `by`.
std::string promql_of(const AlertTerm& term, const std::vector<std::string_view>& by);

}  // namespace forewarm
