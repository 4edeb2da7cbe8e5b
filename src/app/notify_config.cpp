#include "app/notify_config.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "app/toml_tables.h"
#include "edge/files/whole_file.h"
#include "edge/observe/notify/receiver.h"

namespace forewarm {
namespace {

constexpr Bounds<Duration> kNotifyPause{1s, 24h * 30};

bool begins_with_any(const std::string& text, std::initializer_list<std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](std::string_view each) { return text.starts_with(each); });
}

bool has_secret(const NotifyConfig& one) {
  return !one.secret_file.empty() || !one.secret_env.empty();
}

std::string unknown_alert(const std::string& name) {
  std::vector<std::string_view> known;
  for (const AlertRule& rule : alert_rules())
    if (!rule.any.empty()) known.push_back(rule.name);
  if (std::ranges::find(known, name) != known.end()) return "";
  const std::string_view meant = nearest_name(name, known);
  return "there is no alert '" + name + "' (docs/alerting.md lists them)" +
         (meant.empty() ? "" : ". Did you mean " + std::string(meant) + "?");
}

/// What a kind needs, after its name.
std::string check_kind(const NotifyConfig& one) {
  const bool web = begins_with_any(one.url, {"http://", "https://"});
  if (one.kind == "webhook") return web ? "" : "needs url = \"https://...\"";
  if (one.kind == "slack") {
    if (one.url.empty() && !has_secret(one))
      return "needs secret_file or secret_env with the URL of the incoming webhook, or url = \"https://...\"";
    return one.url.empty() || web ? "" : "url: expected https://..., found '" + one.url + "'";
  }
  if (one.kind == "pagerduty") {
    if (!has_secret(one)) return "needs secret_file or secret_env with the integration's routing key";
    return one.url.empty() || web ? "" : "url: expected https://..., found '" + one.url + "'";
  }
  const bool plain = one.url.starts_with("smtp://");
  if (!plain && !one.url.starts_with("smtps://"))
    return "needs url = \"smtp://HOST:587\" (STARTTLS) or \"smtps://HOST:465\" (TLS)";
  if (one.from.find('@') == std::string::npos) return "needs from = \"forewarm@example.org\"";
  if (one.to.empty()) return "needs to = [\"ops@example.org\"]";
  for (const std::string& each : one.to)
    if (each.find('@') == std::string::npos) return "to: '" + each + "' is no address";
  if (one.user.empty() != !has_secret(one))
    return "user and its password (secret_file or secret_env) go together";
  if (plain && !one.starttls && !one.user.empty())
    return "would send the password unencrypted; leave starttls = true, or do without a user";
  return "";
}

Result<std::string> read_notify_secret(const NotifyConfig& one) {
  const std::string whose = "[[notify]] '" + one.name + "': ";
  if (!one.secret_env.empty()) {
    const char* found = std::getenv(one.secret_env.c_str());
    if (found != nullptr && *found != '\0') return found;
    return error(ErrorCode::NotFound,
                 whose + "secret_env: the environment variable " + one.secret_env + " is not set");
  }
  std::ifstream file(one.secret_file, std::ios::binary);
  std::string secret;
  std::getline(file, secret);
  while (!secret.empty() && (secret.back() == '\r' || secret.back() == ' ')) secret.pop_back();
  if (!secret.empty()) return secret;
  return error(ErrorCode::NotFound, whose + "secret_file: there is no text in " + one.secret_file +
                                        "; its first line is what is read");
}

}  // namespace

void describe(FieldVisitor& v, AlertsConfig& c) {
  v.begin_table({"alerts", "how the server watches itself for those who are to be told (alerting.md)"});
  v.duration({"every", "time between two looks"}, c.every, {1s, 5min});
  v.map({"for", "how long an alert must last before anybody is told, by its name; instead of its own time"},
        c.lasting);
  v.end_table();
}

