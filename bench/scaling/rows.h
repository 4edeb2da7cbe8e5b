#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "scaling/lab.h"
#include "sim/comparison.h"

namespace forewarm::bench {

/// The time lines of all queues.
using Columns = std::vector<std::vector<TimelineBucket>>;

/// What a policy's queues met and cost in the scored part, as sums.
boost::json::object row_of(const std::string& policy, const std::vector<QueueLedger>& books, Duration length);

/// Days counted from when the scored part begins; a shorter part is one day.
std::vector<TimelineBucket> days_of(const Course& course, const std::vector<TimelineBucket>& columns);

/// Adds how a policy compares with another: the ratio of instance-seconds and the difference of late shares,
/// each with its 95 % interval over blocks of time, all queues of a block summed.
void add_intervals(boost::json::object& row, const Course& course, const Columns& ours,
                   const Columns& theirs);

/// Adds how the objective was kept day by day on the queues with enough messages, and the worst day.
void add_contract(boost::json::object& row, const Course& course, const Books& books, double late_share);

}  // namespace forewarm::bench
