#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <vector>

#include "edge/net/loop.h"

namespace forewarm {

/// What the other files of edge/net need of a loop.
struct Loop::Impl {
  boost::asio::io_context context{1};
  std::atomic<bool> woken = false;
  std::atomic<bool> stopped = false;
  std::vector<std::function<void()>> idle;
  int handlers_since_idle = 0;
};

using LoopExecutor = boost::asio::io_context::executor_type;

}  // namespace forewarm
