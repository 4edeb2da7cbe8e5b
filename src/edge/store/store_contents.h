#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/random.h"
#include "edge/store/fault_vfs.h"
#include "edge/store/format.h"
#include "edge/store/store_fixture.h"

// A model of the store that the tests compare it with, and a load that keeps one.

namespace forewarm {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSlowdown = 4;  ///< what a sanitizer costs, taken from the number of repetitions
#else
inline constexpr int kSlowdown = 1;
#endif

using Contents = std::map<std::uint64_t, StoredMessage>;

/// One line a message, to compare and to print.
inline std::string describe(const Contents& contents) {
  std::ostringstream out;
  for (const auto& [id, stored] : contents) {
    const Message& m = stored.message;
    out << id << ' ' << m.queue.value() << ' ' << m.receive_count << ' ' << count_us(m.visible_at) << ' '
        << m.tenant.value() << ' ' << count_us(m.sent) << ' ' << m.dead_letter_source.value() << ' '
        << m.received_before << ' ' << int{m.priority} << ' ' << m.type.value() << ' '
        << stored.payload.substr(0, 20) << '+' << payload_checksum(m.id, stored.payload) << '\n';
  }
  return out.str();
}

inline void perform(const Write& write, Contents& contents) {
  if (const auto* append = std::get_if<AppendMessage>(&write)) {
    contents[append->message.message.id.value()] = append->message;
  } else if (const auto* remove = std::get_if<RemoveMessage>(&write)) {
    contents.erase(remove->message.value());
  } else if (const auto* update = std::get_if<UpdateMessage>(&write)) {
    const auto found = contents.find(update->message.value());
    if (found == contents.end()) return;
    found->second.message.receive_count = update->receive_count;
    found->second.message.visible_at = update->visible_at;
  } else if (const auto* move = std::get_if<MoveMessage>(&write)) {
    const auto found = contents.find(move->message.value());
    if (found == contents.end()) return;
    found->second.message.queue = move->to;
    found->second.message.receive_count = 0;
    found->second.message.visible_at = move->visible_at;
    found->second.message.sent = move->sent;
    found->second.message.dead_letter_source = move->source;
    found->second.message.received_before = move->received_before;
  } else if (const auto* purge = std::get_if<PurgeQueue>(&write)) {
    std::erase_if(contents, [&](const auto& entry) {
      return entry.second.message.queue == purge->queue && entry.first <= purge->up_to.value();
    });
  }
}

/// Draws writes as a server's: mostly appends, deliveries and removals, in jobs of one to four.
class Load {
 public:
  explicit Load(std::uint64_t seed) : random_(seed) {}

  /// What is stored if all jobs succeeded so far.
  const Contents& contents() const { return contents_; }
  /// Takes the last jobs back.
  void set_contents(const Contents& contents) { contents_ = contents; }

  std::vector<Write> next() {
    std::vector<Write> writes;
    const std::uint64_t count = 1 + random_.below(4);
    for (std::uint64_t n = 0; n < count; ++n) {
      writes.push_back(next_write());
      perform(writes.back(), contents_);
    }
    return writes;
  }

 private:
  Write next_write() {
    const std::uint64_t kind = random_.below(100);
    if (contents_.empty() || (kind < 40 && contents_.size() < 60)) {
      const std::size_t size = random_.below(20) == 0 ? 9000 : random_.below(700);
      return AppendMessage{
          {make_message(++last_id_, QueueId(1 + static_cast<std::uint32_t>(random_.below(3)))),
           std::string(size, static_cast<char>('a' + last_id_ % 26))}};
    }
    auto chosen = contents_.begin();
    std::advance(chosen, random_.below(contents_.size()));
    const MessageId id(chosen->first);
    const TimePoint at = time_point_us(static_cast<std::int64_t>(random_.below(1'000'000)));
    if (kind < 65)
      return UpdateMessage{id, static_cast<std::uint16_t>(chosen->second.message.receive_count + 1), at};
    if (kind < 95) return RemoveMessage{id};
    if (kind < 99) return MoveMessage{id, QueueId(4), at, at, chosen->second.message.queue, 3};
    return PurgeQueue{chosen->second.message.queue, id};
  }

  Random random_;
  Contents contents_;
  std::uint64_t last_id_ = 0;
};

/// The tuning of a store on a file layer of the tests.
inline StoreTuning on(FaultVfs& vfs, const SettleBounds& settle = {}) {
  return {.vfs = vfs.name(), .disk = &vfs.disk(), .settle = settle};
}

/// A journal of small slots that is settled every few commits, so that short tests meet all of it.
inline SettleBounds eager_settling() {
  return {.journal = {.slot_bytes = 16'384, .grows_to = 6000},
          .bytes = 6000,
          .bytes_max = 60'000,
          .at_least_every = std::chrono::milliseconds(20),
          .again_after = std::chrono::milliseconds(1)};
}

/// Opens a directory and reads everything; the error instead if it is refused.
inline Result<Contents> open_and_read(const std::string& directory, FaultVfs* vfs = nullptr) {
  RecoveredStore recovered;
  auto store =
      open_journaled_store({.directory = directory}, vfs ? on(*vfs) : StoreTuning{}, recovered.recovery());
  if (!store) return std::unexpected(store.error());
  Contents contents;
  for (const auto& [id, message] : recovered.messages) {
    auto payload = (*store)->payload(message.id);
    contents[id] = {message, payload ? *payload : payload.error().message};
  }
  return contents;
}

inline std::string open_and_describe(const std::string& directory, FaultVfs* vfs = nullptr) {
  const auto contents = open_and_read(directory, vfs);
  return contents ? describe(*contents) : "refused: " + contents.error().message;
}

}  // namespace forewarm
