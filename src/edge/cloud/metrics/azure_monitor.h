#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edge/cloud/metrics/metric_source.h"

namespace forewarm {

/// A queue of a Service Bus namespace.
struct AzureEntity {
  std::string resource;  ///< /subscriptions/S/resourceGroups/G/providers/Microsoft.ServiceBus/namespaces/N
  std::string entity;
};
/// Whether it is of that form.
bool is_service_bus_namespace(std::string_view resource);

/// The metrics of a Service Bus queue in Azure Monitor (Azure Service Bus monitoring data reference;
/// Azure Monitor REST API 2024-02-01, Metrics, List), by the minute. Messages that consumers have locked are
/// active too, so that those in flight are among those that wait. They are kept for 93 days.
std::unique_ptr<MetricSource> make_azure_metrics(ServiceAccess access, AzureEntity entity);

/// Path and query of a question; no more than a day at a time.
std::string azure_metrics_path(const AzureEntity& entity, const MetricRange& range);
/// Adds what the answer says to `periods`; what a minute has no value of is left out. Corrupt for what is no
/// such answer; Exhausted for a metric that the service could not read.
Result<void> read_azure_metrics(std::string_view text, MetricPeriods& periods);

}  // namespace forewarm
