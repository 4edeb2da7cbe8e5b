#include "edge/observe/notify/notification_text.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <optional>

#include "edge/observe/clock_text.h"
#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

constexpr std::size_t kSummaryMax = 1024;  // of a PagerDuty event
constexpr std::size_t kMailLineMax = 76;   // RFC 2045, section 6.7, rule 5

using Entry = Notification::Entry;

std::string summary_of(const Entry& entry) {
  return alert_text(entry.alert, entry.alert.rule->summary);
}

void write_pairs(JsonWriter& json, std::string_view key, const AlertLabels& pairs) {
  json.key(key).open_object();
  for (const auto& [name, value] : pairs) json.member(name, value);
  json.close_object();
}

AlertLabels annotations_of(const Entry& entry) {
  return {{"description", alert_text(entry.alert, entry.alert.rule->description)},
          {"summary", summary_of(entry)}};
}

/// What is the same in all.
template <class PairsOf>
AlertLabels common(const std::vector<Entry>& entries, PairsOf pairs_of) {
  std::optional<AlertLabels> same;
  for (const Entry& entry : entries) {
    const AlertLabels pairs = pairs_of(entry);
    if (!same)
      same = pairs;
    else
      std::erase_if(*same, [&](const auto& pair) { return std::ranges::find(pairs, pair) == pairs.end(); });
  }
  return same.value_or(AlertLabels());
}

/// Slack's three characters with a meaning. Source: Slack API, "Formatting text for app surfaces".
std::string slack_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::string lines_of(const Entry& entry) {
  std::string text = summary_of(entry);
  if (entry.firing()) return text + "\n" + alert_text(entry.alert, entry.alert.rule->description);
  return "Resolved: " + text;
}

std::string quoted_printable(std::string_view text) {
  std::string out, line;
  const auto end_line = [&](const char* how) {
    out += line + how;
    line.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n') {
      end_line("\r\n");
      continue;
    }
    const bool at_end = i + 1 == text.size() || text[i + 1] == '\n';
    char coded[4] = {static_cast<char>(byte), 0, 0, 0};
    if (byte == '=' || byte < 32 || byte > 126 || (byte == ' ' && at_end))
      std::snprintf(coded, sizeof coded, "=%02X", static_cast<unsigned>(byte));
    const std::string piece = coded;
    if (line.size() + piece.size() > kMailLineMax - 1) end_line("=\r\n");
    line += piece;
  }
  end_line("");
  return out;
}

/// One header line: what could end it does not.
std::string header_line(std::string_view name, std::string_view value) {
  std::string line = std::string(name) + ": ";
  for (const char c : value) line += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  return line + "\r\n";
}

/// RFC 5322, section 3.3.
std::string mail_date(TimePoint at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d +0000", kDays[parts.tm_wday],
                parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                parts.tm_sec);
  return text;
}

std::string pagerduty_event(const Entry& entry, const NotificationSender& sender,
                            const std::string& routing_key) {
  const AlertLabels labels = alert_labels(entry.alert, sender.instance);
  std::string text;
  JsonWriter json(text);
  json.open_object()
      .member("routing_key", routing_key)
      .member("event_action", entry.firing() ? "trigger" : "resolve")
      .member("dedup_key", "forewarm-" + fingerprint(labels));
  if (entry.firing()) {
    json.member("client", "forewarm").member("client_url", sender.url).key("payload").open_object();
    json.member("summary", summary_of(entry).substr(0, kSummaryMax))
        .member("source", sender.instance)
        .member("severity", entry.alert.rule->severity == AlertSeverity::Page ? "critical" : "warning")
        .member("timestamp", utc_text(entry.alert.fired))
        .member("component", "forewarm")
        .member("class", entry.alert.rule->name);
    AlertLabels details = labels;
    details.emplace_back("description", alert_text(entry.alert, entry.alert.rule->description));
    write_pairs(json, "custom_details", details);
    json.close_object();
  }
  json.close_object();
  return text;
}

}  // namespace

std::string notification_title(const Notification& notification) {
  const auto firing =
      std::ranges::count_if(notification.entries, [](const Entry& each) { return each.firing(); });
  return (firing > 0 ? "[FIRING:" + std::to_string(firing) + "] " : "[RESOLVED] ") +
         std::string(notification.rule->name);
}

