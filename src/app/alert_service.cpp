#include "app/alert_service.h"

#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

#include "app/notify_config.h"
#include "app/task_thread.h"
#include "edge/observe/clock_text.h"
#include "edge/observe/json_writer.h"
#include "edge/observe/notify/alert_memory.h"
#include "edge/observe/notify/receiver.h"

namespace forewarm {
namespace {

constexpr Duration kAlertTick = 1s;
constexpr Duration kKeepEvery = 5min;  ///< what counters grow by, while an alert holds
constexpr int kLooksToRemember = 3;    ///< that an alert of before may be missing in: the metrics begin anew

NotificationSchedule::Options schedule_of(const NotifyConfig& config) {
  NotificationSchedule::Options options{.group_wait = config.group_wait,
                                        .group_interval = config.group_interval,
                                        .repeat_interval = config.repeat_interval,
                                        .send_resolved = config.send_resolved,
                                        .rules = config.alerts,
                                        .rate_max = static_cast<std::uint32_t>(config.rate_max),
                                        .seed = std::random_device{}()};
  for (const std::string& severity : config.severities)
    options.severities.push_back(severity == "page" ? AlertSeverity::Page : AlertSeverity::Ticket);
  return options;
}

std::string memory_key(const NotifyConfig& config) {
  return config.kind + " " + config.name;
}

bool wanted_metric(std::string_view name) {
  return std::ranges::find(alert_metrics(), name) != alert_metrics().end();
}

}  // namespace

/// One [[notify]] at work. Belongs to the loop's thread; its own only runs deliver().
struct AlertService::Receiver {
  explicit Receiver(NotifyConfig from)
      : config(std::move(from)), settings(receiver_of(config)), schedule(schedule_of(config)) {}

