#include "app/shutdown.h"

#include <cstdint>

namespace forewarm {
namespace {

constexpr std::chrono::milliseconds kLookForRunsEvery{20};
constexpr std::chrono::milliseconds kAnswersLeave{50};

}  // namespace

void Shutdown::ask(std::chrono::microseconds timeout) {
  if (asked_) {
    server_.log->warning("asked to stop again: at once");
    server_.loop->stop();
    return;
  }
  asked_ = true;
  deadline_ = Loop::Clock::now() + timeout;
  server_.begin();
  look();
}

void Shutdown::look() {
  const std::size_t left = server_.under_way();
  if (left == 0) {
    server_.loop->stop();
    return;
  }
  if (Loop::Clock::now() >= deadline_) return give_up(left);
  timer_ = server_.loop->call_after(kLookForRunsEvery, [this] { look(); });
}

void Shutdown::give_up(std::size_t left) {
  server_.log->warning("stopped before everything had finished; those messages are delivered again",
                       {{"under_way", std::uint64_t{left}}});
  server_.abandon();
  timer_ = server_.loop->call_after(kAnswersLeave, [this] { server_.loop->stop(); });
}

}  // namespace forewarm
