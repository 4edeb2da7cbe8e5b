#include "edge/cloud/nats/nats_requests.h"

#include <charconv>
#include <utility>

namespace forewarm {
namespace {

constexpr std::chrono::seconds kAnswerWithin{5};

}  // namespace

NatsRequests::NatsRequests(NatsLink& link, const Post& post) : link_(link), inbox_(link.inbox() + ".") {
  answers_ = link.subscribe(inbox_ + "*", [this, post](NatsMessage answer) {
    post([this, answer = std::move(answer)] { take(answer); });
  });
}

void NatsRequests::send(const std::string& subject, std::string_view data, Done done,
                        const NatsHeaders& headers) {
  const auto number = ++sent_;
  if (auto sent = link_.publish(subject, inbox_ + std::to_string(number), data, headers); !sent) {
    return done(std::unexpected(sent.error()));
  }
  waiting_[number] = {.subject = subject, .until = Clock::now() + kAnswerWithin, .done = std::move(done)};
}

void NatsRequests::take(const NatsMessage& answer) {
  std::string_view number_text = natsMsg_GetSubject(answer.get());
  number_text.remove_prefix(inbox_.size());
  std::uint64_t number = 0;
  std::from_chars(number_text.data(), number_text.data() + number_text.size(), number);
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  const Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  if (nats_data(answer).empty() && nats_header(answer, "Status") == "503") {
    return waiting.done(
        error(ErrorCode::NotFound, link_.place() + ": nobody takes what is sent to \"" + waiting.subject +
                                       "\"; check the subject, and that its stream is there"));
  }
  waiting.done(std::string(nats_data(answer)));
}

void NatsRequests::expire(Clock::time_point now) {
  while (!waiting_.empty() && waiting_.begin()->second.until <= now) {
    const Waiting waiting = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    waiting.done(error(ErrorCode::Io, link_.place() + " did not answer what was sent to \"" +
                                          waiting.subject + "\" within 5 s" + link_.complaint()));
  }
}

void NatsRequests::end(const Error& why) {
  answers_.reset();
  for (const auto& [number, waiting] : std::exchange(waiting_, {})) waiting.done(std::unexpected(why));
}

}  // namespace forewarm
