#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/net/http.h"
#include "edge/observe/notify/notification_text.h"

namespace forewarm {

enum class ReceiverKind : std::uint8_t { Webhook, Slack, Email, PagerDuty };
/// "webhook", "slack", "email" or "pagerduty"; nothing otherwise.
std::optional<ReceiverKind> parse_receiver_kind(std::string_view text);

inline constexpr std::string_view kPagerDutyUrl = "https://events.pagerduty.com/v2/enqueue";

/// Who is told, and how.
struct ReceiverSettings {
  std::string name{};
  ReceiverKind kind = ReceiverKind::Webhook;
  std::string url{};  ///< email: smtp://HOST:PORT or smtps://HOST:PORT
  std::string ca_file{};
  Duration timeout = 10s;
  bool starttls = true;  ///< email by smtp://: no mail goes unencrypted
  std::string user{};    ///< email: whose password the secret is
  MailAddresses addresses{};
  /// Bearer token, Slack's URL, password or routing key, read for each message so that a new one counts;
  /// empty function: there is none.
  std::function<Result<std::string>()> secret{};
};

/// Sends one message and waits for what comes of it. Neither the answer nor an error has the secret in it.
DeliveryOutcome deliver(const ReceiverSettings& receiver, const Notification& notification,
                        const NotificationSender& sender, const std::stop_token& stop);

/// What an HTTP answer means to who sent the message.
DeliveryOutcome outcome_of(const HttpResponse& answer);

/// `text` without the secrets in it.
std::string without_secrets(std::string text, const std::vector<std::string>& secrets);

}  // namespace forewarm
