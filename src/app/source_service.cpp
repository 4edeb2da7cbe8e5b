#include "app/source_service.h"

#include <algorithm>
#include <utility>

#include "app/source_check.h"
#include "edge/sqs/message_metadata.h"
#include "edge/sqs/payload.h"

namespace forewarm {
namespace {

constexpr Duration kLookEvery = 100ms;
constexpr Duration kDepthEvery = 5s;
constexpr std::uint32_t kWaitingMin = 10;  ///< that may wait here however few slots there are
constexpr Duration kOldestSent = 12h;      ///< for lateness what is older is no older than this

sqs::Attributes attributes_of(const LentMessage& message) {
  sqs::Attributes attributes;
  for (const auto& [name, value] : message.attributes) {
    if (!value.empty()) attributes[name] = {.data_type = "String", .value = value};
  }
  return attributes;
}

std::string_view attribute(const LentMessage& message, std::string_view name) {
  const auto found = std::ranges::find(message.attributes, name,
                                       [](const auto& each) { return std::string_view(each.first); });
  return found == message.attributes.end() ? std::string_view() : std::string_view(found->second);
}

std::string pack_lent(const LentEntry& entry) {
  const LentMessage& message = entry.message;
  return sqs::encode({.sent_to = entry.queue,
                      .sent = message.sent.value_or(entry.since),
                      .body = message.body,
                      .attributes = attributes_of(message),
                      .trace_header = std::string(attribute(message, "AWSTraceHeader")),
                      .group_id = message.group,
                      .deduplication_id = {},
                      .sender_id = {}});
}

/// Without user, password and query.
std::string plain_url(const std::string& url) {
  const std::size_t host = url.find("://");
  if (host == std::string::npos) return url;
  const std::size_t at = url.find('@', host);
  const std::size_t path = url.find('/', host + 3);
  const bool has_user = at != std::string::npos && (path == std::string::npos || at < path);
  const std::string rest = url.substr(has_user ? at + 1 : host + 3);
  return url.substr(0, host + 3) + rest.substr(0, rest.find('?'));
}

}  // namespace

std::string dead_letter_queue_of(const SourceConfig& source) {
  constexpr std::string_view kFifo = ".fifo";
  const bool fifo = source.queue.ends_with(kFifo);
  const std::string stem = fifo ? source.queue.substr(0, source.queue.size() - kFifo.size()) : source.queue;
  return stem + "-dead-letters" + std::string(fifo ? kFifo : "");
}

struct SourceService::Source {
  SourceNumber number = 0;
  SourceConfig config;
  QueueId queue;
  std::unique_ptr<MessageSource> engine;
  Result<void> connected = error(ErrorCode::Closed, "not connected yet");
  std::optional<QueueDepth> depth;
  TimePoint look_at_depth;
  std::optional<std::uint32_t> window;
  std::string warned;
};

SourceService::SourceService(Store& below, Server server)
    : server_(std::move(server)),
      store_(below, {.settle =
                         [this](SourceNumber number, std::vector<Settlement> settlements) {
                           // Sources are only taken away while no commit is under way or by the loop's
                           // thread.
                           const std::lock_guard lock(engines_mutex_);
                           const auto found = engines_.find(number);
                           if (found != engines_.end()) found->second->settle(std::move(settlements));
                         },
                     .message = [this](MessageId id) { return server_.core->message(id); },
                     .engine_takes_dead_letters =
                         [this](SourceNumber number) {
                           const auto found = sources_.find(number);
                           return found != sources_.end() && found->second->config.dead_letters == "engine";
                         },
                     .pack = pack_lent,
                     .forget = [this](MessageId id) { forget(id); }}) {
  timer_ = server_.loop->call_after(kLookEvery, [this] { tick(); });
}

SourceService::~SourceService() {
  *alive_ = false;
  timer_.reset();
  for (auto& [number, source] : sources_) end(*source);
}

void SourceService::configure(const std::vector<SourceConfig>& sources) {
  for (auto each = sources_.begin(); each != sources_.end();) {
    const bool stays = std::ranges::find(sources, each->second->config) != sources.end();
    if (!stays) end(*each->second);
    each = stays ? std::next(each) : sources_.erase(each);
  }
  for (const SourceConfig& config : sources) {
    const bool there =
        std::ranges::any_of(sources_, [&](const auto& each) { return each.second->config == config; });
    if (!there && !stopped_) begin(config);
  }
}

void SourceService::begin(const SourceConfig& config) {
  const std::optional<QueueId> queue = server_.queue_id(config.queue);
  if (!queue) return;
  auto made = server_.make(config);
  if (!made) {
    server_.warn("the source of queue '" + config.queue + "' cannot begin: " + made.error().message);
    return;
  }
  auto source = std::make_unique<Source>();
  source->number = ++last_number_;
  source->config = config;
  source->queue = *queue;
  source->engine = std::move(*made);
  MessageSource& engine = *source->engine;
  {
    const std::lock_guard lock(engines_mutex_);
    engines_[source->number] = &engine;
  }
  const SourceNumber number = source->number;
  sources_.emplace(number, std::move(source));
  engine.start(listener(number));
}

/// Its messages go back to the engine with its connection.
void SourceService::end(Source& source) {
  {
    const std::lock_guard lock(engines_mutex_);
    engines_.erase(source.number);
  }
  for (const MessageId id : store_.of_source(source.number)) store_.give_back(id, Duration(0));
  source.engine.reset();
}

void SourceService::stop() {
  stopped_ = true;
  for (auto& [number, source] : sources_) {
    source->engine->set_window(0);
    for (const MessageId id : store_.of_source(number)) {
      if (!server_.core->in_flight(id)) store_.give_back(id, Duration(0));
    }
  }
}

/// From a source's thread to the loop's; nothing if the source is gone by then.
template <class Task>
void SourceService::at_home(SourceNumber number, Task task) {
  server_.loop->post([this, alive = alive_, number, task = std::move(task)]() mutable {
    if (!*alive) return;
    if (const auto found = sources_.find(number); found != sources_.end()) task(*found->second);
  });
}

MessageSource::Listener SourceService::listener(SourceNumber number) {
  return {
      .lent =
          [this, number](std::vector<LentMessage> messages) {
            at_home(number,
                    [this, messages = std::move(messages)](Source& source) { on_lent(source, messages); });
          },
      .settled =
          [this, number](const std::string& token, SettleKind kind, const Result<void>& taken) {
            at_home(number,
                    [this, token, kind, taken](Source& source) { on_settled(source, token, kind, taken); });
          },
      .lost =
          [this, number](const std::vector<std::string>& tokens) {
            at_home(number, [this, tokens](Source& source) { on_lost(source, tokens); });
          },
      .extended =
          [this, number](const std::vector<std::pair<std::string, TimePoint>>& extended) {
            at_home(number, [this, extended](Source& source) {
              for (const auto& [token, until] : extended) store_.extended(source.number, token, until);
            });
          },
      .state =
          [this, number](const Result<void>& connected) {
            at_home(number, [this, connected](Source& source) { on_state(source, connected); });
          },
  };
}

void SourceService::on_lent(Source& source, const std::vector<LentMessage>& messages) {
  for (const LentMessage& message : messages) {
    const LentStore::Brought brought = store_.bring(source.number, source.queue, message, server_.now());
    if (brought.kind != LentStore::Brought::Kind::New) continue;
    if (stopped_) {
      store_.give_back(brought.id, Duration(0));
      continue;
    }
    if (server_.traced)
      server_.traced(brought.id, attribute(message, "traceparent"), attribute(message, "tracestate"),
                     attribute(message, "AWSTraceHeader"));
    const bool again = brought.attempts.attempts > 0 || message.deliveries > 1;
    server_.report(
        MessageArrived{message_of(source, brought, message), again ? Origin::Recovered : Origin::Sent});
  }
}

Message SourceService::message_of(const Source& source, const LentStore::Brought& brought,
                                  const LentMessage& message) {
  const TimePoint now = server_.now();
  const bool fifo = source.config.queue.ends_with(".fifo");
  const TimePoint sent = std::clamp(message.sent.value_or(now), now - kOldestSent, now);
  const TimePoint visible_at = std::max(sent, brought.attempts.not_before);
  sqs::SendMessageEntry entry;
  entry.body = message.body;
  entry.attributes = attributes_of(message);
  entry.group_id = message.group;
  auto metadata = sqs::read_metadata(entry, fifo, visible_at);
  if (!metadata) {
    server_.warn("message " + message.id + " of queue '" + source.config.queue +
                 "' is taken without its forewarm attributes: " + metadata.error().message);
    metadata = sqs::MessageMetadata{};
  }
  if (message.priority && attribute(message, "forewarm.priority").empty())
    metadata->priority = std::min<Priority>(*message.priority, kPriorityMax);
  std::size_t bytes = message.body.size();
  for (const auto& [name, value] : message.attributes) bytes += name.size() + value.size();
  return {.id = brought.id,
          .queue = source.queue,
          .type = metadata->type,
          .sent = sent,
          .visible_at = visible_at,
          .deadline = metadata->deadline,
          .tenant = metadata->tenant,
          .group = fifo ? GroupId(sqs::name_hash(message.group)) : GroupId{},
          .bytes = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, UINT32_MAX)),
          .receive_count = brought.attempts.attempts,
          .priority = metadata->priority};
}

