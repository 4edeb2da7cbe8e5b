#include "edge/cloud/polled_receivers.h"

#include <algorithm>
#include <random>
#include <utility>

namespace forewarm {
namespace {

// A call for one message costs as much as one for ten, so a little room waits for more.
constexpr std::chrono::milliseconds kRoomPatience{10};

}  // namespace

PolledReceivers::PolledReceivers(PolledEngine& engine, PolledEngine::Received received)
    : engine_(engine), received_(std::move(received)), backoff_(std::random_device{}()) {}

void PolledReceivers::poll(Clock::time_point now, std::size_t lent) {
  const auto limits = engine_.limits();
  due_ = Clock::time_point::max();
  std::uint32_t taken = static_cast<std::uint32_t>(lent) + reserved_;
  if (now < not_before_) {
    due_ = not_before_;
    return;
  }
  while (waiting_ < std::min(wanted_, limits.receivers_max) && taken < window_) {
    const auto room = window_ - taken;
    if (room < limits.receive_max && lent > 0) {
      room_since_ = std::min(room_since_, now);
      if (now - room_since_ < kRoomPatience) {
        due_ = room_since_ + kRoomPatience;
        return;
      }
    }
    room_since_ = Clock::time_point::max();
    const auto asked = std::min(room, limits.receive_max);
    ++waiting_;
    reserved_ += asked;
    taken += asked;
    engine_.receive(asked, [this, asked, now](Result<std::vector<PolledMessage>> received) {
      answered(asked, now, std::move(received));
    });
  }
}

void PolledReceivers::answered(std::uint32_t asked, Clock::time_point begun,
                               Result<std::vector<PolledMessage>> received) {
  --waiting_;
  reserved_ -= asked;
  if (received) {
    failing_since_.reset();
    backoff_.reset();
    if (received->size() >= asked) {
      wanted_ = std::min(2 * wanted_, engine_.limits().receivers_max);
    } else if (received->size() < asked / 2 + 1) {
      wanted_ = std::max(wanted_, 2U) - 1;
    }
  } else {
    if (!failing_since_) failing_since_ = std::min(Clock::now(), begun + engine_.limits().waits);
    wanted_ = 1;
    not_before_ = Clock::now() + backoff_.next();
  }
  received_(std::move(received));
}

}  // namespace forewarm
