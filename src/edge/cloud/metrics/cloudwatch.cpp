#include "edge/cloud/metrics/cloudwatch.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::int64_t kPeriodsPerQuestion = 20'000;  // five values each: as many as one answer may have
constexpr std::size_t kCloudWatchPagesMax = 1'000;
constexpr double kStampMax = 4e9;  ///< seconds
constexpr double kValueMax = 9e15;

struct QueueMetric {
  const char* id;
  const char* name;
  const char* stat;
  MetricPeriods::Field field;
  bool of_arrivals;
};
constexpr std::array<QueueMetric, 5> kQueueMetrics = {{
    {"waiting", "ApproximateNumberOfMessagesVisible", "Maximum", &MetricPeriod::waiting, true},
    {"arrived", "NumberOfMessagesSent", "Sum", &MetricPeriod::arrived, true},
    {"done", "NumberOfMessagesDeleted", "Sum", &MetricPeriod::done, false},
    {"in_flight", "ApproximateNumberOfMessagesNotVisible", "Maximum", &MetricPeriod::in_flight, false},
    {"oldest_wait", "ApproximateAgeOfOldestMessage", "Maximum", &MetricPeriod::oldest_wait_seconds, false},
}};

struct KeptPeriod {
  Duration period;
  Duration reach;  ///< a day less than it is kept, so that nothing falls between
};
constexpr std::array<KeptPeriod, 3> kKeptPeriods = {{{1min, 24h * 14}, {5min, 24h * 62}, {1h, 24h * 454}}};

std::unexpected<Error> no_answer(const std::string& what) {
  return error(ErrorCode::Corrupt, "GetMetricData: expected " + what + " in the answer");
}

TimePoint multiple_of(Duration period, TimePoint at) {
  return at - at.time_since_epoch() % period;
}

/// In flight is written only where something is, and the oldest's age only where something waits (the
/// developer guide's "Reporting behavior").
void fill_what_is_not_written(MetricPeriod& period) {
  if (!period.waiting) return;
  if (!period.in_flight) period.in_flight = 0;
  if (!period.oldest_wait_seconds && *period.waiting == 0) period.oldest_wait_seconds = 0;
}

class CloudWatch : public MetricSource {
 public:
  CloudWatch(ServiceAccess access, std::string queue)
      : access_(std::move(access)), queue_(std::move(queue)) {}

  Result<std::vector<MetricPeriod>> read(const MetricRange& range, const std::stop_token& stop) override {
    MetricPeriods periods;
    for (const CloudWatchQuestion& question : cloudwatch_questions(queue_, range))
      if (const Result<void> read = ask(question, range.tries, stop, periods); !read)
        return std::unexpected(read.error());
    std::vector<MetricPeriod> all = periods.all();
    if (!range.arrivals_only) std::ranges::for_each(all, fill_what_is_not_written);
    return all;
  }

 private:
  Result<void> ask(CloudWatchQuestion question, int tries, const std::stop_token& stop,
                   MetricPeriods& periods) const {
    for (std::size_t page = 0; page < kCloudWatchPagesMax; ++page) {
      const Result<std::string> answer =
          ask_service(access_,
                      {.method = "POST",
                       .url = access_.url + "/",
                       .headers = {{"Content-Type", "application/x-amz-json-1.0"},
                                   {"X-Amz-Target", "GraniteServiceVersion20100801.GetMetricData"}},
                       .body = get_metric_data_json(question)},
                      tries, stop);
      if (!answer) return std::unexpected(answer.error());
      Result<CloudWatchPage> read = parse_cloudwatch_page(*answer);
      if (!read) return std::unexpected(read.error());
      for (const CloudWatchPage::Value& value : read->values) {
        const auto metric = std::ranges::find(kQueueMetrics, value.id, &QueueMetric::id);
        const bool asked = value.at >= question.from && value.at < question.to;
        if (metric != kQueueMetrics.end() && asked)
          periods.put(value.at, question.period, metric->field, value.value);
      }
      if (read->next_token.empty()) return {};
      question.next_token = std::move(read->next_token);
    }
    return error(ErrorCode::Corrupt, "GetMetricData: the answer does not end");
  }

  ServiceAccess access_;
  std::string queue_;
};