/// What runs goes on: its message may come again before it ends, and is then ours again. What waits is
/// forgotten, since others may have it: the last first, or one of a group would run when those before it are
/// gone.
void SourceService::on_lost(Source& source, const std::vector<std::string>& tokens) {
  std::vector<MessageId> waiting;
  for (const std::string& token : tokens) {
    const std::optional<MessageId> id = store_.take_back(source.number, token);
    if (!id || store_.find(*id)->leaving || server_.core->in_flight(*id)) continue;
    store_.leave(*id);
    waiting.push_back(*id);
  }
  std::ranges::sort(waiting, std::ranges::greater{});
  for (const MessageId id : waiting) forget_now(id);
}

void SourceService::on_settled(Source& source, const std::string& token, SettleKind kind,
                               const Result<void>& taken) {
  if (!taken && taken.error().message != source.warned) {
    source.warned = taken.error().message;
    server_.warn("queue '" + source.config.queue + "': " + taken.error().message);
  }
  const std::optional<MessageId> id = store_.settled(source.number, token, taken.has_value());
  if (id && kind != SettleKind::Acknowledge) forget_now(*id);
}

void SourceService::on_state(Source& source, const Result<void>& connected) {
  const bool changed = source.connected.has_value() != connected.has_value();
  const bool other =
      !connected && !source.connected && connected.error().message != source.connected.error().message;
  source.connected = connected;
  if (!changed && !other) return;
  source.window.reset();  // a new connection knows nothing of it
  if (!connected)
    server_.warn("queue '" + source.config.queue + "': " + connected.error().message);
  else if (const auto warning = delivery_limit_warning(source.config, source.engine->traits());
           !warning.empty())
    server_.warn(warning);
}

