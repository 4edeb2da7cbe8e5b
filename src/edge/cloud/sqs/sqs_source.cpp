#include "edge/cloud/sqs/sqs_source.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "edge/cloud/polled_engine.h"
#include "edge/cloud/sqs/sqs_protocol.h"

namespace forewarm {
namespace {

using Answered = std::function<void(Result<std::string>)>;

constexpr Duration kInvisibleMost = 12h;
constexpr Duration kLeaseFallback = 30s;  ///< for a queue whose messages are visible again at once

TimePoint sqs_wall_now() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

std::string random_deduplication_id() {
  std::random_device random;
  std::string id = "forewarm";
  for (int i = 0; i < 4; ++i) (id += '-') += std::to_string(random());
  return id;
}

class SqsEngine final : public PolledEngine {
 public:
  SqsEngine(SqsOptions options, HttpCalls& calls) : options_(std::move(options)), calls_(calls) {}

  Limits limits() const override {
    return {.receive_max = 10, .batch_max = 10, .receivers_max = 10, .waits = options_.wait};
  }

  void look(std::function<void(Result<Facts>)> done) override;
  void receive(std::uint32_t most, Received done) override;
  void acknowledge(const std::vector<std::string>& tokens, EachTaken done) override;
  void change_leases(const std::vector<std::pair<std::string, Duration>>& leases, EachTaken done) override;
  void copy_dead_letter(const PolledMessage& message, const std::string& reason, Taken done) override;
  void publish(const LentMessage& message, Taken done) override;

 private:
  struct Calling {
    std::string action;
    std::string body;
    Duration waits{0};  ///< that the call itself takes when nothing comes
    int tries = 5;
  };
  void call(Calling calling, Answered done);
  void call_batch(const char* action, std::string body, std::size_t entries, EachTaken done);
  void send(const std::string& queue_url, const SqsSend& send, Taken done);
  Result<FetchRequest> signed_request(const Calling& calling) const;
  bool passing(const Result<HttpResponse>& answer, bool once);
  Error refusal(const std::string& action, const HttpResponse& answer) const;
  Error at(const std::string& action, const Error& why) const {
    return {why.code, "SQS, " + queue_url() + ", " + action + ": " + why.message + "; it is tried again"};
  }
  std::string queue_url() const { return options_.endpoint + options_.path; }

