#include "app/lent_store.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "edge/sqs/digest.h"

namespace forewarm {
namespace {

constexpr std::string_view kPrefix = "lent/";
constexpr Duration kAttemptsKept = 24h * 15;  ///< a day more than queues usually keep a message

std::int64_t in_us(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

/// "attempts not_before noted", times in microseconds of the Unix epoch.
std::string attempts_text(const LentAttempts& attempts) {
  return std::to_string(attempts.attempts) + ' ' + std::to_string(in_us(attempts.not_before)) + ' ' +
         std::to_string(in_us(attempts.noted));
}

std::optional<LentAttempts> read_attempts(std::string_view text) {
  std::int64_t fields[3] = {};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t n = 0; n < 3; ++n) {
    if (n > 0) {
      if (at == end || *at != ' ') return std::nullopt;
      ++at;
    }
    const auto [after, failed] = std::from_chars(at, end, fields[n]);
    if (failed != std::errc()) return std::nullopt;
    at = after;
  }
  if (at != end || fields[0] < 0 || fields[0] > UINT16_MAX) return std::nullopt;
  return LentAttempts{static_cast<std::uint16_t>(fields[0]), time_point_us(fields[1]),
                      time_point_us(fields[2])};
}

Settlement settlement_of(const LentEntry& entry, SettleKind kind) {
  return {.token = entry.message.token, .kind = kind};
}

}  // namespace

bool LentStore::Translated::has_ended(MessageId message) const {
  return std::ranges::find(ended, message) != ended.end();
}

std::string LentStore::key_of(QueueId queue, const std::string& engine_id) const {
  constexpr std::size_t kPlainMax = 100;
  return std::string(kPrefix) + std::to_string(queue.value()) + '/' +
         (engine_id.size() <= kPlainMax ? engine_id : sqs::sha256_hex(engine_id));
}

std::uint16_t LentStore::attempts_of(const LentEntry& entry) const {
  const auto found = attempts_.find(key_of(entry.queue, entry.message.id));
  return found != attempts_.end() ? found->second.attempts : std::uint16_t{0};
}

Result<void> LentStore::submit(std::vector<Write> writes, Durability durability, Done done) {
  if (entries_.empty()) return below_.submit(std::move(writes), durability, std::move(done));
  Translated translated;
  translated.writes.reserve(writes.size());
  for (Write& write : writes) translate(std::move(write), translated);
  if (translated.synced) durability = Durability::Synced;
  const auto settle = [hands = hands_.settle, settlements = translated.settlements,
                       done = std::move(done)](const Result<void>& committed) {
    if (committed) {
      for (const auto& [source, each] : settlements) hands(source, each);
    }
    done(committed);
  };
  Result<void> taken = below_.submit(std::move(translated.writes), durability, settle);
  if (taken) carry_out(translated);
  return taken;
}

void LentStore::translate(Write&& write, Translated& into) const {
  const auto lent = [&](MessageId message) {
    return into.has_ended(message) ? nullptr : entries_.find(message);
  };
  if (const auto* removed = std::get_if<RemoveMessage>(&write)) {
    if (const LentEntry* entry = lent(removed->message)) return remove(removed->message, *entry, into);
  } else if (const auto* updated = std::get_if<UpdateMessage>(&write)) {
    if (const LentEntry* entry = lent(updated->message)) return update(*updated, *entry, into);
  } else if (const auto* moved = std::get_if<MoveMessage>(&write)) {
    if (const LentEntry* entry = lent(moved->message)) return move(*moved, *entry, into);
  } else if (const auto* purged = std::get_if<PurgeQueue>(&write)) {
    purge(*purged, into);
  }
  into.writes.push_back(std::move(write));
}

void LentStore::remove(MessageId id, const LentEntry& entry, Translated& into) const {
  into.ended.push_back(id);
  if (entry.leaving) return;
  into.done.push_back(id);
  forget_attempts(entry, into);
  // Without a token it is settled when it comes again.
  if (!entry.message.token.empty())
    into.settlements[entry.source].push_back(settlement_of(entry, SettleKind::Acknowledge));
}

void LentStore::update(const UpdateMessage& update, const LentEntry& entry, Translated& into) const {
  const std::string key = key_of(entry.queue, entry.message.id);
  const LentAttempts attempts{update.receive_count, update.visible_at, update.visible_at};
  into.writes.emplace_back(std::in_place_type<PutRecord>, key, attempts_text(attempts));
  into.attempts.emplace_back(key, attempts);
  if (entry.message.token.empty() || entry.leaving) into.leaving.push_back(update.message);
}

void LentStore::move(const MoveMessage& move, const LentEntry& entry, Translated& into) const {
  if (entry.leaving || entry.message.token.empty()) {
    into.leaving.push_back(move.message);
    return;
  }
  forget_attempts(entry, into);
  if (hands_.engine_takes_dead_letters(entry.source)) {
    Settlement settlement = settlement_of(entry, SettleKind::DeadLetter);
    settlement.reason = "given up after its attempts (forewarm)";
    settlement.message = entry.message;
    into.settlements[entry.source].push_back(std::move(settlement));
    into.leaving.push_back(move.message);
    return;
  }
  // From here on it is a message of the store below. One that is gone again already needs no place there.
  into.ended.push_back(move.message);
  into.settlements[entry.source].push_back(settlement_of(entry, SettleKind::Acknowledge));
  const Message* known = hands_.message(move.message);
  if (known == nullptr) return;
  into.writes.emplace_back(std::in_place_type<AppendMessage>, StoredMessage{*known, hands_.pack(entry)});
  into.writes.emplace_back(move);
  into.synced = true;
}

/// What an engine has lent is not ours to drop: it is given back.
void LentStore::purge(const PurgeQueue& purge, Translated& into) const {
  for (const auto& [token, id] : by_token_) {
    const LentEntry* entry = entries_.find(id);
    if (entry->queue != purge.queue || entry->leaving || purge.up_to < id || into.has_ended(id)) continue;
    into.ended.push_back(id);
    into.settlements[entry->source].push_back(settlement_of(*entry, SettleKind::Release));
  }
}

void LentStore::forget_attempts(const LentEntry& entry, Translated& into) const {
  std::string key = key_of(entry.queue, entry.message.id);
  const auto now = std::ranges::find(into.attempts, key, [](const auto& each) { return each.first; });
  if (now == into.attempts.end() && !attempts_.contains(key)) return;
  into.writes.emplace_back(std::in_place_type<RemoveRecord>, key);
  into.attempts.emplace_back(std::move(key), LentAttempts{});
}

void LentStore::carry_out(const Translated& translated) {
  for (const auto& [key, attempts] : translated.attempts) {
    if (attempts == LentAttempts{}) {
      attempts_.erase(key);
    } else {
      attempts_[key] = attempts;
    }
  }
  for (const MessageId id : translated.done) remember_done(*entries_.find(id));
  for (const MessageId id : translated.ended) erase(id);
  for (const MessageId id : translated.leaving) {
    if (entries_.contains(id)) leave(id);
    hands_.forget(id);
  }
}

Result<std::string> LentStore::payload(MessageId message) {
  const LentEntry* entry = entries_.find(message);
  return entry != nullptr ? hands_.pack(*entry) : below_.payload(message);
}

Result<bool> LentStore::recover(std::string_view key, std::string_view value) {
  if (!key.starts_with(kPrefix)) return false;
  const std::optional<LentAttempts> attempts = read_attempts(value);
  if (!attempts)
    return error(ErrorCode::Corrupt, "the record '" + std::string(key) + "' of the store cannot be read");
  attempts_[std::string(key)] = *attempts;
  return true;
}

std::vector<Write> LentStore::take_expired(TimePoint now) {
  std::vector<Write> writes;
  for (auto each = attempts_.begin(); each != attempts_.end();) {
    const bool expired = saturating_add(each->second.noted, kAttemptsKept) < now;
    if (expired) writes.emplace_back(std::in_place_type<RemoveRecord>, each->first);
    each = expired ? attempts_.erase(each) : std::next(each);
  }
  return writes;
}

/// Only what the engine calls a repetition: senders may use an id again, and messages without one may be
/// alike.
bool LentStore::was_done(const EngineKey& by_id, const LentMessage& message) {
  const auto in_vain = done_in_vain_.find(by_id);
  if (in_vain == done_in_vain_.end() || message.deliveries == 1) return false;
  if (--in_vain->second == 0) done_in_vain_.erase(in_vain);
  done_[{by_id.first, message.token}] = by_id.second;
  return true;
}

LentStore::Brought LentStore::bring(SourceNumber source, QueueId queue, LentMessage message, TimePoint now) {
  const EngineKey by_id{source, message.id};
  const bool repeated = message.deliveries != 1;
  if (was_done(by_id, message)) {
    hands_.settle(source, {{.token = message.token}});
    return {.kind = Brought::Kind::Done, .id = {}, .attempts = {}};
  }
  if (const auto known = by_engine_id_.find(by_id); known != by_engine_id_.end()) {
    LentEntry& entry = *entries_.find(known->second);
    if (entry.message.token.empty() && repeated) {
      entry.message.token = message.token;
      entry.message.lent_until = message.lent_until;
      entry.since = now;
      by_token_[{source, message.token}] = known->second;
      return {.kind = Brought::Kind::Known, .id = known->second, .attempts = {}};
    }
    // Two messages of one id at a time: senders may choose ids, at some engines.
    message.id += '\n' + message.token;
  }
  Brought brought{.kind = Brought::Kind::New, .id = below_.next_message_id(), .attempts = {}};
  if (const auto attempts = attempts_.find(key_of(queue, message.id));
      repeated && attempts != attempts_.end())
    brought.attempts = attempts->second;
  by_engine_id_[{source, message.id}] = brought.id;
  by_token_[{source, message.token}] = brought.id;
  entries_.insert(brought.id,
                  {.source = source, .queue = queue, .message = std::move(message), .since = now});
  return brought;
}

std::optional<MessageId> LentStore::take_back(SourceNumber source, const std::string& token) {
  settled(source, token, false);
  const auto found = by_token_.find({source, token});
  if (found == by_token_.end()) return std::nullopt;
  const MessageId id = found->second;
  by_token_.erase(found);
  LentEntry& entry = *entries_.find(id);
  entry.message.token.clear();
  entry.message.lent_until.reset();
  return id;
}

void LentStore::drop_engine_id(const LentEntry& entry, MessageId id) {
  const auto found = by_engine_id_.find({entry.source, entry.message.id});
  if (found != by_engine_id_.end() && found->second == id) by_engine_id_.erase(found);
}

void LentStore::leave(MessageId message) {
  LentEntry& entry = *entries_.find(message);
  entry.leaving = true;
  drop_engine_id(entry, message);
}

void LentStore::give_back(MessageId message, Duration delay) {
  const LentEntry& entry = *entries_.find(message);
  Settlement settlement = settlement_of(entry, SettleKind::Release);
  settlement.delay = delay;
  leave(message);
  hands_.settle(entry.source, {std::move(settlement)});
  hands_.forget(message);
}

void LentStore::erase(MessageId message) {
  const LentEntry& entry = *entries_.find(message);
  drop_engine_id(entry, message);
  if (!entry.message.token.empty()) by_token_.erase({entry.source, entry.message.token});
  entries_.erase(message);
}

void LentStore::remember_done(const LentEntry& entry) {
  if (entry.message.token.empty()) {
    remember_in_vain({entry.source, entry.message.id});
  } else {
    done_[{entry.source, entry.message.token}] = entry.message.id;
  }
}

void LentStore::remember_in_vain(EngineKey by_id) {
  ++done_in_vain_[by_id];
  done_in_vain_order_.push_back(std::move(by_id));
  if (done_in_vain_order_.size() <= kDoneMax) return;
  done_in_vain_.erase(done_in_vain_order_.front());
  done_in_vain_order_.pop_front();
}

void LentStore::extended(SourceNumber source, const std::string& token, TimePoint until) {
  const auto found = by_token_.find({source, token});
  if (found != by_token_.end()) entries_.find(found->second)->message.lent_until = until;
}

std::optional<MessageId> LentStore::settled(SourceNumber source, const std::string& token, bool taken) {
  if (const auto done = done_.find({source, token}); done != done_.end()) {
    if (!taken) remember_in_vain({source, done->second});
    done_.erase(done);
  }
  const auto found = by_token_.find({source, token});
  return found != by_token_.end() ? std::optional(found->second) : std::nullopt;
}

std::vector<MessageId> LentStore::of_source(SourceNumber source) const {
  std::vector<MessageId> ids;
  for (auto each = by_token_.lower_bound({source, ""});
       each != by_token_.end() && each->first.first == source; ++each) {
    if (!entries_.find(each->second)->leaving) ids.push_back(each->second);
  }
  return ids;
}

}  // namespace forewarm
