#include "edge/observe/otlp/otlp_sender.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "edge/observe/otlp/otlp_json.h"

namespace forewarm {
namespace {

constexpr std::chrono::milliseconds kPauseMax{30'000};

std::chrono::milliseconds asked_pause(const HttpResponse& answer) {
  const std::string_view text = find_header(answer.headers, "Retry-After");
  unsigned wait = 0;
  std::from_chars(text.data(), text.data() + text.size(), wait);
  return std::chrono::seconds(std::min(wait, 300U));
}

}  // namespace

bool otlp_retryable(unsigned status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

OtlpSender::OtlpSender(Options options)
    : options_(std::move(options)),
      random_(options_.seed),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

OtlpSender::~OtlpSender() {
  thread_.request_stop();
  thread_.join();
}

void OtlpSender::give(std::size_t items, std::function<std::string()> body) {
  {
    const std::lock_guard lock(mutex_);
    if (options_.newest_only) {
      counts_.dropped += items_waiting_;
      waiting_.clear();
      items_waiting_ = 0;
    }
    if (items_waiting_ + items > options_.items_max) {
      counts_.dropped += items;
      return;
    }
    items_waiting_ += items;
    waiting_.push_back({items, std::move(body)});
  }
  changed_.notify_all();
}

void OtlpSender::finish(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, at_most, [this] { return waiting_.empty() && !busy_; });
}

OtlpCounts OtlpSender::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void OtlpSender::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !waiting_.empty(); }) && !stop.stop_requested()) {
    const Batch batch = std::move(waiting_.front());
    waiting_.pop_front();
    items_waiting_ -= batch.items;
    busy_ = true;
    lock.unlock();
    send(batch, stop);
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

void OtlpSender::send(const Batch& batch, const std::stop_token& stop) {
  const auto count = [this](std::uint64_t OtlpCounts::*which, std::uint64_t items) {
    const std::lock_guard lock(mutex_);
    counts_.*which += items;
  };
  const std::string body = batch.body();
  FetchOptions fetching = options_.fetch;
  fetching.stop = stop;
  std::chrono::milliseconds wait = options_.first_pause;
  for (int tried = 1;; ++tried) {
    const Result<HttpHeaders> headers = options_.headers ? options_.headers() : HttpHeaders();
    std::string failure = headers ? "" : headers.error().message;
    std::chrono::milliseconds asked{0};
    if (headers) {
      FetchRequest request{.method = "POST", .url = options_.url, .headers = *headers, .body = body};
      request.headers.emplace_back("Content-Type", "application/json");
      const Result<HttpResponse> answer = fetch(request, fetching);
      if (answer && answer->status / 100 == 2) {
        const PartialSuccess part = read_partial_success(answer->body);
        const std::uint64_t rejected = std::min<std::uint64_t>(part.rejected, batch.items);
        count(&OtlpCounts::sent, batch.items - rejected);
        count(&OtlpCounts::rejected, rejected);
        say(rejected == 0 ? "" : "some were rejected: " + part.message);
        return;
      }
      if (answer && !otlp_retryable(answer->status)) {
        count(&OtlpCounts::rejected, batch.items);
        say("answered " + std::to_string(answer->status));
        return;
      }
      failure = answer ? "answered " + std::to_string(answer->status) : answer.error().message;
      if (answer) asked = asked_pause(*answer);
    }
    say(failure);
    const auto jittered = std::chrono::milliseconds(
        static_cast<std::int64_t>(static_cast<double>(wait.count()) * (0.5 + random_.uniform())));
    if (tried >= options_.tries || !pause(stop, std::max(asked, jittered))) {
      count(&OtlpCounts::dropped, batch.items);
      return;
    }
    wait = std::min(wait * 2, kPauseMax);
  }
}

void OtlpSender::say(const std::string& problem) {
  if (problem == problem_) return;
  problem_ = problem;
  if (options_.problem) options_.problem(problem);
}

/// False when it is to end.
bool OtlpSender::pause(const std::stop_token& stop, std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, wait, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace forewarm
