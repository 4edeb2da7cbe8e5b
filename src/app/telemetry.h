#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/otlp_config.h"
#include "edge/net/loop.h"
#include "edge/observe/log.h"
#include "edge/observe/metric_points.h"
#include "edge/observe/otlp/message_traces.h"
#include "edge/observe/otlp/otlp_json.h"
#include "edge/observe/otlp/otlp_sender.h"
#include "edge/observe/snapshot.h"

namespace forewarm {

/// What a sender says of the trace that its message belongs to. Views; empty where it says nothing.
struct SentTrace {
  std::string_view traceparent{};
  std::string_view tracestate{};
  std::string_view xray{};  ///< AWSTraceHeader, or the request's X-Amzn-Trace-Id
};

/// Sends traces of messages and the metrics by OTLP. Spans are made on the loop's thread and handed on once
/// a second; encoding and sending are other threads'.
class Telemetry {
 public:
  struct Server {
    Loop* loop = nullptr;
    Log* log = nullptr;
    const Names* names = nullptr;
    std::function<TimePoint()> now{};
    std::function<std::string(MessageId)> id_text{};
    std::function<std::vector<MetricPoints>()> metrics{};
    std::function<std::string()> instance{};  ///< HOST:PORT, once it is known
  };
  /// Null where nothing is to be sent.
  static std::unique_ptr<Telemetry> make(Server server, const OtlpConfig& config);
  ~Telemetry();

  void sent(MessageId message, const SentTrace& said);
  void observe(const TimedEvent& event, const Actions& actions);
  /// The parent of what a function does in this run.
  std::optional<TraceContext> of_run(RunId run) const;
  /// Sends what is there, for two seconds at most: for the end.
  void finish();
  void fill(Snapshot& snapshot) const;

 private:
  Telemetry(Server server, OtlpConfig config);
  void tick();
  void send_spans();
  void send_metrics();
  TelemetryResource resource() const;
  OtlpSender::Options sender_options(const char* path);

  Server server_;
  OtlpConfig config_;
  TimePoint start_;
  TimePoint next_metrics_;
  std::optional<MessageTraces> traces_;
  std::vector<TraceSpan> spans_;
  std::unique_ptr<OtlpSender> span_sender_;
  std::unique_ptr<OtlpSender> metric_sender_;
  std::unique_ptr<Loop::Timer> timer_;
};

}  // namespace forewarm