/// Not now: the core is in the middle of a step.
void SourceService::forget(MessageId message) {
  server_.loop->post([this, alive = alive_, message] {
    if (*alive) forget_now(message);
  });
}

/// What runs is left alone: it ends by itself, and forget() is called again if it fails.
void SourceService::forget_now(MessageId message) {
  const LentEntry* entry = store_.find(message);
  if (entry == nullptr || server_.core->in_flight(message)) return;
  const Message* known = server_.core->message(message);
  // One that the core has not heard of yet has its arrival before this in the same input.
  const std::uint16_t count = known != nullptr ? known->receive_count : store_.attempts_of(*entry);
  server_.report(MessageDeleted{message, count});
}

void SourceService::tick() {
  const TimePoint now = server_.now();
  for (auto& [number, source] : sources_) {
    renew(*source, now);
    if (!stopped_) look(*source, now);
  }
  timer_ = server_.loop->call_after(kLookEvery, [this] { tick(); });
}

void SourceService::look(Source& source, TimePoint now) {
  const QueueView view = server_.core->queue(source.queue);
  const std::uint32_t waiting =
      view.paused ? 0 : std::max(kWaitingMin, 2 * server_.slots(source.config.queue));
  const std::uint64_t wanted = view.in_flight + view.delayed + waiting;
  const auto window = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(wanted, static_cast<std::uint64_t>(source.config.window_max)));
  if (source.window != window) {
    source.window = window;
    source.engine->set_window(window);
  }
  if (now < source.look_at_depth) return;
  source.look_at_depth = now + kDepthEvery;
  source.engine->observe([this, number = source.number](Result<QueueDepth> depth) {
    at_home(number, [depth = std::move(depth)](Source& of) {
      of.depth = depth ? std::optional(*depth) : std::nullopt;
    });
  });
}

/// At half of its time a lease is prolonged. What has been held for almost as long as the engine allows goes
/// back, unless it runs.
void SourceService::renew(Source& source, TimePoint now) {
  const EngineTraits traits = source.engine->traits();
  std::vector<std::string> tokens;
  for (const MessageId id : store_.of_source(source.number)) {
    const LentEntry& entry = *store_.find(id);
    const Duration held = now - entry.since;
    if (traits.lease_total_max > Duration(0) && held > traits.lease_total_max / 10 * 9 &&
        !server_.core->in_flight(id)) {
      const Message* message = server_.core->message(id);
      const Duration wait = message != nullptr ? message->visible_at - now : Duration(0);
      store_.give_back(id, std::clamp(wait, Duration(0), traits.release_delay_max));
      continue;
    }
    if (entry.message.lent_until && traits.lease > Duration(0) &&
        *entry.message.lent_until - now < traits.lease / 2)
      tokens.push_back(entry.message.token);
  }
  if (!tokens.empty()) source.engine->extend(std::move(tokens));
}

std::vector<SourceService::View> SourceService::views() const {
  std::vector<View> views;
  views.reserve(sources_.size());
  for (const auto& [number, source] : sources_) {
    views.push_back({.config = source->config,
                     .connected = source->connected,
                     .depth = source->depth,
                     .traits = source->engine->traits(),
                     .lent = store_.of_source(number).size()});
  }
  return views;
}

std::string SourceService::elsewhere(QueueId queue) const {
  for (const auto& [number, source] : sources_) {
    if (source->queue == queue) return plain_url(source->config.url);
  }
  return {};
}

}  // namespace forewarm
