#include "edge/cloud/rabbitmq/publisher.h"

#include <utility>

namespace forewarm {

Result<void> RabbitMqPublisher::publish(const LentMessage& message, Done done) {
  if (auto opened = open(); !opened) {
    done(opened);
    return {};
  }
  unconfirmed_[++published_] = std::move(done);
  const AmqpProperties properties(message);
  return link_.publish(kChannel, options_.queue, properties.get(), message.body);
}

Result<void> RabbitMqPublisher::count(Counted done) {
  if (auto opened = open(); !opened) {
    done(std::unexpected(opened.error()));
    return {};
  }
  counts_.push_back(std::move(done));
  amqp_queue_declare_t declare{};
  declare.queue = amqp_borrow(options_.queue);
  declare.passive = 1;
  return link_.send(kChannel, AMQP_QUEUE_DECLARE_METHOD, &declare);
}

Result<void> RabbitMqPublisher::open() {
  if (open_) return {};
  if (auto opened = link_.open_channel(kChannel); !opened) return opened;
  if (auto selected = link_.select_confirms(kChannel); !selected) return selected;
  open_ = true;
  published_ = 0;
  return {};
}

Result<void> RabbitMqPublisher::take(const amqp_frame_t& frame) {
  // Properties and body of a message that came back are ours already.
  return frame.frame_type == AMQP_FRAME_METHOD ? take_method(frame.payload.method) : Result<void>();
}

Result<void> RabbitMqPublisher::take_method(const amqp_method_t& method) {
  switch (method.id) {
    case AMQP_BASIC_RETURN_METHOD:
      returned_ = true;
      return {};
    case AMQP_BASIC_ACK_METHOD: {
      const auto& ack = *static_cast<amqp_basic_ack_t*>(method.decoded);
      Result<void> taken;
      if (std::exchange(returned_, false)) {
        taken = error(ErrorCode::NotFound, link_.place() + " has no queue \"" + options_.queue +
                                               "\" in virtual host \"" + options_.vhost + "\"; declare it");
      }
      confirm(ack.delivery_tag, ack.multiple != 0, taken);
      return {};
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto& nack = *static_cast<amqp_basic_nack_t*>(method.decoded);
      confirm(
          nack.delivery_tag, nack.multiple != 0,
          error(ErrorCode::Exhausted, link_.place() + " did not take the message for queue \"" +
                                          options_.queue + "\" (it is full, or a disk is); try again later"));
      return {};
    }
    case AMQP_QUEUE_DECLARE_OK_METHOD: {
      const auto done = std::move(counts_.front());
      counts_.pop_front();
      done(static_cast<amqp_queue_declare_ok_t*>(method.decoded)->message_count);
      return {};
    }
    case AMQP_CHANNEL_CLOSE_METHOD: {
      const auto& close = *static_cast<amqp_channel_close_t*>(method.decoded);
      const Error why = link_.closed(close.reply_code, amqp_view(close.reply_text));
      amqp_channel_close_ok_t ok{};
      auto sent = link_.send(kChannel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
      end(why);
      return sent;
    }
    default:
      return {};
  }
}

void RabbitMqPublisher::confirm(std::uint64_t tag, bool multiple, const Result<void>& taken) {
  const auto end = unconfirmed_.upper_bound(tag);
  for (auto one = multiple ? unconfirmed_.begin() : unconfirmed_.find(tag);
       one != end && one != unconfirmed_.end();) {
    const Done done = std::move(one->second);
    one = unconfirmed_.erase(one);
    done(taken);
  }
}

void RabbitMqPublisher::end(const Error& why) {
  open_ = false;
  returned_ = false;
  for (const auto& [tag, done] : std::exchange(unconfirmed_, {})) done(std::unexpected(why));
  for (const auto& done : std::exchange(counts_, {})) done(std::unexpected(why));
}

}  // namespace forewarm
