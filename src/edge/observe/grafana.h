#pragma once

#include <string>

namespace forewarm {

/// monitoring/grafana/forewarm.json: a dashboard for Grafana 9 and later, with what /metrics gives. A test
/// compares it with the file and its queries with the table of the metrics.
std::string grafana_dashboard();

}  // namespace forewarm
