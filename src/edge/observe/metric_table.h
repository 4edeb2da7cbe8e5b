#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace forewarm {

enum class MetricType : std::uint8_t { Counter, Gauge, Histogram };

/// One metric that /metrics gives. `labels` are names joined by ", "; the last one's values are listed where
/// they are fixed.
struct MetricDescription {
  std::string_view name;
  MetricType type = MetricType::Counter;
  std::string_view help;
  std::string_view labels;
  std::string_view values;  ///< of the last label
};

/// Indices into the table, in its order.
enum class MetricId : std::uint8_t {
  Info,
  Events,
  Ready,
  Uptime,
  MessagesArrived,
  ArrivedBytes,
  MessagesStarted,
  MessagesLate,
  MessageWait,
  MessageLateness,
  WaitsUnmeasured,
  Deliveries,
  Runs,
  RunDuration,
  MessagesDeleted,
  MessagesMoved,
  Retries,
  QueueMessages,
  OldestWait,
  InstanceStarts,
  InstanceStops,
  InstanceThaws,
  InstanceLosses,
  InvocationsNotTaken,
  MemoryDeclared,
  MemoryNeed,
  StartTime,
  Instances,
  InstancesWanted,
  Workers,
  ColdStartsAvoided,
  InstanceSeconds,
  Fits,
  Plans,
  ForecastMedian,
  ForecastHigh,
  ForecastStep,
  ForecastLoss,
  ForecastCoverage,
  PlanInstances,
  PlanFloor,
  Objective,
  LateShareMax,
  SignalValues,
  SignalReadings,
  SignalFailures,
  SignalValue,
  SignalAge,
  SignalsUnknown,
  Notifications,
  OtlpItems,
  StoreCommits,
  StoreWrites,
  StoreSyncs,
  StoreCommitMax,
  StoreFile,
  StorePending,
  StoreFull,
  ProcessMemory,
  FunctionsMemory,
  ProcessCpu,
  ProcessDescriptors,
};

/// Every metric there is: code, documentation and tests read the same table.
std::span<const MetricDescription> metric_table();
/// docs/metrics.md, which a test compares with the file.
std::string metrics_document();

}  // namespace forewarm
