#include "app/trace_player.h"

#include <string>
#include <utility>

namespace forewarm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration kTick = 1ms;
constexpr Duration kAgainAfter = 200ms;

}  // namespace

TracePlayer::TracePlayer(const Trace& trace, MakeSender make)
    : trace_(trace), make_(std::move(make)), total_(trace.arrivals.size()), thread_([this] { play(); }) {}

TracePlayer::~TracePlayer() {
  stopping_ = true;
  thread_.join();
}

void TracePlayer::send(TraceSender& sender, std::size_t number) {
  const TraceArrival& arrival = trace_.arrivals[number];
  sender.send(arrival.queue, number,
              "{\"work_us\":" + std::to_string(arrival.service_time.count()) +
                  ",\"n\":" + std::to_string(number) + "}",
              [this, number](bool taken) {
                if (taken)
                  ++sent_;
                else
                  again_.push_back(number);
              });
}

void TracePlayer::send_again(TraceSender& sender) {
  for (const std::size_t number : std::exchange(again_, {})) send(sender, number);
}

void TracePlayer::play() {
  const std::unique_ptr<TraceSender> sender = make_();
  const auto start = Clock::now();
  auto again_at = start;
  const auto tick = [&] {
    if (!again_.empty() && Clock::now() >= again_at) {
      again_at = Clock::now() + kAgainAfter;
      send_again(*sender);
    }
    sender->run_for(kTick);
  };
  std::size_t next = 0;
  while (!stopping_ && next < trace_.arrivals.size()) {
    const auto now = Clock::now();
    for (; next < trace_.arrivals.size() && start + trace_.arrivals[next].at <= now; ++next)
      send(*sender, next);
    played_ = next;
    tick();
  }
  const auto give_up = Clock::now() + sender->patience();
  while (!stopping_ && sent_ < played_ && Clock::now() < give_up) tick();
  finished_ = true;
  while (!stopping_) {
    const std::optional<std::uint64_t> waiting = sender->waiting();
    drained_ = waiting == 0U;
    tick();
  }
}

}  // namespace forewarm
