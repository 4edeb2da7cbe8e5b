#include "edge/cloud/servicebus/request_link.h"

#include <proton/codec.h>
#include <proton/disposition.h>
#include <proton/terminus.h>

#include <charconv>
#include <cstdlib>

#include "edge/cloud/servicebus/bus_data.h"

namespace forewarm {
namespace {

constexpr std::chrono::seconds kAnswerWithin{15};
constexpr int kAnswersAhead = 100;

std::optional<std::uint64_t> correlation_of(pn_message_t* message) {
  pn_data_t* id = pn_message_correlation_id(message);
  pn_data_rewind(id);
  if (!pn_data_next(id)) return std::nullopt;
  if (pn_data_type(id) == PN_ULONG) return pn_data_get_ulong(id);
  const auto text = data_text(id);
  std::uint64_t number = 0;
  if (!text) return std::nullopt;
  const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (failure != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

struct FreeBytes {
  void operator()(char* bytes) const { std::free(bytes); }
};

}  // namespace

bool ComingMessage::take(pn_link_t* link, pn_delivery_t* delivery) {
  while (const auto pending = pn_delivery_pending(delivery)) {
    const auto before = bytes_.size();
    bytes_.resize(before + pending);
    const auto got = pn_link_recv(link, bytes_.data() + before, pending);
    bytes_.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got <= 0) break;
  }
  if (pn_delivery_partial(delivery)) return false;
  pn_link_advance(link);
  return true;
}

Result<ProtonMessage> ComingMessage::message() {
  return decode_bus_message(std::exchange(bytes_, {}));
}

Result<ProtonMessage> decode_bus_message(std::string_view bytes) {
  auto message = make_proton_message();
  // Proton ends the process when there are no bytes.
  if (bytes.empty() || pn_message_decode(message.get(), bytes.data(), bytes.size()) != 0)
    return error(ErrorCode::Corrupt, "what came is no message of AMQP 1.0");
  return message;
}

Result<pn_delivery_t*> put_message(pn_link_t* link, pn_message_t* message, std::uint64_t tag) {
  pn_rwbytes_t buffer{0, nullptr};
  const auto size = pn_message_encode2(message, &buffer);
  const std::unique_ptr<char, FreeBytes> owned(buffer.start);
  if (size < 0) return error(ErrorCode::Invalid, "the message cannot be written as one of AMQP 1.0");
  const std::string text = std::to_string(tag);
  pn_delivery_t* delivery = pn_delivery(link, pn_dtag(text.data(), text.size()));
  pn_link_send(link, buffer.start, static_cast<std::size_t>(size));
  pn_link_advance(link);
  return delivery;
}

Result<BusAnswer> parse_bus_answer(pn_message_t* message) {
  BusAnswer answer;
  bool has_status = false;
  // $cbs writes its names in another way than $management does.
  for_each_entry(pn_message_properties(message), [&](std::string_view name, pn_data_t* value) {
    if (name == "statusCode" || name == "status-code") {
      const auto status = data_whole_number(value);
      has_status = status.has_value();
      answer.status = static_cast<int>(status.value_or(0));
    }
    if (name == "statusDescription" || name == "status-description")
      answer.description = data_text(value).value_or("");
  });
  if (!has_status) return error(ErrorCode::Corrupt, "the answer has no status");
  for_each_entry(pn_message_body(message), [&](std::string_view name, pn_data_t* value) {
    if (name == "expirations") answer.expirations = data_times(value);
    if (name != "expiration") return;
    if (const auto until = data_time(value)) answer.expirations = {*until};
  });
  return answer;
}

RequestLink::RequestLink(pn_session_t* session, const std::string& node, const std::string& name)
    : node_(node),
      reply_to_(name + "-answers"),
      sender_(pn_sender(session, (name + "-requests").c_str())),
      receiver_(pn_receiver(session, reply_to_.c_str())) {
  pn_terminus_set_address(pn_link_target(sender_), node.c_str());
  pn_terminus_set_address(pn_link_source(sender_), (name + "-requests").c_str());
  pn_terminus_set_address(pn_link_source(receiver_), node.c_str());
  pn_terminus_set_address(pn_link_target(receiver_), reply_to_.c_str());
  pn_link_set_snd_settle_mode(receiver_, PN_SND_SETTLED);
  pn_link_open(receiver_);
  pn_link_flow(receiver_, kAnswersAhead);
  pn_link_open(sender_);
}

RequestLink::~RequestLink() {
  for (pn_link_t* link : {sender_, receiver_}) {
    pn_link_close(link);
    pn_link_free(link);
  }
}

void RequestLink::send(const std::function<void(pn_message_t*)>& fill, Done done) {
  const auto message = make_proton_message();
  fill(message.get());
  const std::uint64_t number = ++sent_;
  pn_data_t* id = pn_message_id(message.get());
  pn_data_clear(id);
  put_text(id, std::to_string(number));
  pn_message_set_reply_to(message.get(), reply_to_.c_str());
  auto put = put_message(sender_, message.get(), number);
  if (!put) return done(std::unexpected(put.error()));
  waiting_[number] = {std::move(done), Clock::now() + kAnswerWithin};
}

void RequestLink::take(pn_delivery_t* delivery) {
  if (pn_delivery_link(delivery) == sender_) {
    // What a request is answered with is on the other link, unless the node would not have it at all.
    if (pn_delivery_remote_state(delivery) == PN_REJECTED) {
      const auto tag = pn_delivery_tag(delivery);
      std::uint64_t number = 0;
      std::from_chars(tag.start, tag.start + tag.size, number);
      const auto why = condition_of(delivery);
      answer(number,
             error(why.starts_with("com.microsoft:server-busy") ? ErrorCode::Exhausted : ErrorCode::Io,
                   node_ + " rejected a request (" + why + ")"));
    }
    if (pn_delivery_settled(delivery) || pn_delivery_remote_state(delivery) != 0)
      pn_delivery_settle(delivery);
    return;
  }
  if (!pn_delivery_readable(delivery) || !coming_.take(receiver_, delivery)) return;
  const auto message = coming_.message();
  pn_delivery_update(delivery, PN_ACCEPTED);
  pn_delivery_settle(delivery);
  pn_link_flow(receiver_, 1);
  if (!message) return;
  if (const auto number = correlation_of(message->get())) answer(*number, parse_bus_answer(message->get()));
}

void RequestLink::answer(std::uint64_t number, const Result<BusAnswer>& answer) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  const auto done = std::move(found->second.done);
  waiting_.erase(found);
  done(answer);
}

void RequestLink::expire(Clock::time_point now) {
  std::vector<std::uint64_t> late;
  for (const auto& [number, waiting] : waiting_) {
    if (waiting.until <= now) late.push_back(number);
  }
  for (const auto number : late) answer(number, error(ErrorCode::Io, node_ + " does not answer"));
}

void RequestLink::end(const Error& why) {
  for (auto& [number, waiting] : std::exchange(waiting_, {})) waiting.done(std::unexpected(why));
}

}  // namespace forewarm
