#include "edge/cloud/metrics/azure_monitor.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "edge/cloud/cloud_stamp.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr Duration kAzureKept = 24h * 93;
constexpr Duration kAzureQuestion = 24h;
constexpr double kAzureCountMax = 9e15;

struct EntityMetric {
  std::string_view name;
  const char* aggregation;
  MetricPeriods::Field field;
  bool of_arrivals;
};
constexpr std::array<EntityMetric, 3> kEntityMetrics = {{
    {"ActiveMessages", "maximum", &MetricPeriod::waiting, true},
    {"IncomingMessages", "total", &MetricPeriod::arrived, true},
    {"CompleteMessage", "total", &MetricPeriod::done, false},
}};

std::unexpected<Error> no_metrics(const std::string& what) {
  return error(ErrorCode::Corrupt, "Azure Monitor: expected " + what + " in the answer");
}

/// In OData a quote in a text is two.
std::string odata_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + "'";
}

class AzureMonitor : public MetricSource {
 public:
  AzureMonitor(ServiceAccess access, AzureEntity entity)
      : access_(std::move(access)), entity_(std::move(entity)) {}

  Result<std::vector<MetricPeriod>> read(const MetricRange& range, const std::stop_token& stop) override {
    MetricPeriods periods;
    for (TimePoint at = std::max(range.from, range.to - kAzureKept); at < range.to; at += kAzureQuestion) {
      MetricRange day = range;
      day.from = at;
      day.to = std::min(range.to, at + kAzureQuestion);
      const Result<std::string> answer =
          ask_service(access_, {.url = access_.url + azure_metrics_path(entity_, day)}, range.tries, stop);
      if (!answer) return std::unexpected(answer.error());
      if (const Result<void> read = read_azure_metrics(*answer, periods); !read)
        return std::unexpected(read.error());
    }
    return periods.within(range);
  }

 private:
  ServiceAccess access_;
  AzureEntity entity_;
};

Result<void> add_minute(const json::value& minute, const EntityMetric& metric, MetricPeriods& periods) {
  if (!minute.is_object()) return no_metrics("data that are objects");
  const json::value* stamp = minute.get_object().if_contains("timeStamp");
  const std::optional<TimePoint> at = stamp != nullptr && stamp->is_string()
                                          ? parse_cloud_stamp(std::string_view(stamp->get_string()))
                                          : std::nullopt;
  if (!at) return no_metrics("a timeStamp of each datum");
  const json::value* value = minute.get_object().if_contains(metric.aggregation);
  if (value == nullptr || value->is_null()) return {};  // nothing is known of this minute
  boost::system::error_code failed;
  const double number = value->to_number<double>(failed);
  if (failed || !(number >= 0 && number <= kAzureCountMax)) return no_metrics("numbers from 0 on");
  periods.put(*at, 1min, metric.field, number);
  return {};
}

Result<void> add_metric(const json::object& answered, MetricPeriods& periods) {
  boost::system::error_code failed;
  const json::value whole(answered);
  const json::value* name = whole.find_pointer("/name/value", failed);
  if (name == nullptr || !name->is_string()) return no_metrics("a name of each metric");
  if (const json::value* code = whole.find_pointer("/errorCode", failed);
      code != nullptr && code->is_string() && *code != "Success")
    return error(ErrorCode::Exhausted, "Azure Monitor: '" + printable_start(name->get_string()) + "' is " +
                                           printable_start(code->get_string()));
  const auto metric =
      std::ranges::find(kEntityMetrics, std::string_view(name->get_string()), &EntityMetric::name);
  if (metric == kEntityMetrics.end()) return {};
  const json::value* series = whole.find_pointer("/timeseries", failed);
  if (series == nullptr || !series->is_array()) return no_metrics("timeseries of each metric");
  if (series->get_array().size() > 1) return no_metrics("no more than one series of a queue");
  for (const json::value& one : series->get_array()) {
    const json::value* data = one.find_pointer("/data", failed);
    if (data == nullptr || !data->is_array()) return no_metrics("data of each series");
    for (const json::value& minute : data->get_array())
      if (const Result<void> added = add_minute(minute, *metric, periods); !added) return added;
  }
  return {};
}

}  // namespace

bool is_service_bus_namespace(std::string_view resource) {
  constexpr std::array<std::string_view, 9> kParts = {
      "", "subscriptions", "", "resourceGroups", "", "providers", "Microsoft.ServiceBus", "namespaces", ""};
  for (std::size_t i = 0; i < kParts.size(); ++i) {
    const std::string_view part = resource.substr(0, resource.find('/'));
    const bool named = kParts[i].empty() && i > 0;
    if (named ? part.empty() || part.find_first_of("?#% ") != std::string_view::npos : part != kParts[i])
      return false;
    resource.remove_prefix(std::min(resource.size(), part.size() + 1));
  }
  return resource.empty();
}

std::string azure_metrics_path(const AzureEntity& entity, const MetricRange& range) {
  std::string names;
  for (const EntityMetric& metric : kEntityMetrics)
    if (metric.of_arrivals || !range.arrivals_only)
      names += (names.empty() ? "" : ",") + std::string(metric.name);
  return entity.resource +
         "/providers/Microsoft.Insights/metrics?api-version=2024-02-01&metricnames=" + percent_encode(names) +
         "&timespan=" + percent_encode(cloud_stamp(range.from) + "/" + cloud_stamp(range.to)) +
         "&interval=PT1M&aggregation=" + percent_encode("Total,Maximum") +
         "&%24filter=" + percent_encode("EntityName eq " + odata_text(entity.entity));
}

Result<void> read_azure_metrics(std::string_view text, MetricPeriods& periods) {
  boost::system::error_code failed;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed || !document.is_object()) return no_metrics("a JSON object");
  const json::value* metrics = document.get_object().if_contains("value");
  if (metrics == nullptr || !metrics->is_array()) return no_metrics("a list 'value'");
  for (const json::value& each : metrics->get_array()) {
    if (!each.is_object()) return no_metrics("metrics that are objects");
    if (const Result<void> added = add_metric(each.get_object(), periods); !added) return added;
  }
  return {};
}

std::unique_ptr<MetricSource> make_azure_metrics(ServiceAccess access, AzureEntity entity) {
  return std::make_unique<AzureMonitor>(std::move(access), std::move(entity));
}

}  // namespace forewarm
