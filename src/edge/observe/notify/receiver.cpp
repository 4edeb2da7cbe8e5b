#include "edge/observe/notify/receiver.h"

#include <algorithm>
#include <charconv>

#include "edge/net/fetch.h"
#include "edge/net/mail.h"

namespace forewarm {
namespace {

constexpr std::size_t kAnswerShown = 300;
constexpr std::size_t kAnswerMax = 1U << 20;

/// Of an answer: the beginning, on one line.
std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kAnswerShown)) out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  return out;
}

/// Seconds, as RFC 9110 section 10.2.3 has them; a date there is as good as nothing.
Duration retry_after_of(const HttpResponse& answer) {
  const std::string_view text = find_header(answer.headers, "Retry-After");
  unsigned wait = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), wait);
  const bool whole = code == std::errc() && end == text.data() + text.size() && !text.empty();
  return whole ? Duration(std::chrono::seconds(std::min(wait, 86'400U))) : Duration(0);
}

FetchOptions fetch_options(const ReceiverSettings& receiver, const std::stop_token& stop) {
  return {.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(receiver.timeout),
          .body_max_bytes = kAnswerMax,
          .ca_file = receiver.ca_file,
          .stop = stop};
}

DeliveryOutcome post(const ReceiverSettings& receiver, const std::string& url, const std::string& bearer,
                     std::string body, const std::stop_token& stop) {
  FetchRequest request{.method = "POST", .url = url, .headers = {{"Content-Type", "application/json"}}};
  if (!bearer.empty()) request.headers.emplace_back("Authorization", "Bearer " + bearer);
  request.body = std::move(body);
  const Result<HttpResponse> answer = fetch(request, fetch_options(receiver, stop));
  if (answer) return outcome_of(*answer);
  return {answer.error().code == ErrorCode::Invalid ? DeliveryOutcome::Kind::Refused
                                                    : DeliveryOutcome::Kind::Failed,
          answer.error().message};
}

/// One event after the other; those that were taken before one failed are sent again with it, which their
/// keys make harmless.
DeliveryOutcome page(const ReceiverSettings& receiver, const Notification& notification,
                     const NotificationSender& sender, const std::string& routing_key,
                     const std::stop_token& stop) {
  const std::string url = receiver.url.empty() ? std::string(kPagerDutyUrl) : receiver.url;
  DeliveryOutcome outcome;
  for (const std::string& event : pagerduty_events(notification, sender, routing_key)) {
    outcome = post(receiver, url, {}, event, stop);
    if (outcome.kind != DeliveryOutcome::Kind::Delivered) return outcome;
  }
  return outcome;
}

DeliveryOutcome mail(const ReceiverSettings& receiver, const Notification& notification,
                     const NotificationSender& sender, const std::string& password,
                     const std::stop_token& stop) {
  const MailAnswer answer = send_mail({.url = receiver.url,
                                       .user = receiver.user,
                                       .password = password,
                                       .starttls = receiver.starttls,
                                       .from = receiver.addresses.from,
                                       .to = receiver.addresses.to,
                                       .message = mail_message(notification, sender, receiver.addresses)},
                                      fetch_options(receiver, stop));
  // Source: RFC 5321, section 4.2.1: 4yz is passing, 5yz is not.
  const auto kind = answer.taken           ? DeliveryOutcome::Kind::Delivered
                    : answer.status >= 500 ? DeliveryOutcome::Kind::Refused
                                           : DeliveryOutcome::Kind::Failed;
  return {kind, shown(answer.words)};
}

}  // namespace

std::optional<ReceiverKind> parse_receiver_kind(std::string_view text) {
  if (text == "webhook") return ReceiverKind::Webhook;
  if (text == "slack") return ReceiverKind::Slack;
  if (text == "email") return ReceiverKind::Email;
  if (text == "pagerduty") return ReceiverKind::PagerDuty;
  return std::nullopt;
}

DeliveryOutcome outcome_of(const HttpResponse& answer) {
  DeliveryOutcome outcome;
  const bool passing = answer.status == 408 || answer.status == 429 || answer.status >= 500;
  outcome.kind = answer.status / 100 == 2 ? DeliveryOutcome::Kind::Delivered
                 : passing                ? DeliveryOutcome::Kind::Failed
                                          : DeliveryOutcome::Kind::Refused;
  outcome.answer = std::to_string(answer.status) + (answer.body.empty() ? "" : " " + shown(answer.body));
  outcome.retry_after = retry_after_of(answer);
  return outcome;
}

std::string without_secrets(std::string text, const std::vector<std::string>& secrets) {
  constexpr std::string_view kHidden = "(secret)";
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;
    for (std::size_t at = text.find(secret); at != std::string::npos;
         at = text.find(secret, at + kHidden.size()))
      text.replace(at, secret.size(), kHidden);
  }
  return text;
}

DeliveryOutcome deliver(const ReceiverSettings& receiver, const Notification& notification,
                        const NotificationSender& sender, const std::stop_token& stop) {
  const Result<std::string> secret = receiver.secret ? receiver.secret() : Result<std::string>("");
  if (!secret) return {DeliveryOutcome::Kind::Failed, secret.error().message};
  DeliveryOutcome outcome;
  switch (receiver.kind) {
    case ReceiverKind::Webhook:
      outcome = post(receiver, receiver.url, *secret, webhook_body(notification, sender), stop);
      break;
    case ReceiverKind::Slack:
      outcome = post(receiver, receiver.url.empty() ? *secret : receiver.url, {},
                     slack_body(notification, sender), stop);
      break;
    case ReceiverKind::PagerDuty:
      outcome = page(receiver, notification, sender, *secret, stop);
      break;
    case ReceiverKind::Email:
      outcome = mail(receiver, notification, sender, *secret, stop);
      break;
  }
  // Of a URL its query is not shown in the first place.
  outcome.answer =
      without_secrets(std::move(outcome.answer), {*secret, secret->substr(0, secret->find('?'))});
  return outcome;
}

}  // namespace forewarm
