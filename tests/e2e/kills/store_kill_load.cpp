#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "edge/store/store.h"

// The process that store_kill.py kills: a load on a store that says on standard output what it is about to
// ask (small letters), what was acknowledged (capitals), and after each start what it found.
//   m ID COUNT PAYLOAD   found          ready                everything found is named
//   a ID PAYLOAD   A ID  append         u ID COUNT   U ID COUNT  delivery count        r ID   R ID   remove

namespace forewarm {
namespace {

/// One write a call, so that a kill leaves whole lines and at most one torn one.
void say(const std::string& lines) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  for (std::size_t at = 0; at < lines.size();) {
    const ssize_t written = ::write(STDOUT_FILENO, lines.data() + at, lines.size() - at);
    if (written <= 0) std::_Exit(0);
    at += static_cast<std::size_t>(written);
  }
}

class Load {
 public:
  Load(Store& store, std::uint64_t seed, std::map<std::uint64_t, std::uint16_t> live)
      : store_(store), random_(seed), live_(std::move(live)) {}

  void run() {
    for (;;) {
      std::vector<Write> writes;
      std::string asked;
      std::string acknowledged;
      bool synced = false;
      const std::uint64_t count = 1 + random_.below(3);
      for (std::uint64_t n = 0; n < count; ++n) synced |= add(writes, asked, acknowledged);
      say(asked);
      const auto durability = synced ? Durability::Synced : Durability::Written;
      const auto accepted =
          store_.submit(std::move(writes), durability, [acknowledged](const Result<void>& result) {
            check(result.has_value(), "a healthy disk takes every write");
            say(acknowledged);
          });
      check(accepted.has_value(), "the load stays below the bound of pending writes");
      // The bound on what is pending also lets the reader keep up.
      while (store_.statistics().pending_bytes > 20'000) std::this_thread::yield();
    }
  }

 private:
  /// Adds one write; true if it has to be synced.
  bool add(std::vector<Write>& writes, std::string& asked, std::string& acknowledged) {
    const std::uint64_t kind = random_.below(100);
    if (live_.size() < 20 || (kind < 40 && live_.size() < 300)) {
      const MessageId id = store_.next_message_id();
      std::string payload = std::to_string(id.value()) + "-" + std::string(random_.below(1500), 'p');
      Message message;
      message.id = id;
      message.queue = QueueId(1);
      message.bytes = static_cast<std::uint32_t>(payload.size());
      asked += "a " + std::to_string(id.value()) + " " + payload + "\n";
      acknowledged += "A " + std::to_string(id.value()) + "\n";
      writes.push_back(AppendMessage{{message, std::move(payload)}});
      live_[id.value()] = 0;
      return true;
    }
    auto chosen = live_.lower_bound(live_.begin()->first +
                                    random_.below(live_.rbegin()->first - live_.begin()->first + 1));
    const std::string id = std::to_string(chosen->first);
    if (kind < 70) {
      const std::string text = id + " " + std::to_string(++chosen->second) + "\n";
      asked += "u " + text;
      acknowledged += "U " + text;
      writes.push_back(UpdateMessage{MessageId(chosen->first), chosen->second, time_point_us(1)});
      return false;
    }
    asked += "r " + id + "\n";
    acknowledged += "R " + id + "\n";
    writes.push_back(RemoveMessage{MessageId(chosen->first)});
    live_.erase(chosen);
    return true;
  }

  Store& store_;
  Random random_;
  std::map<std::uint64_t, std::uint16_t> live_;
};

int run(const std::string& directory, std::uint64_t seed) {
  std::map<std::uint64_t, std::uint16_t> live;
  auto store = Store::open(
      {.directory = directory},
      {.message = [&](const Message& message) { live[message.id.value()] = message.receive_count; },
       .record = nullptr});
  if (!store) {
    std::cerr << store.error().message << "\n";
    return 1;
  }
  for (const auto& [id, count] : live) {
    const auto payload = (*store)->payload(MessageId(id));
    if (!payload) {
      std::cerr << payload.error().message << "\n";
      return 1;
    }
    say("m " + std::to_string(id) + " " + std::to_string(count) + " " + *payload + "\n");
  }
  say("ready\n");
  Load(**store, seed, std::move(live)).run();
  return 0;
}

}  // namespace
}  // namespace forewarm

int main(int argument_count, char** arguments) {
  if (argument_count != 3) {
    std::cerr << "usage: store_kill_load DIRECTORY SEED\n";
    return 2;
  }
  return forewarm::run(arguments[1], std::strtoull(arguments[2], nullptr, 10));
}
