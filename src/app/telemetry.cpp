#include "app/telemetry.h"

#include <unistd.h>

#include <random>

namespace forewarm {
namespace {

constexpr std::size_t kSpansABatch = 512;
constexpr std::chrono::milliseconds kFinishMax{2000};
constexpr Duration kFirstMetrics = 2s;  // the gauges are set once a second

std::string own_host() {
  char host[256] = {};
  return ::gethostname(host, sizeof host - 1) == 0 ? host : "";
}

}  // namespace

std::unique_ptr<Telemetry> Telemetry::make(Server server, const OtlpConfig& config) {
  if (config.endpoint.empty() || (!config.traces && !config.metrics)) return nullptr;
  return std::unique_ptr<Telemetry>(new Telemetry(std::move(server), config));
}

Telemetry::Telemetry(Server server, OtlpConfig config)
    : server_(std::move(server)),
      config_(std::move(config)),
      start_(server_.now()),
      next_metrics_(start_ + kFirstMetrics) {
  if (config_.traces) {
    std::random_device random;
    traces_.emplace(MessageTraces::Options{.ratio = config_.sample_ratio,
                                           .seed = static_cast<std::uint64_t>(random()) << 32U | random()},
                    MessageTraces::Surroundings{
                        .names = server_.names, .id_text = server_.id_text, .ended = [this](TraceSpan span) {
                          spans_.push_back(std::move(span));
                          if (spans_.size() >= kSpansABatch) send_spans();
                        }});
    span_sender_ = std::make_unique<OtlpSender>(sender_options("/v1/traces"));
  }
  if (config_.metrics) {
    OtlpSender::Options options = sender_options("/v1/metrics");
    options.newest_only = true;
    options.items_max = 10'000'000;
    metric_sender_ = std::make_unique<OtlpSender>(std::move(options));
  }
  timer_ = server_.loop->call_after(std::chrono::seconds(1), [this] { tick(); });
}

Telemetry::~Telemetry() = default;

OtlpSender::Options Telemetry::sender_options(const char* path) {
  OtlpSender::Options options;
  options.url = config_.endpoint + path;
  options.headers = [config = config_] { return otlp_headers(config); };
  options.fetch.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(config_.timeout);
  options.fetch.ca_file = config_.ca_file;
  options.seed = std::random_device{}();
  options.problem = [log = server_.log, url = options.url](const std::string& problem) {
    if (problem.empty())
      log->info("telemetry is taken again", {{"url", url}});
    else
      log->warning("telemetry is not taken", {{"url", url}, {"reason", problem}});
  };
  return options;
}

void Telemetry::sent(MessageId message, const SentTrace& said) {
  if (!traces_) return;
  std::optional<TraceContext> context = parse_traceparent(said.traceparent);
  if (context)
    context->state = said.tracestate.substr(0, 512);  // W3C Trace Context, section 3.3.1.5
  else
    context = parse_xray_header(said.xray);
  if (context) traces_->sent(message, std::move(*context));
}

void Telemetry::observe(const TimedEvent& event, const Actions& actions) {
  if (traces_) traces_->observe(event, actions);
}

std::optional<TraceContext> Telemetry::of_run(RunId run) const {
  return traces_ ? traces_->of_run(run) : std::nullopt;
}

TelemetryResource Telemetry::resource() const {
  return {.attributes = {{"service.name", config_.service_name},
                         {"service.version", std::string(FOREWARM_VERSION)},
                         {"service.instance.id", server_.instance()},
                         {"host.name", own_host()}},
          .version = FOREWARM_VERSION};
}

void Telemetry::tick() {
  send_spans();
  if (metric_sender_ && server_.now() >= next_metrics_) send_metrics();
  timer_ = server_.loop->call_after(std::chrono::seconds(1), [this] { tick(); });
}

void Telemetry::send_spans() {
  if (spans_.empty()) return;
  const std::size_t items = spans_.size();
  span_sender_->give(items, [spans = std::exchange(spans_, {}), resource = resource()] {
    return otlp_traces(spans, resource);
  });
}

void Telemetry::send_metrics() {
  const TimePoint now = server_.now();
  next_metrics_ = now + config_.metrics_every;
  std::vector<MetricPoints> metrics = server_.metrics();
  std::size_t items = 0;
  for (const MetricPoints& each : metrics) items += each.points.size();
  metric_sender_->give(items, [metrics = std::move(metrics), resource = resource(), start = start_, now] {
    return otlp_metrics(metrics, resource, start, now);
  });
}

void Telemetry::finish() {
  send_spans();
  if (metric_sender_) send_metrics();
  if (span_sender_) span_sender_->finish(kFinishMax / 2);
  if (metric_sender_) metric_sender_->finish(kFinishMax / 2);
}

void Telemetry::fill(Snapshot& snapshot) const {
  const auto add = [&](const char* kind, const std::unique_ptr<OtlpSender>& sender, std::uint64_t more) {
    if (!sender) return;
    const OtlpCounts counts = sender->counts();
    snapshot.telemetry.push_back({kind, counts.sent, counts.rejected, counts.dropped + more});
  };
  add("spans", span_sender_, traces_ ? traces_->left_out() : 0);
  add("points", metric_sender_, 0);
}

}  // namespace forewarm
