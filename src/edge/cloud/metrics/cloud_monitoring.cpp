#include "edge/cloud/metrics/cloud_monitoring.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "edge/cloud/cloud_stamp.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr Duration kGoogleKept = 24h * 42;
constexpr Duration kGoogleQuestion = 24h * 7;
constexpr std::size_t kGooglePagesMax = 1'000;
constexpr double kGoogleCountMax = 9e15;

struct SubscriptionMetric {
  const char* type;
  const char* aligner;
  const char* reducer;
  MetricPeriods::Field field;
};
constexpr SubscriptionMetric kUndelivered = {"subscription/num_undelivered_messages", "ALIGN_MAX",
                                             "REDUCE_SUM", &MetricPeriod::waiting};
constexpr SubscriptionMetric kSent = {"topic/send_message_operation_count", "ALIGN_SUM", "REDUCE_SUM",
                                      &MetricPeriod::arrived};
constexpr SubscriptionMetric kAcknowledged = {"subscription/ack_message_count", "ALIGN_SUM", "REDUCE_SUM",
                                              &MetricPeriod::done};
constexpr SubscriptionMetric kOldest = {"subscription/oldest_unacked_message_age", "ALIGN_MAX", "REDUCE_MAX",
                                        &MetricPeriod::oldest_wait_seconds};

std::unexpected<Error> no_series(const std::string& what) {
  return error(ErrorCode::Corrupt, "Cloud Monitoring: expected " + what + " in the answer");
}

std::string filter_of(const SubscriptionMetric& metric, const MonitoredSubscription& of) {
  const bool of_topic = std::string_view(metric.type).starts_with("topic/");
  return "metric.type = \"pubsub.googleapis.com/" + std::string(metric.type) +
         "\" AND resource.type = \"pubsub_" + (of_topic ? "topic" : "subscription") +
         "\" AND resource.labels." +
         (of_topic ? "topic_id = \"" + of.topic : "subscription_id = \"" + of.subscription) + "\"";
}

class CloudMonitoring : public MetricSource {
 public:
  CloudMonitoring(ServiceAccess access, MonitoredSubscription subscription)
      : access_(std::move(access)), subscription_(std::move(subscription)) {}

  Result<std::vector<MetricPeriod>> read(const MetricRange& range, const std::stop_token& stop) override {
    MetricPeriods periods;
    for (TimePoint at = std::max(range.from, range.to - kGoogleKept); at < range.to; at += kGoogleQuestion) {
      MetricRange week = range;
      week.from = at;
      week.to = std::min(range.to, at + kGoogleQuestion);
      for (const MonitoringQuestion& question : monitoring_questions(subscription_, week))
        if (const Result<void> read = ask(question, range.tries, stop, periods); !read)
          return std::unexpected(read.error());
    }
    return periods.within(range);
  }

 private:
  Result<void> ask(const MonitoringQuestion& question, int tries, const std::stop_token& stop,
                   MetricPeriods& periods) const {
    std::string token;
    for (std::size_t page = 0; page < kGooglePagesMax; ++page) {
      FetchRequest request{.url = access_.url + question.path};
      if (!token.empty()) request.url += "&pageToken=" + percent_encode(token);
      const Result<std::string> answer = ask_service(access_, request, tries, stop);
      if (!answer) return std::unexpected(answer.error());
      Result<std::string> next = read_time_series(*answer, question.field, periods);
      if (!next) return std::unexpected(next.error());
      if (next->empty()) return {};
      token = std::move(*next);
    }
    return error(ErrorCode::Corrupt, "Cloud Monitoring: the answer does not end");
  }

  ServiceAccess access_;
  MonitoredSubscription subscription_;
};

