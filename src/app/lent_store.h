#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/id_map.h"
#include "base/result.h"
#include "core/model/message.h"
#include "edge/cloud/message_source.h"
#include "edge/store/store.h"

namespace forewarm {

/// Which of the configured sources; never used again for another.
using SourceNumber = std::uint32_t;

/// A message of another engine while it is lent to us.
struct LentEntry {
  SourceNumber source = 0;
  QueueId queue;
  LentMessage message;   ///< with the newest token; an empty one: nobody knows whose it is
  TimePoint since;       ///< of this delivery
  bool leaving = false;  ///< settled, or taken from us: what the core still says of it reaches nobody
};

/// What is remembered of a message of another engine from one delivery to the next.
struct LentAttempts {
  std::uint16_t attempts = 0;
  TimePoint not_before;  ///< a retry waits until then
  TimePoint noted;

  friend bool operator==(const LentAttempts&, const LentAttempts&) = default;
};

/// The store of a server some of whose queues live in other engines: each write goes to whom its message
/// belongs.
///
/// To the world it is a store like any other. Writes of messages that are lent become settlements, which are
/// handed out when the rest of their commit is durable; the count of attempts becomes a record of the store
/// below ("lent/QUEUE/ID"). All but the end of commits on the loop's thread.
class LentStore : public Store {
 public:
  struct Hands {
    /// The commit's thread or the loop's.
    std::function<void(SourceNumber, std::vector<Settlement>)> settle;
    /// The message as the core has it now; null if it has it not.
    std::function<const Message*(MessageId)> message;
    /// Whether the engine of this source takes dead letters; where not, they are kept in the store below.
    std::function<bool(SourceNumber)> engine_takes_dead_letters;
    /// The message's content in the form in which the store keeps it.
    std::function<std::string(const LentEntry&)> pack;
    /// An engine took a dead letter, or one was taken from us: the core must forget the message.
    std::function<void(MessageId)> forget;
  };

  /// The store below must outlive this.
  LentStore(Store& below, Hands hands) : below_(below), hands_(std::move(hands)) {}

  // Store
  Result<void> submit(std::vector<Write> writes, Durability durability, Done done) override;
  Result<std::string> payload(MessageId message) override;
  MessageId next_message_id() override { return below_.next_message_id(); }
  Statistics statistics() override { return below_.statistics(); }
  bool full() const override { return below_.full(); }

  /// One record of the store below, at recovery. False if it is not of lent messages; Corrupt names it.
  Result<bool> recover(std::string_view key, std::string_view value);
  /// Records of messages that nobody has brought again for 15 days, to be removed; forgets them.
  std::vector<Write> take_expired(TimePoint now);

  /// What became of a message that an engine has brought.
  struct Brought {
    enum class Kind : std::uint8_t {
      New,    ///< the core is to hear of it: `id`, `attempts`
      Known,  ///< it is here already, and ours again by its new token
      Done,   ///< it was done before; it is settled once more, and nothing else is to happen
    };
    Kind kind = Kind::New;
    MessageId id;
    LentAttempts attempts;
  };
  Brought bring(SourceNumber source, QueueId queue, LentMessage message, TimePoint now);
  /// What is lent is settled so, now; the core is to forget it.
  void give_back(MessageId message, Duration delay);
  /// The engine says that this is not ours any more. The message, unless another token holds it by now.
  std::optional<MessageId> take_back(SourceNumber source, const std::string& token);
  /// It is gone from the core, or will be: nothing of it reaches the engine any more.
  void leave(MessageId message);
  void extended(SourceNumber source, const std::string& token, TimePoint until);
  /// The engine has it settled, and need not be told again if the message seems to come once more. The
  /// message if the core still has it, as it does with what an engine took as a dead letter.
  std::optional<MessageId> settled(SourceNumber source, const std::string& token, bool taken);

  std::uint16_t attempts_of(const LentEntry& entry) const;
  const LentEntry* find(MessageId message) const { return entries_.find(message); }
  /// Those of a source that are not leaving, in no order that means anything.
  std::vector<MessageId> of_source(SourceNumber source) const;
  std::size_t size() const { return entries_.size(); }

 private:
  static constexpr std::size_t kDoneMax = 100'000;
  using EngineKey = std::pair<SourceNumber, std::string>;
  /// What a list of writes comes to, before anything is changed: the store below may refuse it.
  struct Translated {
    std::vector<Write> writes;
    std::map<SourceNumber, std::vector<Settlement>> settlements;
    std::vector<MessageId> done;     ///< acknowledged
    std::vector<MessageId> ended;    ///< their entries go
    std::vector<MessageId> leaving;  ///< the core is to forget them
    std::vector<std::pair<std::string, LentAttempts>> attempts;
    bool synced = false;

    bool has_ended(MessageId message) const;
  };

  std::string key_of(QueueId queue, const std::string& engine_id) const;
  void translate(Write&& write, Translated& into) const;
  void remove(MessageId id, const LentEntry& entry, Translated& into) const;
  void update(const UpdateMessage& update, const LentEntry& entry, Translated& into) const;
  void move(const MoveMessage& move, const LentEntry& entry, Translated& into) const;
  void purge(const PurgeQueue& purge, Translated& into) const;
  void forget_attempts(const LentEntry& entry, Translated& into) const;
  void carry_out(const Translated& translated);
  void drop_engine_id(const LentEntry& entry, MessageId id);
  void erase(MessageId message);
  void remember_done(const LentEntry& entry);
  void remember_in_vain(EngineKey by_id);
  bool was_done(const EngineKey& by_id, const LentMessage& message);

  Store& below_;
  Hands hands_;
  IdMap<MessageId, LentEntry> entries_;
  std::map<EngineKey, MessageId> by_engine_id_;
  std::map<EngineKey, MessageId> by_token_;
  std::unordered_map<std::string, LentAttempts> attempts_;  ///< by record key
  std::map<EngineKey, std::string> done_;  ///< acknowledged, by token, until the engine has said so: its id
  /// Acknowledged, but not taken by the engine, by id: each explains one message that comes again.
  std::map<EngineKey, std::uint32_t> done_in_vain_;
  std::deque<EngineKey> done_in_vain_order_;
};

}  // namespace forewarm
