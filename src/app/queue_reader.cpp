#include "app/queue_reader.h"

#include <cmath>
#include <fstream>
#include <future>
#include <utility>

#include "app/metric_reader.h"
#include "app/opened_history.h"
#include "app/source_factory.h"
#include "edge/cloud/authorisation.h"
#include "edge/net/fetch.h"
#include "edge/signal/source.h"

namespace forewarm {
namespace {

constexpr std::size_t kMetricsBytesMax = 4U << 20;
constexpr double kCountMax = 9e15;

std::chrono::milliseconds in_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
}

class PrometheusReader : public QueueReader {
 public:
  explicit PrometheusReader(ControlMetrics metrics) : metrics_(std::move(metrics)) {
    while (metrics_.url.ends_with('/')) metrics_.url.pop_back();
  }

  Result<QueueReadings> read(const std::stop_token& stop) override {
    QueueReading reading;
    struct Asked {
      const char* name;
      const std::string& query;
      std::optional<std::uint64_t>& into;
    };
    for (const Asked& asked : {Asked{"waiting", metrics_.waiting, reading.waiting},
                               Asked{"in_flight", metrics_.in_flight, reading.in_flight},
                               Asked{"arrived_total", metrics_.arrived_total, reading.arrived_total},
                               Asked{"done_total", metrics_.done_total, reading.done_total}}) {
      if (asked.query.empty()) continue;
      const Result<double> value = ask(asked.query, stop);
      if (!value)
        return error(value.error().code, "metrics." + std::string(asked.name) + ": " + value.error().message);
      asked.into = static_cast<std::uint64_t>(std::llround(*value));
    }
    if (!metrics_.oldest_wait.empty()) {
      if (const Result<double> value = ask(metrics_.oldest_wait, stop))
        reading.oldest_wait = from_seconds(*value);
    }
    if (!metrics_.instances_ready.empty()) {
      const Result<double> value = ask(metrics_.instances_ready, stop);
      if (value && *value < UINT32_MAX)
        reading.instances_ready = static_cast<std::uint32_t>(std::llround(*value));
    }
    return QueueReadings{reading};
  }

 private:
  Result<double> ask(const std::string& query, const std::stop_token& stop) const {
    FetchRequest request{
        .method = "GET", .url = metrics_.url + "/api/v1/query?query=" + percent_encode(query), .headers = {}};
    if (!metrics_.bearer_token_file.empty()) {
      std::ifstream file(metrics_.bearer_token_file);
      std::string token;
      if (!std::getline(file, token) || token.empty())
        return error(ErrorCode::NotFound, metrics_.bearer_token_file + ": there is no token in it");
      request.headers.emplace_back("Authorization", "Bearer " + token);
    }
    const Result<HttpResponse> answer = fetch(request, {.timeout = in_ms(metrics_.timeout),
                                                        .body_max_bytes = kMetricsBytesMax,
                                                        .ca_file = metrics_.ca_file,
                                                        .stop = stop});
    if (!answer) return std::unexpected(answer.error());
    if (answer->status != 200 && answer->status != 400 && answer->status != 422)
      return error(ErrorCode::Io,
                   "the Prometheus server answered with " + refusal_of(*answer).error().message);
    const Result<Points> points = read_prometheus_answer(answer->body, TimePoint());
    if (!points) return std::unexpected(points.error());
    if (points->taken.size() != 1)
      return error(ErrorCode::Invalid, points->problem.empty() ? "expected one number"
                                                               : "expected one number: " + points->problem);
    const double value = points->taken.front().value;
    if (!(value >= 0 && value <= kCountMax))
      return error(ErrorCode::Invalid, "expected a number from 0 on, got " + std::to_string(value));
    return value;
  }

  ControlMetrics metrics_;
};

class SourceReader : public QueueReader {
 public:
  SourceReader(std::unique_ptr<MessageSource> source, Duration timeout)
      : timeout_(in_ms(timeout)), source_(std::move(source)) {
    source_->set_window(0);
    MessageSource::Listener nothing;
    nothing.lent = [](const std::vector<LentMessage>&) {};
    nothing.settled = [](const std::string&, SettleKind, const Result<void>&) {};
    nothing.lost = [](const std::vector<std::string>&) {};
    nothing.extended = [](const std::vector<std::pair<std::string, TimePoint>>&) {};
    nothing.state = [](const Result<void>&) {};
    source_->start(std::move(nothing));
  }

  Result<QueueReadings> read(const std::stop_token&) override {
    // Shared: an answer that comes too late finds it still there.
    const auto answered = std::make_shared<std::promise<Result<QueueDepth>>>();
    std::future<Result<QueueDepth>> answer = answered->get_future();
    source_->observe([answered](Result<QueueDepth> depth) { answered->set_value(std::move(depth)); });
    if (answer.wait_for(timeout_) != std::future_status::ready)
      return error(ErrorCode::Io,
                   "the engine did not say in " + std::to_string(timeout_.count()) + " ms how much it holds");
    const Result<QueueDepth> depth = answer.get();
    if (!depth) return std::unexpected(depth.error());
    if (!depth->waiting && !depth->arrived_total)
      return error(ErrorCode::Invalid, "the engine says neither how much waits nor how much came");
    QueueReading reading;
    reading.waiting = depth->waiting;
    reading.in_flight = depth->in_flight;
    reading.arrived_total = depth->arrived_total;
    reading.oldest_wait = depth->oldest_wait;
    return QueueReadings{reading};
  }

 private:
  std::chrono::milliseconds timeout_;
  std::unique_ptr<MessageSource> source_;
};

}  // namespace

std::unique_ptr<QueueReader> make_prometheus_reader(const ControlMetrics& metrics) {
  return std::make_unique<PrometheusReader>(metrics);
}

std::unique_ptr<QueueReader> make_source_reader(std::unique_ptr<MessageSource> source, Duration timeout) {
  return std::make_unique<SourceReader>(std::move(source), timeout);
}

Result<std::unique_ptr<QueueReader>> make_queue_reader(const ControlConfig& control) {
  const ControlMetrics& metrics = control.metrics;
  if (metrics.kind == "prometheus") return make_prometheus_reader(metrics);
  const auto refused = [&](const Error& why) {
    return error(why.code, "[[control]] '" + control.queue + "' " + why.message);
  };
  if (cloud_metrics_of(metrics)) {
    auto cloud = make_metric_source(metrics, control.queue);
    if (!cloud) return refused(cloud.error());
    return make_metric_reader(std::move(*cloud), metrics, control.queue, wall_time);
  }
  SourceConfig source;
  source.queue = control.queue;
  source.url = metrics.url;
  source.password_file = metrics.password_file;
  source.ca_file = metrics.ca_file;
  source.options = metrics.options;
  Result<std::unique_ptr<MessageSource>> made = make_source(source);
  if (!made) return refused({made.error().code, "metrics: " + made.error().message});
  return make_source_reader(std::move(*made), metrics.timeout);
}

}  // namespace forewarm
