#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "routing/figures.h"

namespace forewarm::bench {

/// The messages that are due in [from, until).
std::vector<Served> scored(const std::vector<Served>& served, Duration from, Duration until);

/// Waits, responses, slowdowns and lateness of all, in seconds.
boost::json::object row_of(const std::string& name, const std::string& policy,
                           const std::vector<Served>& served);
/// Adds the same by priority.
void add_classes(boost::json::object& row, const std::vector<Served>& served);

double response_p99(const std::vector<Served>& served);
double wait_p99(const std::vector<Served>& served);

void print(const boost::json::object& row);
/// Prints a bar and says whether it is met: value <= bar, or >= where `at_least`.
bool print_bar(const std::string& name, double value, double bar, bool at_least = false);

}  // namespace forewarm::bench
