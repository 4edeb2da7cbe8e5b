#include "app/trace_player.h"

#include <algorithm>
#include <string>

#include "app/sqs_client.h"

namespace forewarm {
namespace {

constexpr std::size_t kConnections = 16;
constexpr auto kTick = std::chrono::milliseconds(1);
constexpr auto kLastAnswers = std::chrono::seconds(5);

}  // namespace

TracePlayer::TracePlayer(const Trace& trace, Endpoint server)
    : trace_(trace), server_(std::move(server)), total_(trace.arrivals.size()), thread_([this] { play(); }) {}

TracePlayer::~TracePlayer() {
  stopping_ = true;
  thread_.join();
}

void TracePlayer::play() {
  Loop loop;
  SqsClient client(loop, server_, kConnections);
  std::vector<std::string> urls;
  for (const TraceQueue& queue : trace_.queues)
    urls.push_back("http://" + to_string(server_) + "/000000000000/" + queue.name);
  const auto start = Loop::Clock::now();
  std::size_t next = 0;
  while (!stopping_ && next < trace_.arrivals.size()) {
    const auto now = Loop::Clock::now();
    for (; next < trace_.arrivals.size() && start + trace_.arrivals[next].at <= now; ++next) {
      const TraceArrival& arrival = trace_.arrivals[next];
      client.send(urls[arrival.queue], "{\"work_us\":" + std::to_string(arrival.service_time.count()) + "}",
                  {}, [this](const Result<void>& done) { ++(done ? sent_ : failed_); });
    }
    played_ = next;
    loop.run_until(now + kTick);
  }
  const auto give_up = Loop::Clock::now() + kLastAnswers;
  while (!stopping_ && client.pending() > 0 && Loop::Clock::now() < give_up)
    loop.run_until(Loop::Clock::now() + kTick);
  finished_ = true;
}

}  // namespace forewarm
