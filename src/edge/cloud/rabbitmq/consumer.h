#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "edge/cloud/message_source.h"
#include "edge/cloud/rabbitmq/amqp_content.h"
#include "edge/cloud/rabbitmq/amqp_link.h"

namespace forewarm {

/// The channel of one connection on which messages come and are settled. Any error ends the connection.
class RabbitMqConsumer {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr amqp_channel_t kChannel = 1;

  /// `connection` numbers the connections of a source: a token of another one is never sent on this channel,
  /// where the same delivery tag means another message.
  RabbitMqConsumer(AmqpLink& link, const RabbitMqOptions& options, const MessageSource::Listener& listener,
                   std::uint64_t connection);

  void set_window(std::uint32_t unsettled_max) { window_ = unsettled_max; }
  Result<void> settle(const Settlement& settlement, bool dead_letters);
  /// A frame of the channel.
  Result<void> take(const amqp_frame_t& frame);
  /// After frames and commands: lends what may be lent, asks for the answer to what was settled, lets the
  /// consumer follow the window and gives back what the broker's consumer_timeout would end the channel for.
  Result<void> flush(Clock::time_point now);
  /// The connection is over: says which tokens are lost, and what was settled without an answer.
  void end(const Error& why);

 private:
  struct Unsettled {
    std::uint64_t consumer = 0;
    Clock::time_point since{};
    std::string digest_id{};  ///< the id that was made for it, if it had none
  };
  struct Sent {
    std::string token;
    SettleKind kind = SettleKind::Acknowledge;
  };

  Result<void> take_method(const amqp_method_t& method);
  void take_content();
  void lend();
  void name(LentMessage& message, Unsettled& unsettled);
  Result<void> follow_window();
  Result<void> consume(std::uint16_t prefetch);
  Result<void> cancel();
  Result<void> give_back_held();
  Result<void> give_back_old(Clock::time_point now);
  Result<void> ask_for_answer();
  Result<void> reject(std::uint64_t tag, bool requeue);
  std::string token(std::uint64_t tag) const;
  std::optional<std::uint64_t> tag_of(std::string_view token) const;
  void forget(std::map<std::uint64_t, Unsettled>::iterator lent);

  AmqpLink& link_;
  const RabbitMqOptions& options_;
  const MessageSource::Listener& listener_;
  std::string prefix_;  ///< of the connection's tokens
  std::uint32_t window_ = 0;
  std::uint32_t prefetch_ = 0;                       ///< of the consumer there is; 0: there is none
  std::uint64_t consumer_ = 0;                       ///< the number of the latest, which is its tag
  std::optional<Clock::time_point> consuming_by_{};  ///< when the broker should have begun
  std::optional<AmqpContent> coming_{};
  std::deque<AmqpContent> held_{};             ///< sent ahead of the window, oldest first
  std::map<std::uint64_t, Unsettled> lent_{};  ///< by delivery tag, so oldest first
  std::set<std::string> digest_ids_{};         ///< made for messages that are lent
  std::vector<Sent> sent_{};                   ///< settled since the last question
  std::deque<std::vector<Sent>> asked_{};      ///< before each question that has no answer yet
};

}  // namespace forewarm
