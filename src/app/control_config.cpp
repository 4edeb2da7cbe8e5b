#include "app/control_config.h"

#include <algorithm>

#include "app/notify_config.h"
#include "app/target_clash.h"
#include "app/target_models.h"
#include "app/toml_tables.h"
#include "edge/cloud/targets/application_auto_scaling.h"
#include "edge/cloud/targets/azure_scale.h"
#include "edge/cloud/targets/service_scale.h"
#include "edge/files/whole_file.h"
#include "edge/net/egress.h"
#include "edge/net/http.h"
#include "edge/observe/log.h"
#include "edge/postgres/connection.h"

namespace forewarm {
namespace {

constexpr Bounds<Duration> kTargetDuration{Duration(0), 24h};

void describe_actuator(FieldVisitor& v, ControlTarget& t) {
  v.duration({"lead", "from asking for an instance to its being ready; 0s: as known of the kind"}, t.lead,
             kTargetDuration);
  v.duration({"change_every", "no two changes within this; 0s: as known of the kind"}, t.change_every,
             kTargetDuration);
  v.duration({"minimum_billing", "an instance costs at least so long; 0s: as known of the kind"},
             t.minimum_billing, kTargetDuration);
  v.number({"granularity", "instances come in multiples of it; 0: one by one"}, t.granularity, {0, 10'000});
  v.number({"change_max", "instances that one change may add; 0: as known of the kind"}, t.change_max,
           {0, 10'000});
  v.real({"dead_band", "changes by this share of the instances are ignored there; 0: as known of the kind"},
         t.dead_band, {0, 1});
}

void describe_target(FieldVisitor& v, ControlTarget& t) {
  v.begin_table({"target", "what is told how many instances to have"});
  v.text({"kind",
          "keda, kubernetes, provisioned-concurrency, reserved-concurrency, event-source-mapping, "
          "provisioned-pollers, application-auto-scaling, cloud-run, azure-premium, azure-flex, webhook or "
          "command"},
         t.kind);
  v.text({"url",
          "kubernetes: of the API server (empty: the pod's own cluster); webhook: gets each number; keda: "
          "where KEDA reaches the admin port, or keda.listen (HOST:PORT); of AWS, cloud-run, azure-*: "
          "of the API, if it is not the provider's own"},
         t.url);
  v.text({"via",
          "keda: http (metrics-api, which asks now and then) or grpc (external-push, which also hears at "
          "once when the first instance is wanted, and when none is)"},
         t.via);
  v.text({"read_url", "webhook: answers {\"instances\": N}; empty: it cannot be asked"}, t.read_url);
  v.text({"token_file",
          "kubernetes, webhook: file with a bearer token, read at each request (kubernetes, empty: the "
          "pod's service account)"},
         t.token_file);
  v.text({"ca_file", "PEM file of who is trusted (kubernetes, empty: the pod's service account)"}, t.ca_file);
  v.duration({"timeout", "longest time one request or command may take"}, t.timeout, {10ms, 5min});
  v.text({"namespace", "kubernetes, keda: of the workload (empty: the pod's own, or default)"}, t.space);
  v.text({"workload", "kubernetes, keda: deployment or statefulset"}, t.workload);
  v.text({"name",
          "kubernetes, keda: of the workload; cloud-run: projects/P/locations/L/services/S; azure-premium, "
          "azure-flex: the "
          "app's resource id, /subscriptions/S/resourceGroups/G/providers/Microsoft.Web/sites/A; "
          "application-auto-scaling: ResourceId, such as function:NAME:ALIAS or service/CLUSTER/NAME"},
         t.name);
  v.text({"function", "provisioned-concurrency, reserved-concurrency: name of the function"}, t.function);
  v.text({"qualifier", "provisioned-concurrency: alias or version"}, t.qualifier);
  v.text({"uuid", "event-source-mapping, provisioned-pollers: of the mapping"}, t.uuid);
  v.text({"region", "Lambda, application-auto-scaling: AWS region"}, t.region);
  v.text({"dimension",
          "application-auto-scaling: ScalableDimension, such as lambda:function:ProvisionedConcurrency or "
          "ecs:service:DesiredCount"},
         t.dimension);
  v.flag({"raise_maximum",
          "application-auto-scaling: MaxCapacity is raised to what is wanted, up to scaling.instances_max; "
          "false: it stays, and is the most that is told"},
         t.raise_maximum);
  v.text({"group", "azure-flex: of functions that scale together: http, blob, durable or function:NAME"},
         t.group);
  v.number({"always_ready_max",
            "azure-premium: so many instances are always ready, those beyond are pre-warmed; 0: all are "
            "always ready, and what is pre-warmed stays as it is"},
           t.always_ready_max, {0, 100});
  v.number({"actions_max",
            "application-auto-scaling: scheduled actions at a time, at most; AWS takes 200 of a scalable "
            "target, whoever put them"},
           t.actions_max, {1, 100});
  v.list({"command", "command: program and arguments; gets FOREWARM_QUEUE and FOREWARM_INSTANCES"},
         t.command);
  v.list({"read_command", "command: prints the number of instances; empty: it cannot be asked"},
         t.read_command);
  describe_actuator(v, t);
  v.end_table();
}

Result<void> check_history(const ControlFile& config) {
  if (!config.history.empty()) return check_postgres_url(config.history);
  if (config.history_password_file.empty()) return {};
  return error(ErrorCode::Invalid, "is needed where history_password_file is");
}

std::string one_of(std::string_view key, const std::string& value,
                   const std::vector<std::string_view>& allowed) {
  if (std::ranges::find(allowed, value) != allowed.end()) return "";
  std::string text = std::string(key) + ": expected one of";
  for (const std::string_view each : allowed) text += " " + std::string(each);
  const std::string_view meant = nearest_name(value, allowed);
  return text + ", found '" + value + "'" +
         (meant.empty() ? "" : ". Did you mean " + std::string(meant) + "?");
}

bool is_web_url(const std::string& url) {
  return url.starts_with("http://") || url.starts_with("https://");
}

std::string check_target(const ControlTarget& target) {
  std::vector<std::string_view> kinds;
  for (const TargetModel& model : target_models())
    if (model.controlled) kinds.push_back(model.kind);
  if (std::string wrong = one_of("target.kind", target.kind, kinds); !wrong.empty()) return wrong;
  if (std::string wrong = one_of("target.workload", target.workload, {"deployment", "statefulset"});
      !wrong.empty())
    return wrong;
  const bool pods = target.kind == "kubernetes" || target.kind == "keda";
  if (pods && target.name.empty()) return "needs target.name, the name of the " + target.workload;
  if (target.kind == "webhook" && !is_web_url(target.url)) return "needs target.url = \"https://...\"";
  if (target.kind == "command" && target.command.empty())
    return "needs target.command, for example command = [\"./scale\", \"orders\"]";
  if (target.kind == "cloud-run" && !is_cloud_run_service(target.name))
    return "target.name: expected projects/P/locations/L/services/S, found '" + target.name + "'";
  const bool azure = target.kind == "azure-premium" || target.kind == "azure-flex";
  if (azure && !is_azure_app(target.name))
    return "target.name: expected /subscriptions/S/resourceGroups/G/providers/Microsoft.Web/sites/A, found "
           "'" +
           target.name + "'";
  if (target.kind == "azure-flex" && !is_flex_group(target.group))
    return "target.group: expected http, blob, durable or function:NAME, found '" + target.group + "'";
  const bool lambda = target.kind == "provisioned-concurrency" || target.kind == "event-source-mapping" ||
                      target.kind == "reserved-concurrency" || target.kind == "provisioned-pollers";
  const bool scalable = target.kind == "application-auto-scaling";
  if ((lambda || scalable) && target.region.empty()) return "needs target.region = \"eu-west-1\"";
  if (scalable && target.name.empty())
    return "needs target.name, the ResourceId, for example name = \"function:resize:live\"";
  if (scalable && !is_scalable_dimension(target.dimension))
    return "target.dimension: expected a ScalableDimension such as lambda:function:ProvisionedConcurrency, "
           "found '" +
           target.dimension + "'";
  const bool of_mapping = target.kind == "event-source-mapping" || target.kind == "provisioned-pollers";
  if (of_mapping && target.uuid.empty()) return "needs target.uuid";
  if (target.kind == "reserved-concurrency" && target.function.empty()) return "needs target.function";
  if (target.kind == "provisioned-concurrency" && (target.function.empty() || target.qualifier.empty()))
    return "needs target.function and target.qualifier, an alias or a version: AWS refuses $LATEST";
  if (std::string wrong = one_of("target.via", target.via, {"http", "grpc"}); !wrong.empty()) return wrong;
  if (target.kind == "keda" && target.via == "grpc") {
    const bool address = target.url.empty() || (!is_web_url(target.url) && parse_endpoint(target.url));
    return address ? ""
                   : "target.url: expected HOST:PORT, since target.via is grpc, found '" + target.url + "'";
  }
  if (!target.url.empty() && !is_web_url(target.url))
    return "target.url: expected one that begins with http:// or https://, found '" + target.url + "'";
  return "";
}

bool is_queue_name(std::string_view text) {
  return !text.empty() && text.size() <= 80 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::string check_control(const std::vector<ControlConfig>& earlier, const ControlConfig& control) {
  if (!is_queue_name(control.queue)) return "needs queue = \"NAME\" of letters, digits, -, _ and .";
  const std::string whose = "'" + control.queue + "' ";
  if (std::ranges::find(earlier, control.queue, &ControlConfig::queue) != earlier.end())
    return whose + "is defined twice";
  if (control.scaling.instances_min > control.scaling.instances_max)
    return whose + "has a scaling.instances_min above its scaling.instances_max";
  if (std::string wrong = one_of("metrics.kind", control.metrics.kind, metric_kinds()); !wrong.empty())
    return whose + wrong;
  for (const std::string& wrong : {check_metrics(control.metrics), check_target(control.target)})
    if (!wrong.empty()) return whose + wrong;
  return "";
}

/// `place_of`: of the [[control]] with a number.
template <class PlaceOf>
std::string check_alone(const std::vector<ControlConfig>& earlier, const ControlConfig& control,
                        PlaceOf place_of) {
  const auto same = std::ranges::find_if(
      earlier, [&](const ControlConfig& each) { return is_same_target(each.target, control.target); });
  if (same == earlier.end()) return "";
  return "'" + control.queue + "' has the target of '" + same->queue + "' (" +
         place_of(same - earlier.begin()) +
         "): each would undo what the other sets. Give one [[control]] metrics of both queues, for example "
         "metrics.waiting = \"sum(waiting{queue=~'a|b'})\", or each a target of its own";
}

/// What one asks of the rest of the file.
std::string check_within(const ControlFile& file, const ControlConfig& control) {
  if (control.target.kind == "keda" && control.target.via == "grpc" && file.keda.listen.empty())
    return " has target.via = \"grpc\", which needs a table [keda] with listen = \"HOST:PORT\"";
  const Duration reach = file.forecast.step * static_cast<Duration::rep>(file.forecast.horizon);
  if (const auto cloud = cloud_metrics_of(control.metrics); cloud && cloud->lag >= reach)
    return ": the forecast ends before its metrics are there; forecast.step times forecast.horizon has to "
           "reach well beyond metrics.lag, for example with step = \"1m\"";
  return "";
}

}  // namespace

void describe(FieldVisitor& v, ControlFile& c) {
  v.text({"data", "folder of history, decisions and the state that was found; made if missing"}, c.data);
  v.text({"history",
          "empty: history and the state that was found are in the data folder; "
          "postgresql://USER@HOST:5432/DATABASE: they are there, and all copies share them"},
         c.history);
  v.text({"history_password_file", "file with the password, read for each session"}, c.history_password_file);
  v.text({"admin", "host:port of health, metrics and plan"}, c.admin);
  v.text({"log_level", "debug, info, warning or error"}, c.log_level);
  v.duration({"every", "time between two readings of a queue"}, c.every, {100ms, 10min});
  v.list({"egress",
          "where the program itself may connect to, beside this machine: HOST, *.DOMAIN, ADDRESS or "
          "ADDRESS/BITS, each with or without :PORT; empty: anywhere"},
         c.egress);
  v.begin_table({"forecast", "how demand is forecast"});
  v.duration({"step", "width of an interval of history, forecast and plan"}, c.forecast.step, {1s, 1h});
  v.integer({"horizon", "steps that are forecast"}, c.forecast.horizon, {1, 200});
  v.integer({"history", "steps that a fit gets, at most"}, c.forecast.history, {16, 60'000});
  v.integer({"refit_every", "steps between two fits"}, c.forecast.refit_every, {1, 10'000});
  v.end_table();
  v.begin_table({"leader", "which of several copies acts (control.md)"});
  describe(v, c.leader);
  v.end_table();
  v.begin_table({"keda", "where KEDA asks by gRPC (control.md)"});
  describe(v, c.keda);
  v.end_table();
  describe(v, c.alerts);
}

void describe(FieldVisitor& v, ControlConfig& c) {
  v.text({"queue", "what it is called here"}, c.queue);
  v.duration({"service_time", "how long a message takes; 0s: found out from in_flight and what is done"},
             c.service_time, {Duration(0), 24h});
  v.duration({"silent_after", "without a reading for so long nothing is taken for known"}, c.silent_after,
             {1s, 24h});
  v.duration({"scale_down_delay",
              "fewer instances are set only after so long of wanting fewer: the most "
              "that was wanted in it"},
             c.scale_down_delay, {Duration(0), 24h});
  describe(v, c.metrics);
  v.begin_table({"scaling", "how many instances there are"});
  describe(v, c.scaling);
  v.end_table();
  describe_target(v, c.target);
}

Result<ControlFile> read_control_config(std::string_view text, std::string_view file) {
  const Result<toml::table> root = parse_toml(text, file);
  if (!root) return std::unexpected(root.error());
  ControlFile config;
  TomlReader reader(*root, file);
  for (const std::string_view key : {"control", "notify", "admin_token"}) reader.known_elsewhere(key);
  describe(reader, config);
  if (const Result<void> read = reader.finish(); !read) return std::unexpected(read.error());
  const auto wrong = [&](std::string_view key, const Error& why) {
    return error(ErrorCode::Invalid, std::string(file) + ": " + std::string(key) + ": " + why.message);
  };
  if (const auto level = parse_log_level(config.log_level); !level) return wrong("log_level", level.error());
  if (const auto admin = parse_endpoint(config.admin); !admin) return wrong("admin", admin.error());
  if (const auto egress = EgressRules::parse(config.egress); !egress) return wrong("egress", egress.error());
  if (const auto history = check_history(config); !history) return wrong("history", history.error());
  if (const auto leader = check_leader(config.leader); !leader) return wrong("leader", leader.error());
  if (const auto keda = check_keda(config.keda); !keda) return wrong("keda", keda.error());
  if (const auto alerts = check_alerts(config.alerts); !alerts) return wrong("alerts", alerts.error());
  Result<void> read =
      read_table_array(*root, "control", file, config.controls, [&](const ControlConfig& control) {
        const std::string unfit = check_control(config.controls, control);
        const auto place_of = [&](std::ptrdiff_t at) {
          const auto index = static_cast<std::size_t>(at);
          return toml_place(file, root->get("control")->as_array()->get(index)->source());
        };
        return unfit.empty() ? check_alone(config.controls, control, place_of) : unfit;
      });
  if (read) {
    read = read_table_array(*root, "notify", file, config.notify,
                            [&](const NotifyConfig& one) { return check_notify(config.notify, one); });
  }
  if (read) {
    read = read_table_array(*root, "admin_token", file, config.admin_tokens,
                            [](const AdminTokenConfig& token) -> std::string {
                              if (token.name.empty() || token.token_file.empty())
                                return "needs name = \"NAME\" and token_file = \"PATH\"";
                              return token.role == "read" || token.role == "operate"
                                         ? ""
                                         : "role: expected read or operate, found '" + token.role + "'";
                            });
  }
  if (!read) return std::unexpected(read.error());
  for (const ControlConfig& control : config.controls)
    if (const std::string unfit = check_within(config, control); !unfit.empty())
      return error(ErrorCode::Invalid, std::string(file) + ": '" + control.queue + "'" + unfit);
  if (config.controls.empty())
    return error(ErrorCode::Invalid, std::string(file) +
                                         ": there is no [[control]] table, so nothing to watch; "
                                         "docs/control.md has an example");
  return config;
}

Result<ControlFile> read_control_file(const std::string& path) {
  const Result<std::string> text =
      read_whole_file(path, "Give the path of a TOML file with [[control]] tables");
  if (!text) return std::unexpected(text.error());
  return read_control_config(*text, path);
}

ActuatorModel actuator_of(const ControlTarget& target) {
  const TargetModel* known = find_target_model(target.kind);
  ActuatorModel model = known != nullptr ? known->actuator : ActuatorModel();
  if (target.lead > Duration(0)) model.lead = target.lead;
  if (target.change_every > Duration(0)) model.change_every = target.change_every;
  if (target.minimum_billing > Duration(0)) model.minimum_billing = target.minimum_billing;
  if (target.granularity > 0) model.granularity = static_cast<std::uint32_t>(target.granularity);
  if (target.change_max > 0) model.change_max = static_cast<std::uint32_t>(target.change_max);
  if (target.dead_band > 0) model.dead_band = target.dead_band;
  return model;
}

}  // namespace forewarm