void describe(FieldVisitor& v, NotifyConfig& c) {
  v.text({"name", "unique name: letters, digits, - and _"}, c.name);
  v.text({"kind",
          "webhook (JSON as Alertmanager sends it), slack (an incoming webhook, or its like), email, or "
          "pagerduty (Events API v2)"},
         c.kind);
  v.text({"url",
          "webhook, slack: where to post; email: smtp://HOST:587 or smtps://HOST:465; pagerduty: empty, or "
          "the EU's https://events.eu.pagerduty.com/v2/enqueue"},
         c.url);
  v.text({"secret_file",
          "file whose first line is the secret, read for each message. webhook: a bearer token; slack: the "
          "whole URL; email: the user's password; pagerduty: the routing key"},
         c.secret_file);
  v.text({"secret_env", "environment variable with the secret, instead"}, c.secret_env);
  v.text({"ca_file", "PEM file of who is trusted to be the receiver; empty: the system's"}, c.ca_file);
  v.text({"user", "email: whom to log in as; empty: without"}, c.user);
  v.text({"from", "email: sender's address"}, c.from);
  v.list({"to", "email: addresses"}, c.to);
  v.flag({"starttls", "email, smtp://: false sends without encryption, for a relay on the same machine"},
         c.starttls);
  v.list({"severities", "page (somebody must act now), ticket (this week); empty: both"}, c.severities);
  v.list({"alerts", "names of the alerts that it is told of; empty: all"}, c.alerts);
  v.duration({"group_wait", "from an alert to its message, for others of its name to join it"}, c.group_wait,
             {Duration(0), 1h});
  v.duration({"group_interval", "between messages about alerts of one name, when they change"},
             c.group_interval, kNotifyPause);
  v.duration({"repeat_interval", "between messages about alerts of one name, while they do not"},
             c.repeat_interval, kNotifyPause);
  v.flag({"send_resolved", "true: told of the end too"}, c.send_resolved);
  v.number({"rate_max", "messages a minute, at most; what is held back is in a later one"}, c.rate_max,
           {1, 600});
  v.duration({"timeout", "longest time one message may take"}, c.timeout, {100ms, 5min});
}

std::string check_notify(const std::vector<NotifyConfig>& earlier, const NotifyConfig& one) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (one.name.empty() || one.name.size() > 80 || !std::ranges::all_of(one.name, plain))
    return "needs a name of letters, digits, - and _ (up to 80)";
  const std::string whose = "'" + one.name + "' ";
  if (std::ranges::find(earlier, one.name, &NotifyConfig::name) != earlier.end())
    return whose + "is defined twice";
  if (earlier.size() >= kNotifyMax) return "tables: there are more than " + std::to_string(kNotifyMax);
  if (!parse_receiver_kind(one.kind)) {
    const std::string_view meant = nearest_name(one.kind, {"webhook", "slack", "email", "pagerduty"});
    return whose + "kind: expected webhook, slack, email or pagerduty, found '" + one.kind + "'" +
           (meant.empty() ? "" : ". Did you mean " + std::string(meant) + "?");
  }
  if (!one.secret_file.empty() && !one.secret_env.empty())
    return whose + "has secret_file and secret_env; give one of them";
  if (const std::string wrong = check_kind(one); !wrong.empty()) return whose + wrong;
  for (const std::string& severity : one.severities)
    if (severity != "page" && severity != "ticket")
      return whose + "severities: expected page or ticket, found '" + severity + "'";
  for (const std::string& alert : one.alerts)
    if (const std::string wrong = unknown_alert(alert); !wrong.empty()) return whose + "alerts: " + wrong;
  return "";
}

Result<void> check_alerts(const AlertsConfig& config) {
  for (const auto& [name, lasting] : config.lasting) {
    if (const std::string wrong = unknown_alert(name); !wrong.empty())
      return error(ErrorCode::Invalid, "for: " + wrong);
    if (const Result<Duration> read = parse_duration(lasting); !read)
      return error(ErrorCode::Invalid, "for." + name + ": " + read.error().message);
  }
  return {};
}

std::vector<std::string> notify_warnings(const std::vector<NotifyConfig>& notify) {
  std::vector<std::string> warnings;
  for (const NotifyConfig& one : notify) {
    if (has_secret(one))
      if (const Result<std::string> secret = read_notify_secret(one); !secret)
        warnings.push_back(secret.error().message);
    if (one.kind == "email" && one.url.starts_with("smtp://") && !one.starttls)
      warnings.push_back("[[notify]] '" + one.name +
                         "': mail goes unencrypted (starttls = false); that is for a relay on this machine");
  }
  return warnings;
}

ReceiverSettings receiver_of(const NotifyConfig& config) {
  ReceiverSettings settings{.name = config.name,
                            .kind = *parse_receiver_kind(config.kind),
                            .url = config.url,
                            .ca_file = config.ca_file,
                            .timeout = config.timeout,
                            .starttls = config.starttls,
                            .user = config.user,
                            .addresses = {config.from, config.to}};
  if (has_secret(config)) settings.secret = [config] { return read_notify_secret(config); };
  return settings;
}

Result<std::vector<NotifyConfig>> read_notify_file(const std::string& path) {
  const Result<std::string> text = read_whole_file(path, "Give the TOML file that has the [[notify]] tables");
  if (!text) return std::unexpected(text.error());
  const Result<toml::table> root = parse_toml(*text, path);
  if (!root) return std::unexpected(root.error());
  std::vector<NotifyConfig> notify;
  const Result<void> read = read_table_array(
      *root, "notify", path, notify, [&](const NotifyConfig& one) { return check_notify(notify, one); });
  if (!read) return std::unexpected(read.error());
  if (notify.empty())
    return error(ErrorCode::NotFound, path +
                                          ": there is no [[notify]] table, so nobody to tell; "
                                          "docs/alerting.md has examples");
  return notify;
}

}  // namespace forewarm