  NotifyConfig config;
  ReceiverSettings settings;
  NotificationSchedule schedule;
  ReceiverSnapshot counts{};
  std::string problem{};  ///< why the last message was not taken
  bool busy = false;
  TaskThread thread{};  ///< last: it ends first
};

AlertService::AlertService(Server server, const AlertsConfig& alerts, const std::vector<NotifyConfig>& notify)
    : server_(std::move(server)), looked_at_(server_.now()) {
  configure(alerts, notify);
  timer_ = server_.loop->call_after(kAlertTick, [this] { tick(); });
}

AlertService::~AlertService() {
  if (!book_.alerts().empty()) keep();
}

void AlertService::configure(const AlertsConfig& alerts, const std::vector<NotifyConfig>& notify) {
  alerts_ = alerts;
  std::vector<std::unique_ptr<Receiver>> before = std::move(receivers_);
  receivers_.clear();
  for (const NotifyConfig& one : notify) {
    const auto same = std::ranges::find_if(
        before, [&](const auto& each) { return each != nullptr && each->config == one; });
    receivers_.push_back(same != before.end() ? std::move(*same) : std::make_unique<Receiver>(one));
  }
  for (auto& left : before)
    if (left != nullptr && left->busy) leaving_.push_back(std::move(left));
}

void AlertService::tick() {
  const TimePoint now = server_.now();
  if (now - looked_at_ >= alerts_.every) {
    looked_at_ = now;
    look(now);
  }
  begin_or_cease_to_tell();
  if (tells())
    for (const auto& receiver : receivers_) send(now, *receiver);
  timer_ = server_.loop->call_after(kAlertTick, [this] { tick(); });
}

Duration AlertService::lasting(const AlertRule& rule) const {
  const auto given = alerts_.lasting.find(std::string(rule.name));
  return given == alerts_.lasting.end() ? rule.lasting : parse_duration(given->second).value_or(rule.lasting);
}

void AlertService::look(TimePoint now) {
  const std::vector<AlertHold> holds = evaluator_.evaluate(now, server_.metrics(wanted_metric));
  const AlertBook::Changes changes =
      book_.update(now, holds, [this](const AlertRule& rule) { return lasting(rule); });
  const auto say = [this](LogLevel level, const char* what, const Alert& alert) {
    server_.log->write(level, what,
                       {{"alert", alert.rule->name}, {"summary", alert_text(alert, alert.rule->summary)}});
  };
  for (const Alert& alert : changes.fired) say(LogLevel::Warning, "an alert fires", alert);
  for (const Alert& alert : changes.resolved) say(LogLevel::Info, "an alert is over", alert);
  const std::vector<Alert> firing = book_.firing();
  for (const auto& receiver : receivers_) receiver->schedule.observe(now, firing);
  const bool grows = !book_.alerts().empty() && now - kept_at_ >= kKeepEvery;
  if (!changes.fired.empty() || !changes.resolved.empty() || grows) keep();
}

void AlertService::begin_or_cease_to_tell() {
  const bool quiet = server_.quiet && server_.quiet();
  if (std::exchange(quiet_, quiet) == quiet || quiet) return;
  const auto recalled = [this](const std::optional<SavedMemory>& saved) { remember(saved); };
  awaits_memory_ = server_.recall && server_.recall(recalled);
}

void AlertService::remember(const std::optional<SavedMemory>& saved) {
  awaits_memory_ = false;
  if (!saved) return;
  const Result<AlertMemory> memory =
      saved->version == kAlertMemoryVersion
          ? parse_alert_memory(saved->memory)
          : error(ErrorCode::Invalid, "what is kept of alerts has the version " +
                                          std::to_string(saved->version) +
                                          ", which this program does not read");
  if (!memory) {
    server_.log->warning("what receivers were told of alerts is not known; they are told anew",
                         {{"reason", memory.error().message}});
    return;
  }
  const TimePoint now = server_.now();
  book_.remember(memory->firing, now + kLooksToRemember * alerts_.every);
  evaluator_.remember(now, memory->growths);
  for (const auto& receiver : receivers_) {
    const auto found = memory->receivers.find(memory_key(receiver->config));
    if (found != memory->receivers.end()) receiver->schedule.remember(now, found->second);
  }
  kept_ = saved->memory;
}

/// By whoever tells: of several copies with one database the others know less.
void AlertService::keep() {
  if (!server_.keep || !tells()) return;
  kept_at_ = server_.now();
  AlertMemory memory{
      .firing = book_.firing(), .receivers = {}, .growths = evaluator_.growths(book_.alerts())};
  for (const auto& receiver : receivers_)
    memory.receivers[memory_key(receiver->config)] = receiver->schedule.memory();
  std::string text = alert_memory_text(memory);
  if (text == kept_) return;
  kept_ = text;
  server_.keep(std::move(text));
}

void AlertService::send(TimePoint now, Receiver& receiver) {
  std::optional<Notification> due = receiver.schedule.take(now);
  if (!due) return;
  receiver.busy = true;
  NotificationSender sender = server_.sender();
  sender.receiver = receiver.config.name;
  sender.now = now;
  receiver.thread.give([this, &receiver, sender, due = std::move(*due)](const std::stop_token& stop) {
    DeliveryOutcome outcome = deliver(receiver.settings, due, sender, stop);
    server_.loop->post([this, &receiver, outcome = std::move(outcome)] { settled(receiver, outcome); });
  });
}

void AlertService::settled(Receiver& receiver, const DeliveryOutcome& outcome) {
  receiver.busy = false;
  const Duration wait = receiver.schedule.settle(server_.now(), outcome);
  using Kind = DeliveryOutcome::Kind;
  if (outcome.kind == Kind::Delivered) {
    ++receiver.counts.delivered;
    if (!receiver.problem.empty())
      server_.log->info("notifications are taken again", {{"receiver", receiver.config.name}});
    receiver.problem.clear();
    keep();
  } else {
    ++(outcome.kind == Kind::Failed ? receiver.counts.failed : receiver.counts.refused);
    // Each problem is said once, until it is another or over.
    if (receiver.problem != outcome.answer)
      server_.log->warning(
          "a notification was not taken; it is sent again",
          {{"receiver", receiver.config.name}, {"reason", outcome.answer}, {"after_seconds", seconds(wait)}});
    receiver.problem = outcome.answer;
  }
  std::erase_if(leaving_, [&](const auto& each) { return each.get() == &receiver; });
}

std::vector<ReceiverSnapshot> AlertService::receivers() const {
  std::vector<ReceiverSnapshot> all;
  for (const auto& receiver : receivers_) {
    all.push_back(receiver->counts);
    all.back().name = receiver->config.name;
  }
  return all;
}

std::string AlertService::json() const {
  std::string text;
  JsonWriter json(text);
  json.open_object().key("alerts").open_array();
  for (const Alert& alert : book_.alerts()) {
    json.open_object()
        .member("name", alert.rule->name)
        .member("severity", word(alert.rule->severity))
        .member("state", alert.firing() ? "firing" : "pending")
        .member("since", utc_text(alert.since))
        .member("value", alert.value)
        .member("summary", alert_text(alert, alert.rule->summary))
        .member("description", alert_text(alert, alert.rule->description))
        .key("subject")
        .open_object();
    for (std::size_t i = 0; i < alert.subject.size(); ++i) json.member(alert.rule->by[i], alert.subject[i]);
    json.close_object().close_object();
  }
  json.close_array().key("receivers").open_array();
  for (const auto& receiver : receivers_) {
    json.open_object()
        .member("name", receiver->config.name)
        .member("kind", receiver->config.kind)
        .member("delivered", receiver->counts.delivered)
        .member("failed", receiver->counts.failed)
        .member("refused", receiver->counts.refused)
        .member("problem", receiver->problem)
        .close_object();
  }
  json.close_array().close_object();
  return text;
}

void AlertService::add_route(Routes& routes) {
  routes.add(
      {.path = "/v1/alerts",
       .id = "alerts",
       .summary = "Conditions that hold now, and what became of the messages about them",
       .schema =
           R"({"type":"object","properties":{"alerts":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"severity":{"type":"string","enum":["page","ticket"]},"state":{"type":"string","enum":["pending","firing"]},"since":{"type":"string","format":"date-time"},"value":{"type":["number","null"]},"summary":{"type":"string"},"description":{"type":"string"},"subject":{"type":"object","additionalProperties":{"type":"string"}}},"required":["name","severity","state","since","summary","subject"]}},"receivers":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"kind":{"type":"string"},"delivered":{"type":"integer"},"failed":{"type":"integer"},"refused":{"type":"integer"},"problem":{"type":"string"}},"required":["name","kind","delivered","failed","refused","problem"]}}},"required":["alerts","receivers"]})",
       .handle = [this](const RouteRequest&, const std::shared_ptr<HttpReply>& reply) {
         reply->send(json_response(json()));
       }});
}

std::string instance_label(std::uint16_t port) {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
    return "localhost:" + std::to_string(port);
  return std::string(host) + ":" + std::to_string(port);
}

}  // namespace forewarm
