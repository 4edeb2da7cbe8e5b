#include "edge/cloud/nats/nats_source.h"

#include <mutex>
#include <utility>

#include "edge/cloud/engine_thread.h"
#include "edge/cloud/nats/nats_session.h"

namespace forewarm {
namespace {

// A wait that the server keeps of any length; longer ones are of no use to a queue.
constexpr Duration kDelayMost = std::chrono::hours(24);

/// libnats on its own threads, which only pass on what comes; all else happens on the source's.
class NatsQueue final : public MessageSource {
 public:
  explicit NatsQueue(NatsOptions options) : options_(std::move(options)) {
    traits_.counts_deliveries = true;
    traits_.release_delay_max = kDelayMost;
    traits_.dead_letters = !options_.dead_letter_subject.empty();
    traits_.lease = options_.ack_wait;
  }

  ~NatsQueue() override { thread_.stop(); }

  void start(Listener listener) override {
    listener_ = std::move(listener);
    thread_.start({.connect = [this] { return connect(); },
                   .serve = [this](const std::stop_token& stop) { return serve(stop); },
                   .state = listener_.state,
                   .close =
                       [this] {
                         if (session_) session_->hand_back_all();
                         session_.reset();
                       },
                   // Whatever libnats blocks in has a limit of seconds.
                   .interrupt = [] {}});
  }

  void set_window(std::uint32_t unsettled_max) override {
    thread_.post([this, unsettled_max] {
      window_ = unsettled_max;
      if (session_) session_->set_window(unsettled_max);
    });
  }

  void settle(std::vector<Settlement> settlements) override {
    thread_.post([this, settlements = std::move(settlements)] {
      for (const auto& settlement : settlements) {
        if (session_) {
          session_->settle(settlement);
        } else {
          listener_.settled(settlement.token, settlement.kind, std::unexpected(not_connected()));
        }
      }
    });
  }

  void extend(std::vector<std::string> tokens) override {
    thread_.post([this, tokens = std::move(tokens)] {
      for (const auto& token : tokens) {
        if (session_) session_->extend(token);
      }
    });
  }

  void observe(std::function<void(Result<QueueDepth>)> done) override {
    thread_.post([this, done = std::move(done)] {
      if (!session_) return done(std::unexpected(not_connected()));
      session_->observe(done);
    });
  }

  void publish(LentMessage message, std::function<void(Result<void>)> done) override {
    thread_.post([this, message = std::move(message), done = std::move(done)] {
      if (!session_) return done(std::unexpected(not_connected()));
      session_->publish(message, done);
    });
  }

  EngineTraits traits() const override {
    const std::lock_guard lock(traits_mutex_);
    return traits_;
  }

 private:
  Result<void> connect();
  Result<StreamFacts> find_stream(NatsLink& link) const;
  Result<ConsumerFacts> find_consumer(NatsLink& link) const;
  Result<std::string> create_consumer(NatsLink& link) const;
  Error serve(const std::stop_token& stop);
  Error not_connected() const {
    return {ErrorCode::Closed, "NATS at " + options_.host + ":" + std::to_string(options_.port) +
                                   " is not connected; it is tried again until it is back"};
  }

