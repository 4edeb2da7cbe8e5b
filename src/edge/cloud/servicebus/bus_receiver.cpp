#include "edge/cloud/servicebus/bus_receiver.h"

#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/disposition.h>
#include <proton/terminus.h>

#include <algorithm>
#include <utility>

#include "edge/cloud/servicebus/bus_data.h"
#include "edge/cloud/servicebus/bus_message.h"

namespace forewarm {
namespace {

constexpr const char* kDeadLetter = "com.microsoft:dead-letter";
constexpr std::chrono::seconds kTakenWithin{20};
// Service Bus refuses longer ones.
constexpr std::size_t kReasonMost = 4096;

std::string token_of(pn_delivery_t* delivery) {
  const auto tag = pn_delivery_tag(delivery);
  return lock_token_of_tag({tag.start, tag.size});
}

}  // namespace

void put_dead_letter(pn_delivery_t* delivery, const std::string& reason) {
  std::string shown = reason.substr(0, kReasonMost);
  while (!shown.empty() && shown.size() < reason.size() && (shown.back() & 0x80) != 0) shown.pop_back();
  pn_condition_t* condition = pn_disposition_condition(pn_delivery_local(delivery));
  pn_condition_set_name(condition, kDeadLetter);
  pn_data_t* info = pn_condition_info(condition);
  pn_data_clear(info);
  pn_data_put_map(info);
  pn_data_enter(info);
  put_symbol(info, "DeadLetterReason");
  put_text(info, shown.empty() ? "forewarm" : shown);
  put_symbol(info, "DeadLetterErrorDescription");
  put_text(info, "dead-lettered by forewarm");
  pn_data_exit(info);
}

ErrorCode bus_error_code(std::string_view condition) {
  const auto is = [condition](std::string_view name) { return condition.starts_with(name); };
  if (is("com.microsoft:server-busy") || is("amqp:resource-limit-exceeded")) return ErrorCode::Exhausted;
  if (is("com.microsoft:message-lock-lost") || is("com.microsoft:session-lock-lost"))
    return ErrorCode::Closed;
  // The link does not know it; the queue may.
  if (is("amqp:not-found") || is("amqp:internal-error") || is("com.microsoft:timeout")) return ErrorCode::Io;
  if (is("amqp:unauthorized-access") || is("com.microsoft:auth-failed")) return ErrorCode::Invalid;
  return ErrorCode::Conflict;
}

BusReceiver::BusReceiver(pn_session_t* session, const std::string& queue, const std::string& name,
                         std::string place, Heard heard, const std::function<void(pn_link_t*)>& say)
    : place_(std::move(place)), heard_(std::move(heard)), link_(pn_receiver(session, name.c_str())) {
  pn_terminus_set_address(pn_link_source(link_), queue.c_str());
  pn_terminus_set_address(pn_link_target(link_), name.c_str());
  pn_link_set_snd_settle_mode(link_, PN_SND_UNSETTLED);
  pn_link_set_rcv_settle_mode(link_, PN_RCV_SECOND);
  if (say) say(link_);
  pn_link_open(link_);
}

BusReceiver::~BusReceiver() {
  pn_link_close(link_);
  pn_link_free(link_);
}

// A link that is refused is answered without a source first, and then ended with the reason.
bool BusReceiver::attached() const {
  return (pn_link_state(link_) & PN_REMOTE_ACTIVE) != 0 &&
         pn_terminus_get_address(pn_link_remote_source(link_)) != nullptr;
}

void BusReceiver::take(pn_delivery_t* delivery) {
  if (pn_delivery_aborted(delivery)) {
    (void)coming_.message();
    return pn_delivery_settle(delivery);
  }
  if (pn_delivery_readable(delivery) && coming_.take(link_, delivery)) receive(delivery);
  if (pn_delivery_settled(delivery)) settled(delivery);
}

void BusReceiver::receive(pn_delivery_t* delivery) {
  const std::string token = token_of(delivery);
  const auto message = coming_.message();
  if (token.empty()) return refuse(delivery, "it came without a lock token");
  if (!message) return refuse(delivery, message.error().message);
  deliveries_[token] = delivery;
  LentMessage lent = lent_of_bus_message(message->get());
  lent.token = token;
  if (lent.id.empty()) lent.id = token;
  heard_.arrived(std::move(lent));
}

// It would come again and again: where dead letters are it can be looked at.
void BusReceiver::refuse(pn_delivery_t* delivery, const std::string& why) {
  put_dead_letter(delivery, "forewarm cannot read it: " + why);
  pn_delivery_update(delivery, PN_REJECTED);
  pn_delivery_settle(delivery);
}

void BusReceiver::want(std::uint32_t messages, std::uint32_t window) {
  if (pn_link_draining(link_)) return;
  const auto allowed = static_cast<std::uint32_t>(std::max(pn_link_credit(link_), 0));
  if (messages > allowed) {
    pn_link_flow(link_, static_cast<int>(messages - allowed));
  } else if (allowed > messages + (window == 0 ? 0 : window / 4 + 1)) {
    pn_link_drain(link_, 0);
  }
}

bool BusReceiver::settle(const Settlement& settlement, Taken taken) {
  const auto found = deliveries_.find(settlement.token);
  if (found == deliveries_.end() || settling_.contains(settlement.token)) return false;
  pn_delivery_t* delivery = found->second;
  settling_[settlement.token] = {std::move(taken), settlement.kind, Clock::now() + kTakenWithin};
  switch (settlement.kind) {
    case SettleKind::Acknowledge:
      pn_delivery_update(delivery, PN_ACCEPTED);
      return true;
    case SettleKind::Release:
      // Not "modified", by which a client says that the message has failed there.
      pn_delivery_update(delivery, PN_RELEASED);
      return true;
    case SettleKind::DeadLetter:
      put_dead_letter(delivery, settlement.reason);
      pn_delivery_update(delivery, PN_REJECTED);
      return true;
  }
  return true;
}

void BusReceiver::settled(pn_delivery_t* delivery) {
  const std::string token = token_of(delivery);
  const auto found = settling_.find(token);
  if (found == settling_.end()) {
    deliveries_.erase(token);
    pn_delivery_settle(delivery);
    return heard_.unlocked(token);
  }
  const Settling settling = std::move(found->second);
  const auto result = outcome(delivery, settling.kind);
  settling_.erase(found);
  deliveries_.erase(token);
  pn_delivery_settle(delivery);
  settling.taken(result);
}

Result<void> BusReceiver::outcome(pn_delivery_t* delivery, SettleKind kind) const {
  const auto state = pn_delivery_remote_state(delivery);
  const std::string condition = condition_of(delivery);
  // Some answer with the outcome itself, some with "accepted", some with none.
  if (condition.empty() || condition.starts_with(kDeadLetter)) {
    if (state == 0 || state == PN_ACCEPTED || kind == SettleKind::DeadLetter) return {};
    if (kind == SettleKind::Release && (state == PN_RELEASED || state == PN_MODIFIED)) return {};
    return error(ErrorCode::Io, place_ + " gave the message another outcome than it was settled with");
  }
  return error(bus_error_code(condition), place_ + " did not settle the message (" + condition +
                                              "); it comes again if it was not settled");
}

void BusReceiver::expire(Clock::time_point now) {
  std::vector<std::string> late;
  for (const auto& [token, settling] : settling_) {
    if (settling.until <= now) late.push_back(token);
  }
  for (const auto& token : late) {
    // From now on it is the management link's.
    deliveries_.erase(token);
    const auto taken = std::move(settling_.extract(token).mapped().taken);
    taken(error(ErrorCode::Io, place_ + " does not answer a settlement"));
  }
}

void BusReceiver::end(const Error& why) {
  deliveries_.clear();
  for (auto& [token, settling] : std::exchange(settling_, {})) settling.taken(std::unexpected(why));
}

}  // namespace forewarm
