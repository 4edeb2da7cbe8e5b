#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/lent_store.h"
#include "app/source_config.h"
#include "core/model/event.h"
#include "core/orchestrator.h"
#include "edge/cloud/message_source.h"
#include "edge/net/loop.h"

namespace forewarm {

/// Serves queues of other engines: takes what they lend to the core, and keeps it ours while it waits or
/// runs.
///
/// How much is lent follows the slots: what waits here cannot be had by others. Everything on the loop's
/// thread but the sources' callbacks, which it brings there.
class SourceService {
 public:
  using MakeSource = std::function<Result<std::unique_ptr<MessageSource>>(const SourceConfig&)>;
  struct Server {
    Loop* loop = nullptr;
    const Orchestrator* core = nullptr;
    std::function<TimePoint()> now;
    std::function<void(Event)> report;
    std::function<std::optional<QueueId>(std::string_view)> queue_id;
    /// Messages that the queue's ready and starting instances take at a time.
    std::function<std::uint32_t(std::string_view queue)> slots;
    std::function<void(std::string_view)> warn;
    /// As QueueServiceOptions::traced; may be empty.
    std::function<void(MessageId, std::string_view, std::string_view, std::string_view)> traced{};
    MakeSource make;
  };

  /// The store below must outlive this.
  SourceService(Store& below, Server server);
  ~SourceService();
  SourceService(const SourceService&) = delete;
  SourceService& operator=(const SourceService&) = delete;

  /// What the world is to write to.
  LentStore& store() { return store_; }
  /// As LentStore::recover().
  Result<bool> recover(std::string_view key, std::string_view value) { return store_.recover(key, value); }
  /// Begins with new sources, ends with those that are gone or changed. Their queues must be there.
  void configure(const std::vector<SourceConfig>& sources);
  /// What waits is given back; what runs stays until it is done.
  void stop();

  /// What an operator sees of a source.
  struct View {
    SourceConfig config;
    Result<void> connected = {};  ///< the reason if it is not
    std::optional<QueueDepth> depth;
    EngineTraits traits;
    std::size_t lent = 0;
  };
  std::vector<View> views() const;
  /// The source's URL without secrets, for a queue that lives elsewhere; empty for one of ours.
  std::string elsewhere(QueueId queue) const;

 private:
  struct Source;

  void begin(const SourceConfig& config);
  void end(Source& source);
  MessageSource::Listener listener(SourceNumber number);
  template <class Task>
  void at_home(SourceNumber number, Task task);
  void on_lent(Source& source, const std::vector<LentMessage>& messages);
  void on_lost(Source& source, const std::vector<std::string>& tokens);
  void on_settled(Source& source, const std::string& token, SettleKind kind, const Result<void>& taken);
  void on_state(Source& source, const Result<void>& connected);
  void forget(MessageId message);
  void forget_now(MessageId message);
  void tick();
  void look(Source& source, TimePoint now);
  void renew(Source& source, TimePoint now);
  Message message_of(const Source& source, const LentStore::Brought& brought, const LentMessage& message);

  Server server_;
  std::mutex engines_mutex_;  ///< commits end on a thread of their own
  std::map<SourceNumber, MessageSource*> engines_;
  LentStore store_;
  std::map<SourceNumber, std::unique_ptr<Source>> sources_;
  SourceNumber last_number_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Loop::Timer> timer_;
  bool stopped_ = false;
};

}  // namespace forewarm
