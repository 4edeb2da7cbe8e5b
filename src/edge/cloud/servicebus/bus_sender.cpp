#include "edge/cloud/servicebus/bus_sender.h"

#include <proton/disposition.h>
#include <proton/terminus.h>

#include <utility>

#include "edge/cloud/servicebus/bus_data.h"
#include "edge/cloud/servicebus/bus_message.h"
#include "edge/cloud/servicebus/bus_receiver.h"
#include "edge/cloud/servicebus/request_link.h"

namespace forewarm {

void BusSender::publish(const LentMessage& message, Done done) {
  if (link_ == nullptr) {
    const std::string name = "published-" + std::to_string(++links_);
    link_ = pn_sender(session_, name.c_str());
    pn_terminus_set_address(pn_link_source(link_), name.c_str());
    pn_terminus_set_address(pn_link_target(link_), queue_.c_str());
    pn_link_set_snd_settle_mode(link_, PN_SND_UNSETTLED);
    pn_link_open(link_);
  }
  const auto made = make_proton_message();
  fill_bus_message(message, made.get());
  const auto put = put_message(link_, made.get(), ++sent_);
  if (!put) return done(error(put.error().code, place_ + ": " + put.error().message));
  unanswered_[*put] = std::move(done);
}

void BusSender::take(pn_delivery_t* delivery) {
  const auto state = pn_delivery_remote_state(delivery);
  const auto found = unanswered_.find(delivery);
  if (found == unanswered_.end() || (state == 0 && !pn_delivery_settled(delivery))) return;
  const Done done = std::move(found->second);
  unanswered_.erase(found);
  Result<void> taken;
  if (state != PN_ACCEPTED) {
    const auto condition = condition_of(delivery);
    taken = error(bus_error_code(condition),
                  place_ + " did not take the message" + (condition.empty() ? "" : " (" + condition + ")"));
  }
  pn_delivery_settle(delivery);
  done(taken);
}

void BusSender::end(const Error& why) {
  if (link_ != nullptr) {
    pn_link_close(link_);
    pn_link_free(std::exchange(link_, nullptr));
  }
  for (auto& [delivery, done] : std::exchange(unanswered_, {})) done(std::unexpected(why));
}

}  // namespace forewarm
