#include "app/control_metrics_config.h"

#include <algorithm>
#include <array>
#include <utility>

#include "edge/cloud/credentials/aws_credentials.h"
#include "edge/cloud/credentials/azure_credentials.h"
#include "edge/cloud/credentials/google_credentials.h"
#include "edge/cloud/metrics/azure_monitor.h"
#include "edge/cloud/metrics/cloud_monitoring.h"
#include "edge/cloud/metrics/cloudwatch.h"

namespace forewarm {
namespace {

constexpr std::array<CloudMetrics, 3> kCloudMetrics = {{
    {"cloudwatch", "CloudWatch", 5min, 30s},
    {"azure-monitor", "Azure Monitor", 5min, 30s},
    {"cloud-monitoring", "Cloud Monitoring", 6min, 30s},
}};

std::string_view without_slashes(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

ServiceAccess access_of(const ControlMetrics& metrics, const std::string& own_url) {
  return {.url = std::string(without_slashes(metrics.url.empty() ? own_url : metrics.url)),
          .timeout = std::chrono::duration_cast<std::chrono::milliseconds>(metrics.timeout),
          .ca_file = metrics.ca_file};
}

const std::string& named_or(const std::string& name, const std::string& queue) {
  return name.empty() ? queue : name;
}

/// With the tokens of a source that can be told that one is refused.
template <class Source>
void let_in(ServiceAccess& access, const std::shared_ptr<Source>& source) {
  access.authorise = bearer_token_of([source] { return source->get(); });
  access.renew = [source] { source->renew(); };
}

Result<std::unique_ptr<MetricSource>> make_azure(const ControlMetrics& metrics, const std::string& queue) {
  const std::string own = "https://management.azure.com";
  ServiceAccess access = access_of(metrics, own);
  let_in(access, make_azure_credentials(own));
  return make_azure_metrics(std::move(access),
                            {.resource = metrics.resource, .entity = named_or(metrics.entity, queue)});
}

Result<std::unique_ptr<MetricSource>> make_google(const ControlMetrics& metrics, const std::string& queue) {
  ServiceAccess access = access_of(metrics, "https://monitoring.googleapis.com");
  let_in(access, make_google_credentials());
  return make_cloud_monitoring_metrics(std::move(access),
                                       {.project = metrics.project,
                                        .subscription = named_or(metrics.subscription, queue),
                                        .topic = metrics.topic});
}

Result<std::unique_ptr<MetricSource>> make_cloudwatch(const ControlMetrics& metrics,
                                                      const std::string& queue) {
  const std::string region = metrics.region.empty() ? find_aws_region() : metrics.region;
  if (region.empty())
    return error(ErrorCode::Invalid,
                 "needs metrics.region = \"eu-west-1\", or AWS_REGION in the environment");
  const std::string domain = region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
  ServiceAccess access = access_of(metrics, "https://monitoring." + region + domain);
  const std::shared_ptr<AwsCredentialSource> keys = make_aws_credentials();
  access.authorise = aws_signed([keys] { return keys->get(); }, region, "monitoring");
  access.renew = [keys] { keys->renew(); };
  return make_cloudwatch_metrics(std::move(access), named_or(metrics.queue_name, queue));
}

}  // namespace

void describe(FieldVisitor& v, ControlMetrics& m) {
  v.begin_table({"metrics", "where the queue's numbers come from"});
  v.text({"kind",
          "prometheus; source: a queue of another engine that is asked itself; cloudwatch: an SQS queue's; "
          "azure-monitor: a Service Bus queue's; cloud-monitoring: a Pub/Sub subscription's"},
         m.kind);
  v.text({"url",
          "of the Prometheus server; source: of the queue, as a [[source]] has it; a cloud's: of the API, if "
          "it is not its own"},
         m.url);
  v.text({"bearer_token_file", "prometheus: file with a token, read at each reading"}, m.bearer_token_file);
  v.text({"ca_file", "PEM file of who is trusted; empty: the system's"}, m.ca_file);
  v.duration({"timeout", "longest time one answer may take"}, m.timeout, {10ms, 1min});
  v.text({"waiting", "PromQL: messages that could start"}, m.waiting);
  v.text({"in_flight", "PromQL: messages with consumers"}, m.in_flight);
  v.text({"arrived_total", "PromQL: a counter of messages that came; may begin anew"}, m.arrived_total);
  v.text({"done_total", "PromQL: a counter of messages that are done; may begin anew"}, m.done_total);
  v.text({"oldest_wait", "PromQL: seconds that the oldest message has waited"}, m.oldest_wait);
  v.text({"instances_ready", "PromQL: instances that can work now"}, m.instances_ready);
  v.duration({"backfill", "how far back arrivals are asked for at the start; 0s: not at all"}, m.backfill,
             {Duration(0), 24h * 90});
  v.text({"queue_name", "cloudwatch: name of the SQS queue; empty: as it is called here"}, m.queue_name);
  v.text({"region", "cloudwatch: AWS region; empty: that of the environment or the profile"}, m.region);
  v.text({"resource",
          "azure-monitor: the namespace, /subscriptions/S/resourceGroups/G/providers/Microsoft.ServiceBus/"
          "namespaces/N"},
         m.resource);
  v.text({"entity", "azure-monitor: name of the queue; empty: as it is called here"}, m.entity);
  v.text({"project", "cloud-monitoring: Google Cloud project of the subscription"}, m.project);
  v.text({"subscription", "cloud-monitoring: its name; empty: as it is called here"}, m.subscription);
  v.text({"topic",
          "cloud-monitoring: name of its topic in the same project, whose messages arrive; empty: what must "
          "have come for the subscription to hold as many as it does"},
         m.topic);
  v.duration({"lag",
              "a cloud's: how late its metrics may come, and silent_after begins then; 0s: as known of the "
              "kind (control.md)"},
             m.lag, {Duration(0), 24h});
  v.duration({"every", "a cloud's: time between two questions; 0s: as known of the kind"}, m.every,
             {Duration(0), 10min});
  v.text({"password_file", "source: file with the password"}, m.password_file);
  v.map({"options", "source: of the engine's own"}, m.options);
  v.end_table();
}

std::vector<std::string_view> metric_kinds() {
  std::vector<std::string_view> kinds = {"prometheus", "source"};
  for (const CloudMetrics& cloud : kCloudMetrics) kinds.emplace_back(cloud.kind);
  return kinds;
}

std::string check_metrics(const ControlMetrics& metrics) {
  const bool web_url = metrics.url.starts_with("http://") || metrics.url.starts_with("https://");
  if (metrics.kind == "source")
    return metrics.url.find("://") == std::string::npos
               ? "needs metrics.url, for example \"amqp://watcher@127.0.0.1:5672/%2f/orders\""
               : "";
  if (cloud_metrics_of(metrics)) {
    if (!metrics.url.empty() && !web_url)
      return "metrics.url: expected one that begins with http:// or https://, found '" + metrics.url + "'";
    if (!metrics.waiting.empty() || !metrics.arrived_total.empty())
      return "has PromQL in metrics, which metrics.kind = \"" + metrics.kind + "\" does not read";
    if (metrics.kind == "azure-monitor" && !is_service_bus_namespace(metrics.resource))
      return "metrics.resource: expected "
             "/subscriptions/S/resourceGroups/G/providers/Microsoft.ServiceBus/namespaces/N, found '" +
             metrics.resource + "'";
    if (metrics.kind == "cloud-monitoring" && !is_google_name(metrics.project))
      return "needs metrics.project = \"PROJECT_ID\", the subscription's Google Cloud project";
    for (const auto& [key, name] :
         {std::pair("subscription", metrics.subscription), {"topic", metrics.topic}})
      if (!name.empty() && !is_google_name(name))
        return std::string("metrics.") + key + ": expected a name without a path, found '" + name + "'";
    return "";
  }
  if (!web_url) return "needs metrics.url = \"http://HOST:9090\", the Prometheus server's";
  if (metrics.waiting.empty())
    return "needs metrics.waiting, a PromQL query, for example "
           "\"sum(rabbitmq_queue_messages_ready{queue='orders'})\"";
  if (metrics.arrived_total.empty() && metrics.done_total.empty())
    return "needs metrics.arrived_total or metrics.done_total: without a counter nobody knows how many "
           "messages come";
  return "";
}

std::optional<CloudMetrics> cloud_metrics_of(const ControlMetrics& metrics) {
  const auto known = std::ranges::find(kCloudMetrics, metrics.kind, &CloudMetrics::kind);
  if (known == kCloudMetrics.end()) return std::nullopt;
  CloudMetrics cloud = *known;
  if (metrics.lag > Duration(0)) cloud.lag = metrics.lag;
  if (metrics.every > Duration(0)) cloud.every = metrics.every;
  return cloud;
}

Duration lag_of(const ControlMetrics& metrics) {
  const std::optional<CloudMetrics> cloud = cloud_metrics_of(metrics);
  return cloud ? cloud->lag : Duration(0);
}

Result<std::unique_ptr<MetricSource>> make_metric_source(const ControlMetrics& metrics,
                                                         const std::string& queue) {
  if (metrics.kind == "azure-monitor") return make_azure(metrics, queue);
  if (metrics.kind == "cloud-monitoring") return make_google(metrics, queue);
  return make_cloudwatch(metrics, queue);
}

SettledPeriods settled_of(const ControlMetrics& metrics, bool hold) {
  return {.settle = lag_of(metrics) * 2 / 3,
          .count = metrics.kind == "cloud-monitoring" && metrics.topic.empty() ? &MetricPeriod::done
                                                                               : &MetricPeriod::arrived,
          .hold = hold};
}

}  // namespace forewarm
