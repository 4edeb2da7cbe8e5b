#include "edge/observe/notify/notification_text.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>

#include "edge/observe/notify/alert_rules_document.h"
#include "edge/observe/notify/receiver.h"

namespace forewarm {
namespace {

namespace json = boost::json;

const TimePoint kFired = time_point_us(1'772'373'600'000'000);  // 2026-03-01T14:00:00Z

Notification two_queues() {
  const AlertRule* rule = find_alert_rule("ForewarmDeadLetters");
  Notification notification{.rule = rule};
  notification.entries.push_back({Alert{rule, {"orders"}, 9, kFired, kFired}, kNever});
  notification.entries.push_back({Alert{rule, {"mails"}, 2, kFired, kFired}, kFired + 10min});
  return notification;
}

NotificationSender server() {
  return {.receiver = "ops", .instance = "host:9325", .url = "http://127.0.0.1:9325", .now = kFired + 1min};
}

TEST(NotificationText, TheWebhooksBodyIsAlertmanagers) {
  const json::value body = json::parse(webhook_body(two_queues(), server()));
  EXPECT_EQ(body.at("version"), "4");
  EXPECT_EQ(body.at("status"), "firing");
  EXPECT_EQ(body.at("receiver"), "ops");
  EXPECT_EQ(body.at("groupKey"), "{}:{alertname=\"ForewarmDeadLetters\"}");
  EXPECT_EQ(body.at("truncatedAlerts"), 0);
  EXPECT_EQ(body.at("externalURL"), "http://127.0.0.1:9325");
  EXPECT_EQ(json::serialize(body.at("groupLabels")), R"({"alertname":"ForewarmDeadLetters"})");
  EXPECT_EQ(json::serialize(body.at("commonLabels")),
            R"({"alertname":"ForewarmDeadLetters","instance":"host:9325","severity":"ticket"})");
  EXPECT_FALSE(body.at("commonAnnotations").as_object().contains("summary"));
  const json::value& first = body.at("alerts").at(0);
  EXPECT_EQ(first.at("status"), "firing");
  EXPECT_EQ(first.at("labels").at("queue"), "orders");
  EXPECT_EQ(first.at("annotations").at("summary"),
            "Queue orders: 9 messages were dead-lettered within ten minutes");
  EXPECT_EQ(first.at("startsAt"), "2026-03-01T14:00:00.000Z");
  EXPECT_EQ(first.at("endsAt"), "0001-01-01T00:00:00Z");
  const json::value& second = body.at("alerts").at(1);
  EXPECT_EQ(second.at("status"), "resolved");
  EXPECT_EQ(second.at("endsAt"), "2026-03-01T14:10:00.000Z");
  EXPECT_NE(second.at("fingerprint"), first.at("fingerprint"));
}

TEST(NotificationText, SlackGetsAColourForEachAlertAndNoMarkupOfOurs) {
  const json::value body = json::parse(slack_body(two_queues(), server()));
  EXPECT_EQ(body.at("text"), "[FIRING:1] ForewarmDeadLetters on host:9325");
  EXPECT_EQ(body.at("attachments").at(0).at("color"), "warning");
  EXPECT_EQ(body.at("attachments").at(1).at("color"), "good");
  static const AlertRule kOdd{.name = "Odd", .by = {"queue"}, .summary = "{queue}"};
  Notification odd{.rule = &kOdd};
  odd.entries.push_back({Alert{&kOdd, {"<!channel> & co"}, 0, kFired, kFired}, kNever});
  const json::value escaped = json::parse(slack_body(odd, server()));
  EXPECT_EQ(escaped.at("attachments").at(0).at("fallback"), "&lt;!channel&gt; &amp; co");
  EXPECT_EQ(escaped.at("attachments").at(0).at("color"), "danger");
}

TEST(NotificationText, PagerDutyGetsAnEventEachWithAKeyThatStays) {
  Notification notification = two_queues();
  const auto events = pagerduty_events(notification, server(), "routing");
  ASSERT_EQ(events.size(), 2U);
  const json::value trigger = json::parse(events[0]), resolve = json::parse(events[1]);
  EXPECT_EQ(trigger.at("routing_key"), "routing");
  EXPECT_EQ(trigger.at("event_action"), "trigger");
  EXPECT_EQ(trigger.at("payload").at("severity"), "warning");
  EXPECT_EQ(trigger.at("payload").at("source"), "host:9325");
  EXPECT_EQ(trigger.at("payload").at("custom_details").at("queue"), "orders");
  EXPECT_EQ(resolve.at("event_action"), "resolve");
  EXPECT_FALSE(resolve.as_object().contains("payload"));
  notification.entries[0].resolved = kFired + 1h;
  notification.entries[0].alert.value = 77;
  const json::value later = json::parse(pagerduty_events(notification, server(), "routing")[0]);
  EXPECT_EQ(later.at("dedup_key"), trigger.at("dedup_key"));
  EXPECT_EQ(later.at("event_action"), "resolve");
}

TEST(NotificationText, AMailHasItsHeadersAndNoLineThatIsTooLong) {
  const std::string mail =
      mail_message(two_queues(), server(), {"forewarm@example.org", {"a@example.org", "b@example.org"}});
  EXPECT_NE(mail.find("To: a@example.org, b@example.org\r\n"), std::string::npos);
  EXPECT_NE(mail.find("Subject: [FIRING:1] ForewarmDeadLetters Queue orders: 9 messages"), std::string::npos);
  EXPECT_NE(mail.find("Date: Sun, 01 Mar 2026 14:01:00 +0000\r\n"), std::string::npos);
  EXPECT_NE(mail.find("\r\n\r\n"), std::string::npos);
  const std::string body = mail.substr(mail.find("\r\n\r\n") + 4);
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find("\r\n", at), body.size());
    EXPECT_LE(end - at, 76U) << body.substr(at, end - at);
    at = end + 2;
  }
  EXPECT_EQ(body.find("\n."), std::string::npos);
  static const AlertRule kOdd{.name = "Odd", .by = {"queue"}, .summary = "{queue}"};
  Notification odd{.rule = &kOdd};
  odd.entries.push_back({Alert{&kOdd, {"a\r\nBcc: all@example.org"}, 0, kFired, kFired}, kNever});
  const std::string plain = mail_message(odd, server(), {"f@x", {"t@x"}});
  EXPECT_EQ(plain.substr(0, plain.find("\r\n\r\n")).find("\nBcc:"), std::string::npos);
}

TEST(NotificationText, AFingerprintTellsNamesFromValues) {
  // FNV-1a of nothing is its offset; tests/e2e/notify_test.py asks the real Alertmanager.
  EXPECT_EQ(fingerprint({}), "cbf29ce484222325");
  EXPECT_NE(fingerprint({{"a", "bc"}}), fingerprint({{"ab", "c"}}));
  EXPECT_EQ(fingerprint({{"a", "b"}}).size(), 16U);
}

TEST(Receiver, AnswersSayWhetherToTryAgain) {
  using Kind = DeliveryOutcome::Kind;
  EXPECT_EQ(outcome_of({.status = 202}).kind, Kind::Delivered);
  EXPECT_EQ(outcome_of({.status = 404, .body = "no_service"}).kind, Kind::Refused);
  EXPECT_EQ(outcome_of({.status = 404, .body = "no_service"}).answer, "404 no_service");
  EXPECT_EQ(outcome_of({.status = 503}).kind, Kind::Failed);
  const DeliveryOutcome busy = outcome_of({.status = 429, .headers = {{"retry-after", "30"}}});
  EXPECT_EQ(busy.kind, Kind::Failed);
  EXPECT_EQ(busy.retry_after, Duration(30s));
  EXPECT_EQ(outcome_of({.status = 429, .headers = {{"Retry-After", "soon"}}}).retry_after, Duration(0));
}

TEST(Receiver, NoSecretIsInWhatIsSaidOfIt) {
  EXPECT_EQ(
      without_secrets("https://hooks.example.org/T1/abc cannot be reached; https://hooks.example.org/T1/abc",
                      {"https://hooks.example.org/T1/abc", ""}),
      "(secret) cannot be reached; (secret)");
}

TEST(AlertRulesDocument, IsUpToDate) {
  const std::string path = std::string(FOREWARM_SOURCE_DIR) + "/monitoring/prometheus/forewarm.rules.yml";
  if (std::getenv("FOREWARM_UPDATE")) std::ofstream(path, std::ios::binary) << alert_rules_document();
  std::ifstream stream(path, std::ios::binary);
  const std::string file(std::istreambuf_iterator<char>(stream), {});
  EXPECT_EQ(file, alert_rules_document()) << "run this test with FOREWARM_UPDATE=1 and commit " << path;
}

TEST(AlertRulesDocument, ARuleInPromQL) {
  EXPECT_EQ(promql_of(*find_alert_rule("ForewarmInstancesDoNotStart")),
            "sum by (instance, function) (increase(forewarm_instance_losses_total{reason=~"
            "\"start_failed|start_timeout\"}[10m])) > 2");
  EXPECT_EQ(promql_of(*find_alert_rule("ForewarmDown")), "up{job=\"forewarm\"} == 0");
}

}  // namespace
}  // namespace forewarm