/// 64-bit numbers are texts in Google's JSON.
std::optional<double> number_of(const json::value& value) {
  boost::system::error_code failed;
  double number = -1;
  if (const json::value* whole = value.find_pointer("/int64Value", failed); whole != nullptr) {
    if (!whole->is_string()) return std::nullopt;
    const std::string_view text(whole->get_string());
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  } else if (const json::value* real = value.find_pointer("/doubleValue", failed); real != nullptr) {
    number = real->to_number<double>(failed);
    if (failed) return std::nullopt;
  }
  return number >= 0 && number <= kGoogleCountMax ? std::optional(number) : std::nullopt;
}

Result<void> add_point(const json::value& point, MetricPeriods::Field field, MetricPeriods& periods) {
  boost::system::error_code failed;
  const json::value* end = point.find_pointer("/interval/endTime", failed);
  const std::optional<TimePoint> at = end != nullptr && end->is_string()
                                          ? parse_cloud_stamp(std::string_view(end->get_string()))
                                          : std::nullopt;
  const json::value* value = point.find_pointer("/value", failed);
  const std::optional<double> number = value != nullptr ? number_of(*value) : std::nullopt;
  if (!at || !number) return no_series("an endTime and a number from 0 on of each point");
  periods.put(*at - 1min, 1min, field, *number);
  return {};
}

}  // namespace

bool is_google_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.~+%:").find(c) != std::string_view::npos;
  });
}

std::vector<MonitoringQuestion> monitoring_questions(const MonitoredSubscription& subscription,
                                                     const MetricRange& range) {
  std::vector<SubscriptionMetric> metrics = {kUndelivered};
  if (!subscription.topic.empty()) metrics.push_back(kSent);
  if (subscription.topic.empty() || !range.arrivals_only) metrics.push_back(kAcknowledged);
  if (!range.arrivals_only) metrics.push_back(kOldest);
  std::vector<MonitoringQuestion> questions;
  questions.reserve(metrics.size());
  for (const SubscriptionMetric& metric : metrics)
    questions.push_back(
        {"/v3/projects/" + percent_encode(subscription.project) +
             "/timeSeries?filter=" + percent_encode(filter_of(metric, subscription)) +
             "&interval.startTime=" + percent_encode(cloud_stamp(range.from)) +
             "&interval.endTime=" + percent_encode(cloud_stamp(range.to)) +
             "&aggregation.alignmentPeriod=60s&aggregation.perSeriesAligner=" + metric.aligner +
             "&aggregation.crossSeriesReducer=" + metric.reducer + "&pageSize=20000",
         metric.field});
  return questions;
}

Result<std::string> read_time_series(std::string_view text, MetricPeriods::Field field,
                                     MetricPeriods& periods) {
  boost::system::error_code failed;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed || !document.is_object()) return no_series("a JSON object");
  const json::object& answer = document.get_object();
  if (const json::value* errors = answer.if_contains("executionErrors");
      errors != nullptr && errors->is_array() && !errors->get_array().empty())
    return error(ErrorCode::Exhausted, "Cloud Monitoring: the answer is incomplete");
  // Lists without an element are left out of Google's JSON.
  if (const json::value* all = answer.if_contains("timeSeries"); all != nullptr) {
    if (!all->is_array() || all->get_array().size() > 1) return no_series("one of timeSeries at most");
    for (const json::value& series : all->get_array()) {
      const json::value* points = series.find_pointer("/points", failed);
      if (points == nullptr || !points->is_array()) return no_series("points of each series");
      for (const json::value& point : points->get_array())
        if (const Result<void> added = add_point(point, field, periods); !added)
          return std::unexpected(added.error());
    }
  }
  const json::value* token = answer.if_contains("nextPageToken");
  return token != nullptr && token->is_string() ? std::string(token->get_string()) : std::string();
}

std::unique_ptr<MetricSource> make_cloud_monitoring_metrics(ServiceAccess access,
                                                            MonitoredSubscription subscription) {
  return std::make_unique<CloudMonitoring>(std::move(access), std::move(subscription));
}

}  // namespace forewarm
