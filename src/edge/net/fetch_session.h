#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "edge/net/fetch.h"

namespace forewarm {

/// Many requests at a time for one thread, over connections that are kept for the next: fetch() makes each
/// its own, which costs a handshake.
class FetchSession {
 public:
  using Done = std::function<void(Result<HttpResponse>)>;

  FetchSession();
  ~FetchSession();  ///< what is under way ends without an answer
  FetchSession(const FetchSession&) = delete;
  FetchSession& operator=(const FetchSession&) = delete;

  /// `done` is called in run(), once, with what fetch() would return. It may start others.
  void start(FetchRequest request, FetchOptions options, Done done);
  /// Lets the requests go on until one of them has something, wake() is called, or the time is over.
  void run(std::chrono::milliseconds at_most);
  /// Any thread: the run() that is under way, or the next, returns.
  void wake();
  /// Ends all without an answer.
  void drop_all();
  std::size_t under_way() const;
  /// Connections made so far.
  std::uint64_t connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace forewarm