  const SqsOptions options_;
  HttpCalls& calls_;
  Duration lease_ = kLeaseFallback;
  bool fifo_ = false;
  std::string dead_letter_path_{};
};

Result<FetchRequest> SqsEngine::signed_request(const Calling& calling) const {
  auto credentials = options_.credentials->get();
  if (!credentials) return std::unexpected(credentials.error());
  FetchRequest request{.method = "POST", .url = options_.endpoint + "/", .body = calling.body};
  request.headers = {{"Content-Type", "application/x-amz-json-1.0"},
                     {"X-Amz-Target", "AmazonSQS." + calling.action}};
  sign(request, *credentials, {.region = options_.region, .service = "sqs", .time = sqs_wall_now()});
  return request;
}

// What is tried once is tried again with other credentials all the same.
bool SqsEngine::passing(const Result<HttpResponse>& answer, bool once) {
  const bool refused = answer && answer->status != 200;
  if (refused && parse_failure(*answer).is_of_credentials()) {
    options_.credentials->renew();
    return true;
  }
  if (once) return false;
  return HttpCalls::may_pass(answer) || (refused && parse_failure(*answer).is_throttling());
}

Error SqsEngine::refusal(const std::string& action, const HttpResponse& answer) const {
  const auto failure = parse_failure(answer);
  const std::string said = "SQS, " + queue_url() + ", " + action + ": " + failure.code +
                           (failure.text.empty() ? "" : ": " + failure.text);
  if (failure.is_throttling()) return {ErrorCode::Exhausted, said};
  if (answer.status >= 500 || answer.status == 429) return {ErrorCode::Io, said};
  if (failure.code == "QueueDoesNotExist" || failure.code == "AWS.SimpleQueueService.NonExistentQueue")
    return {ErrorCode::NotFound,
            said + "; create the queue, or correct the URL or the region (" + options_.region + ")"};
  if (failure.code.starts_with("AccessDenied") || failure.code.contains("NotAuthorized"))
    return {ErrorCode::Invalid, said + "; allow sqs:" + action.substr(0, action.find("Batch")) +
                                    " as docs/policies/sqs.json does"};
  if (failure.is_of_credentials() || failure.code.contains("Signature"))
    return {ErrorCode::Invalid, said + "; look at the credentials, the region (" + options_.region +
                                    ") and this machine's clock"};
  return {ErrorCode::Invalid, said};
}

void SqsEngine::call(Calling calling, Answered done) {
  const std::string action = calling.action;
  HttpCalls::Call made;
  made.timeout = std::chrono::ceil<std::chrono::milliseconds>(calling.waits) + std::chrono::seconds(10);
  const bool once = calling.tries == 1;
  made.tries = std::max(calling.tries, 2);
  made.request = [this, calling = std::move(calling)] { return signed_request(calling); };
  made.passing = [this, once](const Result<HttpResponse>& answer) { return passing(answer, once); };
  calls_.start(std::move(made), [this, action, done = std::move(done)](Result<HttpResponse> answer) {
    if (!answer) return done(std::unexpected(at(action, answer.error())));
    if (answer->status != 200) {
      if (parse_failure(*answer).is_of_credentials()) options_.credentials->renew();
      return done(std::unexpected(refusal(action, *answer)));
    }
    done(std::move(answer->body));
  });
}

void SqsEngine::look(std::function<void(Result<Facts>)> done) {
  call({.action = "GetQueueAttributes", .body = queue_attributes_json(queue_url()), .tries = 2},
       [this, done = std::move(done)](const Result<std::string>& answer) {
         if (!answer) return done(std::unexpected(answer.error()));
         const auto queue = parse_queue_attributes(*answer);
         if (!queue) return done(std::unexpected(at("GetQueueAttributes", queue.error())));
         fifo_ = queue->fifo;
         dead_letter_path_ = queue_path_of_arn(queue->dead_letter_arn);
         lease_ = options_.visibility;
         if (lease_ == Duration(0)) lease_ = std::chrono::seconds(queue->visibility_s.value_or(0));
         if (lease_ == Duration(0)) lease_ = kLeaseFallback;
         Facts facts;
         facts.traits = {.counts_deliveries = true,
                         .release_delay_max = kInvisibleMost,
                         .dead_letters = !dead_letter_path_.empty(),
                         .lease = lease_,
                         .lease_total_max = kInvisibleMost,
                         .deliveries_max = queue->receives_max};
         facts.depth.waiting = queue->waiting;
         facts.depth.in_flight = queue->in_flight;
         done(facts);
       });
}

void SqsEngine::receive(std::uint32_t most, Received done) {
  const auto visibility = std::chrono::ceil<std::chrono::seconds>(lease_).count();
  const auto wait = std::chrono::floor<std::chrono::seconds>(options_.wait).count();
  // Tried once: the source asks again by itself.
  call({.action = "ReceiveMessage",
        .body = receive_json(queue_url(), {.most = most,
                                           .visibility_s = static_cast<std::uint32_t>(visibility),
                                           .wait_s = static_cast<std::uint32_t>(wait)}),
        .waits = options_.wait,
        .tries = 1},
       [this, lease = lease_, done = std::move(done)](const Result<std::string>& answer) {
         if (!answer) return done(std::unexpected(answer.error()));
         auto messages = parse_received(*answer);
         if (!messages) return done(std::unexpected(at("ReceiveMessage", messages.error())));
         const auto until = sqs_wall_now() + lease;
         for (auto& polled : *messages) polled.message.lent_until = until;
         done(std::move(messages));
       });
}

void SqsEngine::call_batch(const char* action, std::string body, std::size_t entries, EachTaken done) {
  call({.action = action, .body = std::move(body)},
       [entries, done = std::move(done)](const Result<std::string>& answer) {
         // The call has been tried often enough: its entries are not, each for itself.
         if (!answer) {
           const Error why{ErrorCode::Closed, answer.error().message};
           return done(std::vector<Result<void>>(entries, std::unexpected(why)));
         }
         done(parse_batch(*answer, entries));
       });
}

void SqsEngine::acknowledge(const std::vector<std::string>& tokens, EachTaken done) {
  call_batch("DeleteMessageBatch", delete_batch_json(queue_url(), tokens), tokens.size(), std::move(done));
}

void SqsEngine::change_leases(const std::vector<std::pair<std::string, Duration>>& leases, EachTaken done) {
  call_batch("ChangeMessageVisibilityBatch", change_visibility_batch_json(queue_url(), leases), leases.size(),
             std::move(done));
}

void SqsEngine::send(const std::string& queue_url, const SqsSend& send, Taken done) {
  call({.action = "SendMessage", .body = send_json(queue_url, send)},
       [done = std::move(done)](const Result<std::string>& answer) {
         done(answer ? Result<void>() : std::unexpected(answer.error()));
       });
}

void SqsEngine::copy_dead_letter(const PolledMessage& message, const std::string& reason, Taken done) {
  if (dead_letter_path_.empty()) {
    return done(error(ErrorCode::Conflict,
                      "SQS, " + queue_url() +
                          " has no RedrivePolicy, so there is no queue for its dead letters; set one, or "
                          "dead_letters = \"here\". The message comes again when its lease is over"));
  }
  const bool fifo = dead_letter_path_.ends_with(".fifo");
  send(options_.endpoint + dead_letter_path_,
       {.body = message.message.body,
        .attributes = message.message.attributes,
        .origin = message.origin,
        .reason = reason,
        .group = fifo ? message.message.group : "",
        // A second copy within SQS's five minutes is none.
        .deduplication_id = fifo ? message.message.id : ""},
       std::move(done));
}

void SqsEngine::publish(const LentMessage& message, Taken done) {
  std::string deduplication_id;
  if (fifo_) deduplication_id = message.id.empty() ? random_deduplication_id() : message.id;
  const std::string group = fifo_ && message.group.empty() ? "default" : message.group;
  send(queue_url(),
       {.body = message.body,
        .attributes = message.attributes,
        .group = group,
        .deduplication_id = deduplication_id},
       std::move(done));
}

}  // namespace

std::unique_ptr<MessageSource> make_sqs_source(SqsOptions options) {
  HttpCalls::Options calling;
  calling.ca_file = options.ca_file;
  calling.seed = std::random_device{}();
  auto calls = std::make_unique<HttpCalls>(std::move(calling));
  auto engine = std::make_unique<SqsEngine>(std::move(options), *calls);
  return make_polled_source(std::move(calls), std::move(engine));
}

}  // namespace forewarm