  const NatsOptions options_;
  Listener listener_{};
  mutable std::mutex traits_mutex_;
  EngineTraits traits_{};
  // What follows belongs to the thread.
  std::uint32_t window_ = 0;
  std::uint64_t connections_ = 0;
  std::vector<NatsLeftBehind> left_behind_{};
  EngineThread thread_{};
  std::unique_ptr<NatsSession> session_{};
};

Result<void> NatsQueue::connect() {
  const auto connection = ++connections_;
  auto link = NatsLink::open(options_, [this, connection] {
    thread_.post([this, connection] {
      if (session_ && connection == connections_ && !session_->failure) {
        session_->failure =
            Error{ErrorCode::Io, "NATS at " + options_.host + ":" + std::to_string(options_.port) +
                                     ": the connection ended; it is tried again until it is back"};
      }
    });
  });
  if (!link) return std::unexpected(link.error());
  const auto stream = find_stream(**link);
  if (!stream) return std::unexpected(stream.error());
  auto consumer = find_consumer(**link);
  if (!consumer) return std::unexpected(consumer.error());
  {
    const std::lock_guard lock(traits_mutex_);
    traits_.lease = consumer->lease(1);
    traits_.deliveries_max = consumer->deliveries_max;
  }
  std::string subject = options_.subject;
  if (subject.empty() && is_literal_subject(consumer->filter_subject)) subject = consumer->filter_subject;
  if (subject.empty() && stream->subjects.size() == 1 && is_literal_subject(stream->subjects[0])) {
    subject = stream->subjects[0];
  }
  session_ = std::make_unique<NatsSession>(
      std::move(*link), options_, NatsSession::Facts{std::move(*consumer), std::move(subject)}, listener_,
      [this, connection](std::function<void()> command) {
        // What the library still passes on for a session that has ended finds nobody.
        thread_.post([this, connection, command = std::move(command)] {
          if (session_ && connection == connections_) command();
        });
      },
      connection);
  session_->set_window(window_);
  session_->give_back(std::exchange(left_behind_, {}));
  return {};
}

Result<StreamFacts> NatsQueue::find_stream(NatsLink& link) const {
  const auto answer = link.ask("$JS.API.STREAM.INFO." + options_.stream, "");
  if (!answer) return std::unexpected(answer.error());
  if (const auto failed = parse_error(*answer)) {
    return error(ErrorCode::NotFound,
                 link.place() + ", stream \"" + options_.stream + "\": " + failed->description +
                     (failed->code == kStreamNotFound ? "; create it (nats stream add), or correct the URL"
                                                      : "; see the server's log. It is tried again"));
  }
  return parse_stream(*answer);
}

Result<ConsumerFacts> NatsQueue::find_consumer(NatsLink& link) const {
  const std::string place =
      link.place() + ", consumer \"" + options_.consumer + "\" of stream \"" + options_.stream + "\"";
  auto answer = link.ask("$JS.API.CONSUMER.INFO." + options_.stream + "." + options_.consumer, "");
  if (!answer) return std::unexpected(answer.error());
  auto failed = parse_error(*answer);
  if (failed && failed->code == kConsumerNotFound && options_.create) {
    answer = create_consumer(link);
    if (!answer) return std::unexpected(answer.error());
    failed = parse_error(*answer);
  }
  if (failed) {
    return error(ErrorCode::NotFound, place + ": " + failed->description +
                                          "; create it as a durable pull consumer (nats consumer add), or "
                                          "correct the URL");
  }
  auto facts = parse_consumer(*answer);
  if (!facts) return facts;
  if (!facts->pull || !facts->explicit_acks) {
    return error(
        ErrorCode::Conflict,
        place + " is there, but " +
            (facts->pull ? "does not acknowledge each message (ack_policy explicit)"
                         : "pushes its messages") +
            "; name another, or create it anew as a durable pull consumer with explicit acknowledgements");
  }
  return facts;
}

Result<std::string> NatsQueue::create_consumer(NatsLink& link) const {
  return link.ask("$JS.API.CONSUMER.DURABLE.CREATE." + options_.stream + "." + options_.consumer,
                  create_consumer_json({.stream = options_.stream,
                                        .name = options_.consumer,
                                        .ack_wait = options_.ack_wait,
                                        .filter_subject = options_.filter_subject}));
}

Error NatsQueue::serve(const std::stop_token& stop) {
  while (true) {
    thread_.commands().run();
    if (stop.stop_requested() || session_->failure) break;
    session_->flush(std::chrono::steady_clock::now());
    if (session_->failure) break;
    thread_.commands().wait(-1, std::chrono::milliseconds(250));
  }
  const Error why = session_->failure.value_or(not_connected());
  if (stop.stop_requested()) return why;
  // No command finds the session that has ended; what it held is lost, and none of it was acknowledged.
  const auto ended = std::exchange(session_, nullptr);
  left_behind_ = ended->end(why);
  return why;
}

}  // namespace

std::unique_ptr<MessageSource> make_nats_source(NatsOptions options) {
  return std::make_unique<NatsQueue>(std::move(options));
}

}  // namespace forewarm