Result<void> add_result(const json::object& result, std::vector<CloudWatchPage::Value>& values) {
  const json::value* id = result.if_contains("Id");
  const json::value* stamps = result.if_contains("Timestamps");
  const json::value* numbers = result.if_contains("Values");
  if (id == nullptr || !id->is_string()) return no_answer("an Id of each result");
  if (const json::value* status = result.if_contains("StatusCode");
      status != nullptr && status->is_string()) {
    if (*status == "Forbidden" || *status == "InternalError")
      return error(ErrorCode::Exhausted, "GetMetricData: '" + printable_start(id->get_string()) + "' is " +
                                             printable_start(status->get_string()));
  }
  if (stamps == nullptr && numbers == nullptr) return {};
  if (stamps == nullptr || numbers == nullptr || !stamps->is_array() || !numbers->is_array() ||
      stamps->get_array().size() != numbers->get_array().size())
    return no_answer("as many Timestamps as Values");
  for (std::size_t i = 0; i < stamps->get_array().size(); ++i) {
    boost::system::error_code no_stamp, no_number;
    const double at = stamps->get_array()[i].to_number<double>(no_stamp);
    const double value = numbers->get_array()[i].to_number<double>(no_number);
    if (no_stamp || no_number || !(at >= 0 && at <= kStampMax) || !(value >= 0 && value <= kValueMax))
      return no_answer("seconds since 1970 and numbers from 0 on");
    values.push_back({std::string(id->get_string()), TimePoint(Duration(1s) * std::llround(at)), value});
  }
  return {};
}

}  // namespace

std::vector<CloudWatchQuestion> cloudwatch_questions(const std::string& queue, const MetricRange& range) {
  std::vector<CloudWatchQuestion> questions;
  TimePoint until = range.to;
  for (const KeptPeriod& kept : kKeptPeriods) {
    if (until <= range.from) break;
    // Borders at whole hours fit all periods.
    const TimePoint from =
        std::max(multiple_of(kept.period, range.from), multiple_of(1h, range.to - kept.reach));
    for (TimePoint at = from; at < until; at += kept.period * kPeriodsPerQuestion) {
      questions.push_back({.queue = queue,
                           .from = at,
                           .to = std::min(until, at + kept.period * kPeriodsPerQuestion),
                           .period = kept.period,
                           .arrivals_only = range.arrivals_only});
    }
    until = std::min(until, from);
  }
  return questions;
}

std::string get_metric_data_json(const CloudWatchQuestion& question) {
  json::array queries;
  for (const QueueMetric& metric : kQueueMetrics) {
    if (question.arrivals_only && !metric.of_arrivals) continue;
    queries.push_back(json::object{
        {"Id", metric.id},
        {"MetricStat",
         json::object{
             {"Metric", json::object{{"Namespace", "AWS/SQS"},
                                     {"MetricName", metric.name},
                                     {"Dimensions", json::array{json::object{{"Name", "QueueName"},
                                                                             {"Value", question.queue}}}}}},
             {"Period", question.period / 1s},
             {"Stat", metric.stat}}},
        {"ReturnData", true}});
  }
  json::object body{{"MetricDataQueries", std::move(queries)},
                    {"StartTime", question.from.time_since_epoch() / 1s},
                    {"EndTime", question.to.time_since_epoch() / 1s},
                    {"ScanBy", "TimestampAscending"}};
  if (!question.next_token.empty()) body["NextToken"] = question.next_token;
  return json::serialize(body);
}

Result<CloudWatchPage> parse_cloudwatch_page(std::string_view text) {
  boost::system::error_code failed;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed || !document.is_object()) return no_answer("a JSON object");
  const json::value* results = document.get_object().if_contains("MetricDataResults");
  if (results == nullptr || !results->is_array()) return no_answer("MetricDataResults");
  CloudWatchPage page;
  for (const json::value& result : results->get_array()) {
    if (!result.is_object()) return no_answer("results that are objects");
    if (const Result<void> added = add_result(result.get_object(), page.values); !added)
      return std::unexpected(added.error());
  }
  const json::value* token = document.get_object().if_contains("NextToken");
  if (token != nullptr && token->is_string()) page.next_token = token->get_string();
  return page;
}

std::unique_ptr<MetricSource> make_cloudwatch_metrics(ServiceAccess access, std::string queue) {
  return std::make_unique<CloudWatch>(std::move(access), std::move(queue));
}

}  // namespace forewarm
