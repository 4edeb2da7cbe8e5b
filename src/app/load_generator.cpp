#include "app/load_generator.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <optional>

#include "app/sqs_client.h"

namespace forewarm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kDrainTimeout = std::chrono::seconds(10);  ///< how long a message sent may take to come back
constexpr int kReceiveWaitSeconds = 1;

std::int64_t us_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
}

/// One run: senders and receivers as chains of callbacks on one loop.
class Load {
 public:
  Load(const LoadOptions& options, const Endpoint& endpoint, const std::function<void(double)>& progress)
      : options_(options),
        progress_(progress),
        sender_(loop_, endpoint, options.connections),
        receiver_(loop_, endpoint, options.connections),
        remover_(loop_, endpoint, options.connections) {}

  Result<LoadResult> run() {
    std::optional<Result<std::string>> created;
    receiver_.create_queue(options_.queue, [&](Result<std::string> url) {
      created = std::move(url);
      loop_.wake();
    });
    const auto give_up = Clock::now() + std::chrono::seconds(30);
    while (!created && Clock::now() < give_up) loop_.run_until(give_up);
    if (!created) return error(ErrorCode::Io, options_.endpoint + " does not answer; is the server running?");
    if (!*created)
      return error((*created).error().code, options_.endpoint + ": " + (*created).error().message);
    queue_url_ = **created;
    start_ = Clock::now();
    if (options_.consume) {
      for (std::size_t i = 0; i < options_.connections; ++i) receive();
    }
    send_due();
    watch();
    return finish();
  }

 private:
  double elapsed() const { return static_cast<double>(us_since(start_)) * 1e-6; }
  bool sending() const { return elapsed() < options_.seconds; }

  /// The body says when it was due, so that whoever receives it knows how long it took.
  std::string body(std::int64_t due_us) {
    std::string text = std::to_string(due_us) + " " + std::to_string(next_number_++) + " ";
    text.resize(std::max(options_.bytes, text.size()), 'x');
    return text;
  }

  void send_due() {
    while (sending() && in_flight_ < options_.connections) {
      std::vector<std::int64_t> due;
      if (options_.rate > 0) {
        const double now = elapsed();
        while (due.size() < options_.batch && static_cast<double>(scheduled_) / options_.rate <= now) {
          due.push_back(static_cast<std::int64_t>(static_cast<double>(scheduled_++) / options_.rate * 1e6));
        }
        if (due.empty()) break;
      } else {
        due.assign(options_.batch, us_since(start_));
      }
      send(std::move(due));
    }
    if (options_.rate > 0 && sending()) {
      timer_ = loop_.call_after(std::chrono::microseconds(500), [this] { send_due(); });
    }
  }

  void send(std::vector<std::int64_t> due) {
    ++in_flight_;
    std::vector<std::string> bodies;
    bodies.reserve(due.size());
    for (const std::int64_t each : due) bodies.push_back(body(each));
    const auto answered = [this, due = std::move(due)](const Result<std::size_t>& taken) {
      --in_flight_;
      if (taken) {
        result_.sent += *taken;
        const std::int64_t now = us_since(start_);
        for (const std::int64_t each : due) result_.confirm_us.push_back(now - each);
      } else {
        note_failure(taken.error());
      }
      last_progress_ = elapsed();
      send_due();
    };
    if (bodies.size() == 1) {
      sender_.send(queue_url_, bodies[0], {}, [answered](const Result<void>& sent) {
        answered(sent ? Result<std::size_t>(1) : std::unexpected(sent.error()));
      });
    } else {
      sender_.send_batch(queue_url_, bodies, answered);
    }
  }

  void receive() {
    if (stopping_) return;
    receiver_.receive(queue_url_,
                      static_cast<int>(std::min<std::size_t>(std::max<std::size_t>(options_.batch, 1), 10)),
                      kReceiveWaitSeconds, [this](const Result<std::vector<SqsClient::Received>>& received) {
                        if (!received) {
                          note_failure(received.error());
                          return stopping_ ? void() : receive_later();
                        }
                        take(*received);
                      });
  }

  void receive_later() {
    retries_.push_back(loop_.call_after(std::chrono::milliseconds(50), [this] { receive(); }));
    if (retries_.size() > 4 * options_.connections) retries_.pop_front();
  }

  void take(const std::vector<SqsClient::Received>& messages) {
    if (messages.empty()) return receive();
    const std::int64_t now = us_since(start_);
    std::vector<std::string> handles;
    for (const SqsClient::Received& message : messages) {
      std::int64_t due = 0;
      std::from_chars(message.body.data(), message.body.data() + message.body.size(), due);
      result_.end_to_end_us.push_back(now - due);
      if (message.receive_count > 1) ++result_.duplicates;
      handles.push_back(message.receipt_handle);
    }
    result_.received += messages.size();
    remover_.remove_batch(queue_url_, handles, [this](Result<std::size_t> removed) {
      if (removed)
        result_.deleted += *removed;
      else
        note_failure(removed.error());
      last_progress_ = elapsed();
      receive();
    });
  }

  void note_failure(const Error& failure) {
    ++result_.failed;
    if (result_.first_error.empty()) result_.first_error = failure.message;
  }

  bool done() const {
    if (sending() || in_flight_ > 0) return false;
    if (!options_.consume || result_.deleted >= result_.sent) return true;
    return elapsed() - last_progress_ > static_cast<double>(kDrainTimeout.count());
  }

  void watch() {
    while (!done()) {
      loop_.run_until(Clock::now() + std::chrono::milliseconds(100));
      if (progress_) progress_(std::min(1.0, elapsed() / options_.seconds));
    }
    stopping_ = true;
  }

  LoadResult finish() {
    result_.elapsed_seconds = last_progress_;
    std::ranges::sort(result_.confirm_us);
    std::ranges::sort(result_.end_to_end_us);
    return std::move(result_);
  }

  LoadOptions options_;
  const std::function<void(double)>& progress_;
  Loop loop_;
  SqsClient sender_;
  SqsClient receiver_;
  SqsClient remover_;  ///< of its own: every connection of the receiver may be waiting for messages
  std::string queue_url_;
  Clock::time_point start_;
  std::unique_ptr<Loop::Timer> timer_;
  std::deque<std::unique_ptr<Loop::Timer>> retries_;
  std::uint64_t scheduled_ = 0;
  std::uint64_t next_number_ = 0;
  std::size_t in_flight_ = 0;
  double last_progress_ = 0;
  bool stopping_ = false;
  LoadResult result_;
};

}  // namespace

Result<LoadResult> run_load(const LoadOptions& options, const std::function<void(double)>& progress) {
  const Result<Endpoint> endpoint = parse_url(options.endpoint);
  if (!endpoint) return std::unexpected(endpoint.error());
  Load load(options, *endpoint, progress);
  return load.run();
}

std::int64_t sorted_quantile(const std::vector<std::int64_t>& sorted, double level) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<std::size_t>(std::llround(level * static_cast<double>(sorted.size() - 1)));
  return sorted[std::min(index, sorted.size() - 1)];
}

}  // namespace forewarm
