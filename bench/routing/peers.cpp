#include "routing/peers.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <queue>

#include "base/random.h"

namespace forewarm::bench {
namespace {

struct Finish {
  Duration at = Duration(0);
  std::size_t instance = 0;
  friend auto operator<=>(const Finish&, const Finish&) = default;
};

class FixedPool {
 public:
  FixedPool(const std::vector<Arrival>& arrivals, const PeerOptions& options)
      : arrivals_(arrivals),
        options_(options),
        random_(options.seed),
        served_(arrivals.size()),
        own_(options.variants.size()),
        busy_(options.variants.size(), false) {}

  std::vector<Served> run() {
    for (std::size_t i = 0; i < arrivals_.size(); ++i) {
      const Arrival& arrival = arrivals_[i];
      finish_until(arrival.at);
      served_[i] = {.due = arrival.at + arrival.delay,
                    .objective = std::max(Duration(0), arrival.objective),
                    .tenant = arrival.tenant,
                    .priority = arrival.priority};
      const std::size_t instance = place();
      if (instance == busy_.size()) {
        shared_.push_back(i);
      } else if (busy_[instance]) {
        own_[instance].push_back(i);
      } else {
        begin(instance, i, arrival.at);
      }
    }
    finish_until(Duration::max());
    return std::move(served_);
  }

 private:
  /// The instance that gets the next message; their number means the shared queue.
  std::size_t place() {
    const std::size_t count = busy_.size();
    if (options_.policy == PeerPolicy::RoundRobin) return turn_++ % count;
    std::size_t best = count, equals = 0;
    for (std::size_t n = 0; n < count; ++n) {
      const auto load = [&](std::size_t i) { return own_[i].size() + (busy_[i] ? 1 : 0); };
      if (options_.policy == PeerPolicy::Fifo && busy_[n]) continue;
      if (best < count && load(n) > load(best)) continue;
      equals = best < count && load(n) == load(best) ? equals + 1 : 1;
      if (random_.below(equals) == 0) best = n;
    }
    return best;
  }

  void begin(std::size_t instance, std::size_t message, Duration now) {
    const Arrival& arrival = arrivals_[message];
    const Duration takes = options_.work_time({.service_time = arrival.service_time,
                                               .bytes = arrival.bytes,
                                               .type = arrival.type,
                                               .variant = options_.variants[instance],
                                               .instance = InstanceId(instance + 1),
                                               .at = time_point_us(now.count())});
    busy_[instance] = true;
    served_[message].start = now;
    served_[message].end = now + takes;
    finishes_.push({now + takes, instance});
  }

  void finish_until(Duration now) {
    while (!finishes_.empty() && finishes_.top().at <= now) {
      const Finish finish = finishes_.top();
      finishes_.pop();
      busy_[finish.instance] = false;
      std::deque<std::size_t>& next = options_.policy == PeerPolicy::Fifo ? shared_ : own_[finish.instance];
      if (next.empty()) continue;
      const std::size_t message = next.front();
      next.pop_front();
      begin(finish.instance, message, finish.at);
    }
  }

  const std::vector<Arrival>& arrivals_;
  const PeerOptions& options_;
  Random random_;
  std::vector<Served> served_;
  std::vector<std::deque<std::size_t>> own_;
  std::deque<std::size_t> shared_;
  std::vector<bool> busy_;
  std::priority_queue<Finish, std::vector<Finish>, std::greater<>> finishes_;
  std::size_t turn_ = 0;
};

}  // namespace

std::vector<Served> run_peer(const std::vector<Arrival>& arrivals, const PeerOptions& options) {
  return FixedPool(arrivals, options).run();
}

}  // namespace forewarm::bench
