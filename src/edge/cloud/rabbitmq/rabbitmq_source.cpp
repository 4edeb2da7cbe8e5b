#include "edge/cloud/rabbitmq/rabbitmq_source.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "edge/cloud/engine_thread.h"
#include "edge/cloud/rabbitmq/amqp_link.h"
#include "edge/cloud/rabbitmq/consumer.h"
#include "edge/cloud/rabbitmq/management.h"
#include "edge/cloud/rabbitmq/publisher.h"

namespace forewarm {
namespace {

/// Blocking librabbitmq on a thread of its own, which sleeps on the socket and on the commands of others.
class RabbitMqQueue final : public MessageSource {
 public:
  explicit RabbitMqQueue(RabbitMqOptions options) : options_(std::move(options)) {
    traits_.counts_deliveries = options_.delivery_limit.has_value();
    traits_.dead_letters = options_.dead_letters;
    traits_.deliveries_max = options_.delivery_limit;
    traits_.lease_total_max = options_.consumer_timeout;
  }

  ~RabbitMqQueue() override {
    fetching_.request_stop();
    thread_.stop();
  }

  void start(Listener listener) override {
    listener_ = std::move(listener);
    thread_.start({.connect = [this] { return connect(); },
                   .serve = [this](const std::stop_token& stop) { return serve(stop); },
                   .state = listener_.state,
                   .close = [this] { session_.reset(); },
                   .interrupt = [this] { breaker_.shut(); }});
  }

  void set_window(std::uint32_t unsettled_max) override {
    thread_.post([this, unsettled_max] {
      window_ = unsettled_max;
      if (session_) session_->consumer.set_window(unsettled_max);
    });
  }

  void settle(std::vector<Settlement> settlements) override {
    thread_.post([this, settlements = std::move(settlements)] {
      for (const auto& settlement : settlements) settle_one(settlement);
    });
  }

  // What is delivered stays so for as long as the connection lives.
  void extend(std::vector<std::string>) override {}

  void observe(std::function<void(Result<QueueDepth>)> done) override {
    thread_.post([this, done = std::move(done)]() mutable {
      if (options_.management_url.empty()) return count(ManagedQueue(), std::move(done));
      observers_.push_back(std::move(done));
      if (observers_.size() == 1) ask_management_apart();
    });
  }

  void publish(LentMessage message, std::function<void(Result<void>)> done) override {
    thread_.post([this, message = std::move(message), done = std::move(done)] {
      if (!session_ || failure_) return done(std::unexpected(not_connected()));
      keep(session_->publisher.publish(message, done));
    });
  }

  EngineTraits traits() const override {
    const std::lock_guard lock(traits_mutex_);
    return traits_;
  }

 private:
  struct Session {
    std::unique_ptr<AmqpLink> link;
    RabbitMqConsumer consumer;
    RabbitMqPublisher publisher;
  };

  Error serve(const std::stop_token& stop);
  void work(const std::stop_token& stop);
  Result<void> connect();
  Result<void> read_frames();
  Result<void> take(const amqp_frame_t& frame);
  void learn(const ManagedQueue& queue);
  void settle_one(const Settlement& settlement);
  void ask_management_apart();
  void count(const ManagedQueue& queue, std::function<void(Result<QueueDepth>)> done);
  Error not_connected() const {
    return {ErrorCode::Closed, "RabbitMQ at " + options_.host + ":" + std::to_string(options_.port) +
                                   " is not connected; it is tried again until it is back"};
  }
  /// The first failure ends the session.
  void keep(const Result<void>& done) {
    if (!done && !failure_) failure_ = done.error();
  }