std::string webhook_body(const Notification& notification, const NotificationSender& sender) {
  const auto labels_of = [&](const Entry& entry) { return alert_labels(entry.alert, sender.instance); };
  const std::string name(notification.rule->name);
  std::string text;
  JsonWriter json(text);
  json.open_object()
      .member("version", "4")
      .member("groupKey", "{}:{alertname=\"" + name + "\"}")
      .member("truncatedAlerts", notification.left_out)
      .member("status", notification.firing() ? "firing" : "resolved")
      .member("receiver", sender.receiver)
      .member("externalURL", sender.url);
  write_pairs(json, "groupLabels", {{"alertname", name}});
  write_pairs(json, "commonLabels", common(notification.entries, labels_of));
  write_pairs(json, "commonAnnotations", common(notification.entries, annotations_of));
  json.key("alerts").open_array();
  for (const Entry& entry : notification.entries) {
    const AlertLabels labels = labels_of(entry);
    json.open_object().member("status", entry.firing() ? "firing" : "resolved");
    write_pairs(json, "labels", labels);
    write_pairs(json, "annotations", annotations_of(entry));
    json.member("startsAt", utc_text(entry.alert.fired))
        .member("endsAt", entry.firing() ? std::string("0001-01-01T00:00:00Z") : utc_text(entry.resolved))
        .member("generatorURL", sender.url)
        .member("fingerprint", fingerprint(labels))
        .close_object();
  }
  json.close_array().close_object();
  return text;
}

std::string slack_body(const Notification& notification, const NotificationSender& sender) {
  const std::string title = notification_title(notification);
  std::string text;
  JsonWriter json(text);
  json.open_object().member("text", slack_text(title + " on " + sender.instance));
  json.key("attachments").open_array();
  for (const Entry& entry : notification.entries) {
    const bool page = entry.alert.rule->severity == AlertSeverity::Page;
    json.open_object()
        .member("color", !entry.firing() ? "good"
                         : page          ? "danger"
                                         : "warning")
        .member("fallback", slack_text(summary_of(entry)))
        .member("text", slack_text(lines_of(entry)))
        .close_object();
  }
  if (notification.left_out > 0)
    json.open_object()
        .member("text", "and " + std::to_string(notification.left_out) + " more")
        .close_object();
  json.close_array().close_object();
  return text;
}

std::vector<std::string> pagerduty_events(const Notification& notification, const NotificationSender& sender,
                                          const std::string& routing_key) {
  std::vector<std::string> events;
  events.reserve(notification.entries.size());
  for (const Entry& entry : notification.entries)
    events.push_back(pagerduty_event(entry, sender, routing_key));
  return events;
}

std::string mail_message(const Notification& notification, const NotificationSender& sender,
                         const MailAddresses& addresses) {
  std::string to;
  for (const std::string& each : addresses.to) to += (to.empty() ? "" : ", ") + each;
  std::string body;
  for (const Entry& entry : notification.entries) {
    body += lines_of(entry) + "\n";
    if (entry.firing()) body += "Since " + utc_text(entry.alert.fired) + ".\n";
    body += "\n";
  }
  if (notification.left_out > 0) body += "And " + std::to_string(notification.left_out) + " more.\n\n";
  body += "Sent by forewarm on " + sender.instance + ", " + sender.url + "\n";
  const std::string id = fingerprint(alert_labels(notification.entries.front().alert, sender.instance)) +
                         "." + std::to_string(count_us(sender.now));
  return header_line("From", addresses.from) + header_line("To", to) +
         header_line("Subject",
                     notification_title(notification) + " " + summary_of(notification.entries.front())) +
         header_line("Date", mail_date(sender.now)) + header_line("Message-ID", "<" + id + "@forewarm>") +
         "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
         "Content-Transfer-Encoding: quoted-printable\r\nAuto-Submitted: auto-generated\r\n\r\n" +
         quoted_printable(body);
}

Notification trial_notification(TimePoint now) {
  static const AlertRule kTrial{.name = "ForewarmTest",
                                .severity = AlertSeverity::Ticket,
                                .summary = "A test of this receiver by `forewarm notify test`",
                                .description = "Nothing is wrong, and nothing needs to be done."};
  Notification notification{.rule = &kTrial};
  notification.entries.push_back({Alert{&kTrial, {}, 0, now, now}, kNever});
  return notification;
}

}  // namespace forewarm
