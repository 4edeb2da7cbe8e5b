#pragma once

#include <list>
#include <memory>
#include <string>

#include "edge/net/http.h"
#include "edge/observe/decision_log.h"
#include "edge/observe/snapshot.h"
#include "edge/observe/snapshot_history.h"

namespace forewarm {

/// The pages that are open: each gets everything at first ("hello"), then a small event a second ("tick").
class LiveStream {
 public:
  struct Options {
    std::string version = {};
    std::size_t streams_max = 64;
    std::size_t queues_shown_max = 200;
    std::size_t unsent_max_bytes = 256U << 10;
  };
  LiveStream(Options options, const SnapshotHistory& history, const DecisionLog* decisions)
      : options_(std::move(options)), history_(history), decisions_(decisions) {}

  ~LiveStream();  ///< ends all streams
  LiveStream(const LiveStream&) = delete;
  LiveStream& operator=(const LiveStream&) = delete;

  /// Begins a stream that shows `queue` (empty: the busiest) in full. False when there are too many streams.
  bool open(const std::string& queue, const Snapshot& snapshot, bool ready, std::shared_ptr<HttpReply> reply);
  void publish(const Snapshot& snapshot, bool ready);
  std::size_t size() const { return readers_.size(); }

 private:
  struct Reader {
    std::shared_ptr<HttpReply> reply;
    std::string queue;
    TimePoint decisions_from;
    bool needs_hello = true;
  };
  using Order = std::vector<const QueueSnapshot*>;

  Order busiest(const Snapshot& snapshot) const;
  std::string overview(const Snapshot& snapshot, bool ready, const Order& order, bool with_sparklines) const;
  void send(Reader& reader, const Snapshot& snapshot, const std::string& overview, const Order& order) const;

  Options options_;
  const SnapshotHistory& history_;
  const DecisionLog* decisions_;
  std::list<std::shared_ptr<Reader>> readers_;
};

}  // namespace forewarm
