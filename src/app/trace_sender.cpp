#include "app/trace_sender.h"

#include <chrono>

#include "app/source_factory.h"
#include "app/sqs_client.h"
#include "base/check.h"

namespace forewarm {
namespace {

constexpr std::size_t kConnections = 16;
constexpr Duration kSqsPatience = 5s;
constexpr Duration kEnginePatience = 60s;  // long enough for a broker that is started again
constexpr Duration kAskEvery = 500ms;

class SqsTraceSender final : public TraceSender {
 public:
  SqsTraceSender(const std::vector<TraceQueue>& queues, const Endpoint& server)
      : client_(loop_, server, kConnections) {
    for (const TraceQueue& queue : queues)
      urls_.push_back("http://" + to_string(server) + "/000000000000/" + queue.name);
  }
  void send(std::size_t queue, std::uint64_t, std::string body, std::function<void(bool)> done) override {
    client_.send(urls_[queue], body, {},
                 [done = std::move(done)](const Result<void>& taken) { done(taken.has_value()); });
  }
  void run_for(Duration time) override { loop_.run_until(Loop::Clock::now() + time); }
  std::optional<std::uint64_t> waiting() override { return 0; }
  Duration patience() const override { return kSqsPatience; }

 private:
  Loop loop_;
  SqsClient client_;
  std::vector<std::string> urls_;
};

class EngineTraceSender final : public TraceSender {
 public:
  explicit EngineTraceSender(const std::vector<SourceConfig>& sources)
      : waiting_(sources.size()),
        prefix_(std::to_string(std::chrono::system_clock::now().time_since_epoch().count()) + "-") {
    for (const SourceConfig& source : sources) {
      auto made = make_source(source);
      check(made.has_value(), "the source was made before");
      const auto nothing = [](const auto&...) {};
      (*made)->start(
          {.lent = nothing, .settled = nothing, .lost = nothing, .extended = nothing, .state = nothing});
      (*made)->set_window(0);
      engines_.push_back(std::move(*made));
    }
  }
  void send(std::size_t queue, std::uint64_t number, std::string body,
            std::function<void(bool)> done) override {
    LentMessage message{.id = prefix_ + std::to_string(number), .token = {}, .body = std::move(body)};
    engines_[queue]->publish(std::move(message), [this, done = std::move(done)](const Result<void>& taken) {
      loop_.post([done, ok = taken.has_value()] { done(ok); });
    });
  }
  void run_for(Duration time) override { loop_.run_until(Loop::Clock::now() + time); }
  std::optional<std::uint64_t> waiting() override {
    const auto now = Loop::Clock::now();
    if (now >= ask_at_) {
      ask_at_ = now + kAskEvery;
      for (std::size_t i = 0; i < engines_.size(); ++i) {
        engines_[i]->observe([this, i](const Result<QueueDepth>& depth) {
          loop_.post([this, i, held = depth ? held_by(*depth) : std::nullopt] { waiting_[i] = held; });
        });
      }
    }
    std::uint64_t sum = 0;
    for (const std::optional<std::uint64_t>& each : waiting_) {
      if (!each) return std::nullopt;
      sum += *each;
    }
    return sum;
  }
  Duration patience() const override { return kEnginePatience; }

 private:
  static std::optional<std::uint64_t> held_by(const QueueDepth& depth) {
    if (!depth.waiting) return std::nullopt;
    return *depth.waiting + depth.in_flight.value_or(0);
  }

  Loop loop_;
  std::vector<std::optional<std::uint64_t>> waiting_;
  Loop::Clock::time_point ask_at_{};
  std::string prefix_;  ///< of the messages' ids, so that no other demo has the same
  std::vector<std::unique_ptr<MessageSource>> engines_;  ///< last: their threads post to the loop
};

}  // namespace

std::unique_ptr<TraceSender> sqs_trace_sender(const std::vector<TraceQueue>& queues, const Endpoint& server) {
  return std::make_unique<SqsTraceSender>(queues, server);
}

std::unique_ptr<TraceSender> engine_trace_sender(const std::vector<SourceConfig>& sources) {
  return std::make_unique<EngineTraceSender>(sources);
}

}  // namespace forewarm
