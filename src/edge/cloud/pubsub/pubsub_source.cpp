#include "edge/cloud/pubsub/pubsub_source.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <random>
#include <utility>

#include "edge/cloud/polled_engine.h"
#include "edge/cloud/pubsub/pubsub_protocol.h"

namespace forewarm {
namespace {

using PubSubAnswered = std::function<void(Result<std::string>)>;

constexpr Duration kDeadlineMost = 600s;
constexpr Duration kDeadlineFallback = 10s;  ///< Pub/Sub's own default
constexpr auto kFactsHold = std::chrono::seconds(60);

TimePoint pubsub_wall_now() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

std::string utc_text(TimePoint time) {
  const auto at = std::chrono::sys_seconds(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()));
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(at - day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

class PubSubEngine final : public PolledEngine {
 public:
  PubSubEngine(PubSubOptions options, HttpCalls& calls) : options_(std::move(options)), calls_(calls) {}

  Limits limits() const override {
    return {.receive_max = 100, .batch_max = 500, .receivers_max = 4, .waits = options_.wait};
  }

  void look(std::function<void(Result<Facts>)> done) override;
  void receive(std::uint32_t most, Received done) override;
  void acknowledge(const std::vector<std::string>& tokens, EachTaken done) override;
  void change_leases(const std::vector<std::pair<std::string, Duration>>& leases, EachTaken done) override;
  void copy_dead_letter(const PolledMessage& message, const std::string& reason, Taken done) override;
  void publish(const LentMessage& message, Taken done) override;

 private:
  struct Calling {
    std::string method = "POST";
    std::string url;
    std::string body{};
    Duration waits{0};
    int tries = 5;
  };
  void call(Calling calling, PubSubAnswered done);
  Error refusal(const std::string& url, const HttpResponse& answer) const;
  static Error at(const std::string& url, const Error& why) {
    return {why.code, "Pub/Sub, " + url + ": " + why.message + "; it is tried again"};
  }
  void observe(const std::string& metric, std::function<void(std::optional<double>)> done);
  void publish_to(const std::string& topic, std::string body, Taken done);
  std::string subscription_url(const char* verb = "") const {
    return options_.endpoint + "/v1/projects/" + percent_encode(options_.project) + "/subscriptions/" +
           percent_encode(options_.subscription) + verb;
  }
  std::string topic_name(const std::string& topic) const {
    return topic.starts_with("projects/") ? topic : "projects/" + options_.project + "/topics/" + topic;
  }

  const PubSubOptions options_;
  HttpCalls& calls_;
  std::string topic_ = options_.topic;
  Duration lease_ = kDeadlineFallback;
  Facts facts_{};
  std::chrono::steady_clock::time_point looked_{};
};

void PubSubEngine::call(Calling calling, PubSubAnswered done) {
  const std::string url = calling.url.substr(0, calling.url.find('?'));
  HttpCalls::Call made;
  made.timeout = std::chrono::ceil<std::chrono::milliseconds>(calling.waits) + std::chrono::seconds(10);
  // What is tried once is tried again with another token all the same.
  const bool once = calling.tries == 1;
  made.tries = std::max(calling.tries, 2);
  made.request = [this, calling = std::move(calling)]() -> Result<FetchRequest> {
    FetchRequest request{.method = calling.method, .url = calling.url, .body = calling.body};
    if (!calling.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    if (options_.credentials) {
      auto token = options_.credentials->get();
      if (!token) return std::unexpected(token.error());
      request.headers.emplace_back("Authorization", "Bearer " + *token);
    }
    return request;
  };
  made.passing = [this, once](const Result<HttpResponse>& answer) {
    if (answer && answer->status == 401 && options_.credentials) {
      options_.credentials->renew();
      return true;
    }
    return !once && HttpCalls::may_pass(answer);
  };
  calls_.start(std::move(made), [this, url, done = std::move(done)](Result<HttpResponse> answer) {
    if (!answer) return done(std::unexpected(at(url, answer.error())));
    if (answer->status != 200) {
      if (answer->status == 401 && options_.credentials) options_.credentials->renew();
      return done(std::unexpected(refusal(url, *answer)));
    }
    done(std::move(answer->body));
  });
}

Error PubSubEngine::refusal(const std::string& url, const HttpResponse& answer) const {
  const std::string said = "Pub/Sub, " + url + ": " + pubsub_failure(answer);
  if (HttpCalls::may_pass(answer)) return {ErrorCode::Io, said};
  if (answer.status == 404)
    return {ErrorCode::NotFound, said + "; create it, or correct the URL of the source"};
  if (answer.status == 403)
    return {ErrorCode::Conflict, said + "; give the account the roles that docs/policies/pubsub.json names"};
  if (answer.status == 401)
    return {ErrorCode::Invalid,
            said + "; look at Google's application default credentials and at this machine's clock"};
  return {ErrorCode::Invalid, said};
}

// Each look is a request, of which there is a quota, and depth is no younger than a minute.
void PubSubEngine::look(std::function<void(Result<Facts>)> done) {
  const auto now = std::chrono::steady_clock::now();
  if (looked_ != decltype(looked_)() && now - looked_ < kFactsHold) return done(facts_);
  call({.method = "GET", .url = subscription_url(), .tries = 2},
       [this, now, done = std::move(done)](const Result<std::string>& answer) {
         PubSubSubscription subscription{.ack_deadline = kDeadlineFallback, .deliveries_max = {}};
         if (answer) {
           auto parsed = parse_subscription(*answer);
           if (!parsed) return done(std::unexpected(at(subscription_url(), parsed.error())));
           subscription = std::move(*parsed);
         } else if (answer.error().code != ErrorCode::Conflict) {
           return done(std::unexpected(answer.error()));
         }
         // One who may only consume is not told; what it does not know then is Pub/Sub's default.
         looked_ = now;
         lease_ = subscription.ack_deadline;
         if (options_.topic.empty()) topic_ = subscription.topic;
         facts_.traits = {.counts_deliveries = subscription.has_dead_letter_policy,
                          .release_delay_max = kDeadlineMost,
                          .dead_letters = !options_.dead_letter_topic.empty(),
                          .lease = lease_,
                          .lease_total_max = Duration(0),
                          .deliveries_max = subscription.deliveries_max};
         observe("num_undelivered_messages", [this, done](std::optional<double> waiting) {
           facts_.depth.waiting =
               waiting ? std::optional(static_cast<std::uint64_t>(*waiting)) : std::nullopt;
           observe("oldest_unacked_message_age", [this, done](std::optional<double> age) {
             facts_.depth.oldest_wait = age ? std::optional(from_seconds(*age)) : std::nullopt;
             done(facts_);
           });
         });
       });
}

// Who may not read it, has no depth: a gap, not a failure.
void PubSubEngine::observe(const std::string& metric, std::function<void(std::optional<double>)> done) {
  if (options_.monitoring.empty()) return done(std::nullopt);
  const TimePoint now = pubsub_wall_now();
  const std::string filter = "metric.type=\"pubsub.googleapis.com/subscription/" + metric +
                             "\" AND resource.labels.subscription_id=\"" + options_.subscription + "\"";
  call({.method = "GET",
        .url = options_.monitoring + "/v3/projects/" + percent_encode(options_.project) +
               "/timeSeries?filter=" + percent_encode(filter) +
               "&interval.startTime=" + percent_encode(utc_text(now - Duration(10min))) +
               "&interval.endTime=" + percent_encode(utc_text(now)),
        .tries = 1},
       [done = std::move(done)](const Result<std::string>& answer) {
         const auto point = answer ? parse_newest_point(*answer) : std::unexpected(answer.error());
         done(point ? *point : std::nullopt);
       });
}

void PubSubEngine::receive(std::uint32_t most, Received done) {
  call({.url = subscription_url(":pull"), .body = pull_json(most), .waits = options_.wait, .tries = 1},
       [this, lease = lease_, done = std::move(done)](const Result<std::string>& answer) {
         if (!answer) return done(std::unexpected(answer.error()));
         auto messages = parse_pulled(*answer);
         if (!messages) return done(std::unexpected(at(subscription_url(":pull"), messages.error())));
         const auto until = pubsub_wall_now() + lease;
         for (auto& polled : *messages) polled.message.lent_until = until;
         done(std::move(messages));
       });
}

void PubSubEngine::acknowledge(const std::vector<std::string>& tokens, EachTaken done) {
  call({.url = subscription_url(":acknowledge"), .body = acknowledge_json(tokens)},
       [count = tokens.size(), done = std::move(done)](const Result<std::string>& answer) {
         // The call has been tried often enough: its entries are not, each for itself.
         const Result<void> taken =
             answer ? Result<void>() : error(ErrorCode::Closed, answer.error().message);
         done(std::vector<Result<void>>(count, taken));
       });
}

// One request has one deadline.
void PubSubEngine::change_leases(const std::vector<std::pair<std::string, Duration>>& leases,
                                 EachTaken done) {
  std::map<Duration, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < leases.size(); ++i)
    places[std::clamp(leases[i].second, Duration(0), kDeadlineMost)].push_back(i);
  struct Gathering {
    std::vector<Result<void>> taken;
    std::size_t open = 0;
    EachTaken done;
  };
  const auto gathering = std::make_shared<Gathering>();
  gathering->taken.resize(leases.size());
  gathering->open = places.size();
  gathering->done = std::move(done);
  for (const auto& [deadline, at] : places) {
    std::vector<std::string> tokens;
    for (const std::size_t place : at) tokens.push_back(leases[place].first);
    call({.url = subscription_url(":modifyAckDeadline"), .body = modify_ack_deadline_json(tokens, deadline)},
         [gathering, of = at](const Result<std::string>& answer) {
           if (!answer) {
             for (const std::size_t place : of)
               gathering->taken[place] = error(ErrorCode::Closed, answer.error().message);
           }
           if (--gathering->open == 0) gathering->done(gathering->taken);
         });
  }
}

void PubSubEngine::publish_to(const std::string& topic, std::string body, Taken done) {
  call({.url = options_.endpoint + "/v1/" + topic_name(topic) + ":publish", .body = std::move(body)},
       [done = std::move(done)](const Result<std::string>& answer) {
         done(answer ? Result<void>() : std::unexpected(answer.error()));
       });
}

void PubSubEngine::copy_dead_letter(const PolledMessage& message, const std::string& reason, Taken done) {
  if (options_.dead_letter_topic.empty()) {
    return done(error(ErrorCode::Conflict,
                      "Pub/Sub, " + subscription_url() +
                          ": there is no dead_letter_topic to publish its dead letters to; set one that has "
                          "a subscription, or dead_letters = \"here\". The message comes again when its "
                          "deadline is over"));
  }
  publish_to(options_.dead_letter_topic, publish_json(message.message, reason), std::move(done));
}

void PubSubEngine::publish(const LentMessage& message, Taken done) {
  if (topic_.empty()) {
    return done(error(ErrorCode::Invalid, "Pub/Sub, " + subscription_url() +
                                              ": its topic is not known; name it with option topic"));
  }
  publish_to(topic_, publish_json(message), std::move(done));
}

}  // namespace

std::unique_ptr<MessageSource> make_pubsub_source(PubSubOptions options) {
  HttpCalls::Options calling;
  calling.ca_file = options.ca_file;
  calling.seed = std::random_device{}();
  auto calls = std::make_unique<HttpCalls>(std::move(calling));
  auto engine = std::make_unique<PubSubEngine>(std::move(options), *calls);
  return make_polled_source(std::move(calls), std::move(engine));
}

}  // namespace forewarm
