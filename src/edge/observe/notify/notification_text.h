#pragma once

#include <string>
#include <vector>

#include "edge/observe/notify/notification_schedule.h"

namespace forewarm {

/// Who tells, and when.
struct NotificationSender {
  std::string receiver;  ///< name of the [[notify]]
  std::string instance;  ///< label by which servers are told apart: HOST:PORT of the admin address
  std::string url;       ///< of the dashboard
  TimePoint now;
};

/// "[FIRING:2] ForewarmDeadLetters" or "[RESOLVED] ForewarmDeadLetters".
std::string notification_title(const Notification& notification);

/// As Alertmanager's webhook receiver sends it, version 4. Source: Prometheus documentation, "Alerting:
/// configuration", webhook_config.
std::string webhook_body(const Notification& notification, const NotificationSender& sender);

/// For an incoming webhook of Slack, or what takes its like (Mattermost, Rocket.Chat). Source: Slack API,
/// "Sending messages using incoming webhooks" and "Reference: secondary message attachments".
std::string slack_body(const Notification& notification, const NotificationSender& sender);

/// One event for each alert: trigger, or resolve, with a key that stays the same as long as the alert is the
/// same. Source: PagerDuty Events API v2, "Send an alert event".
std::vector<std::string> pagerduty_events(const Notification& notification, const NotificationSender& sender,
                                          const std::string& routing_key);

/// A whole message of RFC 5322 in UTF-8, quoted-printable (RFC 2045), lines ended by CRLF.
struct MailAddresses {
  std::string from{};
  std::vector<std::string> to{};
};
std::string mail_message(const Notification& notification, const NotificationSender& sender,
                         const MailAddresses& addresses);

/// What `forewarm notify test` sends: an alert that fires and is none.
Notification trial_notification(TimePoint now);

}  // namespace forewarm
