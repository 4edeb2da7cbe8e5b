#include "edge/cloud/nats/nats_pulls.h"

#include <algorithm>
#include <random>
#include <utility>

namespace forewarm {
namespace {

constexpr Duration kExpires = std::chrono::seconds(30);
// The server's word that a request has expired may be late, or lost with a leader.
constexpr std::chrono::seconds kGrace{5};

}  // namespace

NatsPulls::NatsPulls(NatsLink& link, const NatsOptions& options, const ConsumerFacts& consumer,
                     NatsRequests::Post post, Heard heard)
    : link_(link),
      options_(options),
      consumer_(consumer),
      post_(std::move(post)),
      heard_(std::move(heard)),
      backoff_(std::random_device{}()) {}

Duration NatsPulls::expires() const {
  return std::min(kExpires, consumer_.expires_max.value_or(kExpires));
}

// The server wants no more than half of the time.
Duration NatsPulls::heartbeat() const {
  return std::min(Duration(options_.heartbeat), expires() / 2);
}

bool NatsPulls::silent(Clock::time_point now) const {
  return !pulls_.empty() && now - heard_at_ > 2 * heartbeat();
}

std::uint32_t NatsPulls::requested() const {
  std::uint32_t sum = 0;
  for (const auto& [number, pull] : pulls_) sum += pull.remaining;
  return sum;
}

// With a quarter of the window to spare there is one request for many messages instead of one for each.
void NatsPulls::follow_window(std::uint32_t window, std::uint32_t here, Clock::time_point now) {
  std::erase_if(
      pulls_, [now](const auto& entry) { return entry.second.remaining == 0 || entry.second.until <= now; });
  std::erase_if(withdrawn_, [](const auto& entry) { return entry.second.inbox->ended(); });
  while (!pulls_.empty() && requested() + here > window + window / 4) {
    auto newest = pulls_.extract(std::prev(pulls_.end()));
    newest.mapped().inbox->drain();
    withdrawn_.insert(std::move(newest));
  }
  const std::uint32_t taken = requested() + here;
  if (taken >= window || now < not_before_) return;
  const std::uint32_t room = window - taken;
  if (pulls_.empty() || room >= std::max(1U, window / 4))
    request(std::min(room, consumer_.batch_max.value_or(10'000)), now);
}

void NatsPulls::request(std::uint32_t batch, Clock::time_point now) {
  const auto number = ++last_;
  const std::string inbox = link_.inbox();
  if (pulls_.empty()) heard_at_ = now;
  Pull& pull = pulls_[number];
  pull.remaining = batch;
  pull.until = now + expires() + kGrace;
  pull.inbox = link_.subscribe(inbox, [this, number](const NatsMessage& message) {
    post_([this, number, message] { answer(number, message); });
  });
  const auto sent = link_.publish("$JS.API.CONSUMER.MSG.NEXT." + options_.stream + "." + options_.consumer,
                                  inbox, pull_json(batch, expires(), heartbeat()));
  if (!sent) heard_.fail(sent.error());
}

void NatsPulls::answer(std::uint64_t number, const NatsMessage& message) {
  heard_at_ = Clock::now();
  const auto delivery = parse_delivery(nats_reply_subject(message));
  if (!delivery) return status(number, message);
  const auto pull = pulls_.find(number);
  if (pull != pulls_.end() && pull->second.remaining > 0) --pull->second.remaining;
  accept();
  heard_.take(message, *delivery);
}

// 408: expired; 404: there is none; 409: a limit, or the consumer is gone; 503: nobody answers; 100: still
// there. Others are of a request that the server does not like.
void NatsPulls::status(std::uint64_t number, const NatsMessage& message) {
  const auto code = nats_header(message, "Status");
  const std::string description(nats_header(message, "Description"));
  if (code == "100") return accept();
  const auto pull = pulls_.find(number);
  if (pull != pulls_.end()) pull->second.remaining = 0;
  const std::string place =
      link_.place() + ", consumer \"" + options_.consumer + "\" of stream \"" + options_.stream + "\"";
  if (code == "503") {
    heard_.fail({ErrorCode::NotFound,
                 place + ": nobody answers pull requests; check that stream and consumer are there"});
  } else if (code == "409" && description.contains("MaxWaiting")) {
    refuse(
        {ErrorCode::Exhausted, place + ": " + description +
                                   ", others wait for its messages too; raise its max_waiting, or let fewer "
                                   "wait. It is tried again until there is room"});
  } else if (code == "404" || code == "408" || description.contains("Leadership") ||
             description.contains("Batch Completed")) {
    accept();
  } else {
    heard_.fail({ErrorCode::Conflict, place + ": " + description + "; check the consumer and its limits"});
  }
}

// What is lent stays so: only that there is no more for now.
void NatsPulls::refuse(const Error& why) {
  refused_ = true;
  not_before_ = Clock::now() + backoff_.next();
  heard_.refused(std::unexpected(why));
}

void NatsPulls::accept() {
  if (!std::exchange(refused_, false)) return;
  backoff_.reset();
  heard_.refused({});
}

}  // namespace forewarm
