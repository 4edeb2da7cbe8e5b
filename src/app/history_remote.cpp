#include "app/history_remote.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>

#include "edge/history/remote_series.h"
#include "edge/observe/clock_text.h"

namespace forewarm {
namespace {

constexpr std::int64_t kStepsPerRequest = 10'000;  // Prometheus refuses more than 11,000
constexpr std::size_t kQueuesPerRequest = 200;     // two queries each; CloudWatch takes 500
constexpr std::size_t kPagesMax = 100'000;

TimePoint rounded_down(TimePoint at, Duration step) {
  return at - at.time_since_epoch() % step;
}

std::string status_text(const std::string& who, const HttpResponse& answer) {
  return who + " answered with status " + std::to_string(answer.status);
}

Result<std::string> name_of_series(const PrometheusSeries& series, const PrometheusImport& request) {
  if (!request.as.empty()) return request.as;
  const auto label = series.labels.find(request.label);
  if (label != series.labels.end() && !label->second.empty()) return label->second;
  std::string labels;
  for (const auto& [name, value] : series.labels) labels += (labels.empty() ? "" : ", ") + name;
  return error(ErrorCode::Invalid, "a series of the answer has no label '" + request.label +
                                       "' to name a queue; it has " + (labels.empty() ? "none" : labels) +
                                       ". Choose one with --label, or name the only series with --as");
}

void add_points(const PrometheusSeries& series, const PrometheusImport& request, ImportedSeries& out) {
  for (const RemotePoint& point : series.points) {
    if (request.signal) {
      const double v = point.value;
      out.signal.push_back({rounded_down(point.at, request.step), request.step, {1, v, v, v, v}});
      continue;
    }
    if (point.value < 0) continue;  // a counter that is not reset as it should be
    QueueMeasures measures;
    measures.arrivals = request.rate ? point.value * seconds(request.step) : point.value;
    measures.bytes = measures.runs = measures.service_seconds = kNotMeasured;
    measures.by_priority.fill(kNotMeasured);
    out.queue.push_back(
        {rounded_down(point.at, request.step) - request.step, request.step, std::move(measures)});
  }
}

}  // namespace

Result<std::vector<ImportedSeries>> fetch_prometheus(const PrometheusImport& request,
                                                     const Progress01& progress) {
  const TimePoint first = rounded_down(request.from, request.step) + request.step;
  const TimePoint last = rounded_down(request.to, request.step);
  std::map<std::string, ImportedSeries> found;
  std::string url = request.url;
  while (url.ends_with('/')) url.pop_back();
  for (TimePoint at = first; at <= last; at += request.step * kStepsPerRequest) {
    const TimePoint end = std::min(last, at + request.step * (kStepsPerRequest - 1));
    FetchRequest ask{.url = url + "/api/v1/query_range?query=" + percent_encode(request.query) +
                            "&start=" + utc_text(at) + "&end=" + utc_text(end) +
                            "&step=" + std::to_string(seconds(request.step))};
    if (!request.bearer_token.empty())
      ask.headers.emplace_back("Authorization", "Bearer " + request.bearer_token);
    const Result<HttpResponse> answer = fetch_patiently([&ask] { return ask; }, request.fetch);
    if (!answer) return std::unexpected(answer.error());
    const auto all = parse_prometheus_range(answer->body);
    if (!all && answer->status != 200)
      return error(ErrorCode::Invalid, status_text(url, *answer) + ": " + all.error().message);
    if (!all) return std::unexpected(all.error());
    std::map<std::string, const PrometheusSeries*> here;
    for (const PrometheusSeries& series : *all) {
      const Result<std::string> name = name_of_series(series, request);
      if (!name) return std::unexpected(name.error());
      if (!here.emplace(*name, &series).second) {
        return error(ErrorCode::Invalid, "two series of the answer are called '" + *name +
                                             "'. Add them up in the query, for example: sum by (" +
                                             request.label + ") (...)");
      }
      add_points(series, request, found[*name]);
    }
    progress(static_cast<double>((end - first).count() + 1) /
             static_cast<double>((last - first).count() + 1));
  }
  std::vector<ImportedSeries> out;
  for (auto& [name, series] : found) {
    series.kind = request.signal ? SeriesKind::Signal : SeriesKind::Queue;
    series.name = name;
    series.step = request.step;
    series.settle();
    if (!series.covered.empty()) out.push_back(std::move(series));
  }
  return out;
}

namespace {

struct Stretch {
  TimePoint from;
  TimePoint to;
  Duration period;
};

/// CloudWatch keeps minutes for 15 days, five minutes for 63, hours for 455; a day less is asked for of each,
/// so that nothing falls between.
std::vector<Stretch> stretches_of(const CloudWatchImport& request) {
  struct Kept {
    Duration period;
    Duration reach;
  };
  constexpr std::array<Kept, 3> kKept = {{{1min, 24h * 14}, {5min, 24h * 62}, {1h, 24h * 454}}};
  std::vector<Stretch> out;
  if (request.step > Duration(0)) {
    out.push_back(
        {rounded_down(request.from, request.step), rounded_down(request.to, request.step), request.step});
    return out;
  }
  TimePoint to = rounded_down(request.to, 1min);
  for (const Kept& kept : kKept) {
    // Borders at whole hours fit all periods.
    const TimePoint reached = rounded_down(request.now - kept.reach, 1h) + 1h;
    const TimePoint from = std::max(rounded_down(request.from, kept.period), reached);
    if (from < to) out.push_back({from, to, kept.period});
    to = std::min(to, from);
  }
  return out;
}

std::string metric_query(std::size_t number, const std::string& id, const std::string& queue,
                         std::string_view metric, Duration period) {
  const std::string at = "&MetricDataQueries.member." + std::to_string(number) + ".";
  const std::string stat = at + "MetricStat.";
  return at + "Id=" + id + stat + "Metric.Namespace=AWS%2FSQS" + stat +
         "Metric.MetricName=" + std::string(metric) + stat + "Metric.Dimensions.member.1.Name=QueueName" +
         stat + "Metric.Dimensions.member.1.Value=" + percent_encode(queue) + stat +
         "Period=" + std::to_string(period / 1s) + stat + "Stat=Sum" + at + "ReturnData=true";
}

std::string whole_seconds_text(TimePoint at) {
  return percent_encode(utc_text(at).substr(0, 19) + "Z");
}

/// One page of GetMetricData.
Result<MetricData> get_metric_data(const CloudWatchImport& request, const std::string& body) {
  const std::string url = request.endpoint.empty()
                              ? "https://monitoring." + request.region + ".amazonaws.com/"
                              : request.endpoint;
  const auto signed_request = [&] {
    FetchRequest ask{.method = "POST",
                     .url = url,
                     .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                     .body = body};
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    sign(ask, request.credentials,
         {.region = request.region,
          .service = "monitoring",
          .time = TimePoint(std::chrono::duration_cast<Duration>(now))});
    return ask;
  };
  const Result<HttpResponse> answer = fetch_patiently(signed_request);
  if (!answer) return std::unexpected(answer.error());
  Result<MetricData> data = parse_metric_data(answer->body);
  if (!data && answer->status != 200)
    return error(ErrorCode::Invalid, status_text(url, *answer) + ": " + data.error().message);
  return data;
}

/// The points of one batch of queues in one stretch, by the queries' ids.
Result<std::map<std::string, std::vector<RemotePoint>>> get_all_pages(const CloudWatchImport& request,
                                                                      std::span<const std::string> queues,
                                                                      const Stretch& stretch) {
  std::string body = "Action=GetMetricData&Version=2010-08-01&ScanBy=TimestampAscending&StartTime=" +
                     whole_seconds_text(stretch.from) + "&EndTime=" + whole_seconds_text(stretch.to);
  for (std::size_t i = 0; i < queues.size(); ++i) {
    body += metric_query(2 * i + 1, "sent" + std::to_string(i), queues[i], "NumberOfMessagesSent",
                         stretch.period);
    body += metric_query(2 * i + 2, "size" + std::to_string(i), queues[i], "SentMessageSize", stretch.period);
  }
  std::map<std::string, std::vector<RemotePoint>> points;
  std::string token;
  for (std::size_t page = 0; page < kPagesMax; ++page) {
    Result<MetricData> data =
        get_metric_data(request, token.empty() ? body : body + "&NextToken=" + percent_encode(token));
    if (!data) return std::unexpected(data.error());
    for (MetricDataResult& result : data->results)
      std::ranges::move(result.points, std::back_inserter(points[result.id]));
    if (data->next_token.empty()) return points;
    token = std::move(data->next_token);
  }
  return error(ErrorCode::Invalid,
               "CloudWatch's answer does not end; ask for a shorter time with --from and --to");
}

ImportedSeries sqs_series(const std::string& queue, Duration period, const std::vector<RemotePoint>& sent,
                          const std::vector<RemotePoint>& sizes) {
  ImportedSeries series{.kind = SeriesKind::Queue, .name = queue, .step = period};
  std::map<TimePoint, double> bytes;
  for (const RemotePoint& point : sizes) bytes[point.at] = point.value;
  for (const RemotePoint& point : sent) {
    QueueMeasures measures;
    measures.arrivals = std::max(0.0, point.value);
    measures.runs = measures.service_seconds = kNotMeasured;
    measures.by_priority.fill(kNotMeasured);
    const auto size = bytes.find(point.at);
    measures.bytes = size != bytes.end() ? size->second : point.value > 0 ? kNotMeasured : 0;
    series.queue.push_back({rounded_down(point.at, period), period, std::move(measures)});
  }
  series.settle();
  return series;
}

}  // namespace

Result<std::vector<ImportedSeries>> fetch_cloudwatch(const CloudWatchImport& request,
                                                     const Progress01& progress) {
  std::vector<ImportedSeries> out;
  const std::vector<Stretch> stretches = stretches_of(request);
  const std::size_t batches = (request.queues.size() + kQueuesPerRequest - 1) / kQueuesPerRequest;
  std::size_t done = 0;
  for (const Stretch& stretch : stretches) {
    for (std::size_t begin = 0; begin < request.queues.size(); begin += kQueuesPerRequest) {
      const std::size_t count = std::min(kQueuesPerRequest, request.queues.size() - begin);
      const std::span<const std::string> queues(request.queues.data() + begin, count);
      auto points = get_all_pages(request, queues, stretch);
      if (!points) return std::unexpected(points.error());
      for (std::size_t i = 0; i < count; ++i) {
        const std::string number = std::to_string(i);
        ImportedSeries series =
            sqs_series(queues[i], stretch.period, (*points)["sent" + number], (*points)["size" + number]);
        if (!series.covered.empty()) out.push_back(std::move(series));
      }
      progress(static_cast<double>(++done) / static_cast<double>(stretches.size() * batches));
    }
  }
  return out;
}

}  // namespace forewarm