  const RabbitMqOptions options_;
  Listener listener_{};
  mutable std::mutex traits_mutex_;
  EngineTraits traits_{};
  SocketBreaker breaker_{};
  // What follows belongs to the thread.
  std::uint32_t window_ = 0;
  std::uint64_t connections_ = 0;
  std::unique_ptr<Session> session_{};
  std::optional<Error> failure_{};
  std::vector<std::function<void(Result<QueueDepth>)>> observers_{};  ///< wait for the management API
  EngineThread thread_{};
  std::jthread fetching_{};  ///< ends before the thread that it reports to
};

Error RabbitMqQueue::serve(const std::stop_token& stop) {
  work(stop);
  const Error why = failure_.value_or(not_connected());
  if (stop.stop_requested()) return why;
  // No command finds the session that has ended; what it held is lost, and none of it was acknowledged.
  const auto ended = std::exchange(session_, nullptr);
  ended->consumer.end(why);
  ended->publisher.end(why);
  return why;
}

Result<void> RabbitMqQueue::connect() {
  failure_.reset();
  auto link = AmqpLink::open(options_, breaker_);
  if (!link) return std::unexpected(link.error());
  if (auto opened = (*link)->open_channel(RabbitMqConsumer::kChannel); !opened) return opened;
  if (auto ready = (*link)->ready_messages(RabbitMqConsumer::kChannel); !ready)
    return std::unexpected(ready.error());
  if (!options_.management_url.empty()) {
    // Only for the traits; whoever observes the queue is told what is wrong.
    if (const auto queue = ask_management(options_, {})) learn(*queue);
  }
  AmqpLink& reference = **link;
  session_ = std::make_unique<Session>(
      Session{std::move(*link), {reference, options_, listener_, ++connections_}, {reference, options_}});
  session_->consumer.set_window(window_);
  return {};
}

void RabbitMqQueue::work(const std::stop_token& stop) {
  while (true) {
    thread_.commands().run();
    if (!failure_) keep(read_frames());
    if (stop.stop_requested() || failure_) return;
    keep(session_->consumer.flush(std::chrono::steady_clock::now()));
    if (failure_) return;
    thread_.commands().wait(session_->link->socket(), std::chrono::milliseconds(500));
  }
}

// All that is here: a part of it may be in the library's own buffer, about which the socket says nothing.
Result<void> RabbitMqQueue::read_frames() {
  amqp_frame_t frame;
  while (true) {
    const auto received = session_->link->receive(frame);
    if (!received) return std::unexpected(received.error());
    if (!*received) return {};
    if (auto taken = take(frame); !taken) return taken;
    session_->link->release();
  }
}

Result<void> RabbitMqQueue::take(const amqp_frame_t& frame) {
  if (frame.channel == RabbitMqConsumer::kChannel) return session_->consumer.take(frame);
  if (frame.channel == RabbitMqPublisher::kChannel) return session_->publisher.take(frame);
  if (frame.frame_type != AMQP_FRAME_METHOD) return {};
  if (frame.payload.method.id == AMQP_CONNECTION_BLOCKED_METHOD) {
    const auto& blocked = *static_cast<amqp_connection_blocked_t*>(frame.payload.method.decoded);
    listener_.state(std::unexpected(session_->link->blocked(amqp_view(blocked.reason))));
  }
  if (frame.payload.method.id == AMQP_CONNECTION_UNBLOCKED_METHOD) listener_.state({});
  if (frame.payload.method.id != AMQP_CONNECTION_CLOSE_METHOD) return {};
  const auto& close = *static_cast<amqp_connection_close_t*>(frame.payload.method.decoded);
  session_->link->abandon();
  return std::unexpected(session_->link->closed(close.reply_code, amqp_view(close.reply_text)));
}

void RabbitMqQueue::learn(const ManagedQueue& queue) {
  const std::lock_guard lock(traits_mutex_);
  traits_.counts_deliveries = queue.quorum;
  traits_.dead_letters = queue.dead_letters;
  traits_.deliveries_max = queue.quorum ? queue.delivery_limit : std::nullopt;
}

void RabbitMqQueue::settle_one(const Settlement& settlement) {
  if (session_ && !failure_) {
    keep(session_->consumer.settle(settlement, traits().dead_letters));
  } else {
    listener_.settled(settlement.token, settlement.kind, std::unexpected(not_connected()));
  }
}

void RabbitMqQueue::ask_management_apart() {
  fetching_ = std::jthread([this](const std::stop_token& stop) {
    auto queue = ask_management(options_, stop);
    thread_.post([this, queue = std::move(queue)] {
      if (queue) learn(*queue);
      for (auto& done : std::exchange(observers_, {})) {
        if (queue) {
          count(*queue, std::move(done));
        } else {
          done(std::unexpected(queue.error()));
        }
      }
    });
  });
}

void RabbitMqQueue::count(const ManagedQueue& queue, std::function<void(Result<QueueDepth>)> done) {
  if (!session_ || failure_) return done(std::unexpected(not_connected()));
  QueueDepth depth;
  depth.in_flight = queue.unacknowledged;
  depth.arrived_total = queue.published_total;
  if (queue.oldest_sent) {
    const auto now =
        std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()).time_since_epoch();
    depth.oldest_wait = std::max(Duration(0), now - queue.oldest_sent->time_since_epoch());
  }
  keep(session_->publisher.count([depth, done = std::move(done)](Result<std::uint32_t> ready) mutable {
    if (!ready) return done(std::unexpected(ready.error()));
    depth.waiting = *ready;
    done(depth);
  }));
}

}  // namespace

std::unique_ptr<MessageSource> make_rabbitmq_source(RabbitMqOptions options) {
  return std::make_unique<RabbitMqQueue>(std::move(options));
}

}  // namespace forewarm
