#include "app/dead_letters.h"

#include <algorithm>
#include <optional>

namespace forewarm {

void DeadLetters::note_failed(std::span<const MessageId> messages, FailedRun run) {
  run.type = cut_text(run.type, kErrorTypeKept);
  run.message = cut_text(run.message, kErrorMessageKept);
  const auto shared = std::make_shared<const FailedRun>(std::move(run));
  for (const MessageId message : messages) {
    if (auto* known = runs_.find(message)) {
      *known = shared;
      continue;
    }
    runs_.insert(message, shared);
    runs_order_.push_back(message);
    if (runs_order_.size() <= kRunsMax) continue;
    runs_.erase(runs_order_.front());
    runs_order_.pop_front();
  }
}

void DeadLetters::accompany(const Action& action, TimePoint now, std::vector<Write>& writes) {
  const auto leave = [&](MessageId message) {
    runs_.erase(message);
    if (remove(message)) writes.emplace_back(RemoveRecord{failure_key(message)});
  };
  if (const auto* gone = std::get_if<Delete>(&action)) {
    leave(gone->message);
  } else if (const auto* purged = std::get_if<Purge>(&action)) {
    purge(*purged);
  } else if (const auto* move = std::get_if<Move>(&action)) {
    if (move->reason == MoveReason::Redrive) return leave(move->message);
    FailureRecord failure = failure_of(*move, now);
    remove(move->message);
    runs_.erase(move->message);
    writes.emplace_back(to_record(failure));
    add(move->to, std::move(failure));
  }
}

FailureRecord DeadLetters::failure_of(const Move& move, TimePoint now) const {
  FailureRecord failure{.message = move.message,
                        .source = move.from,
                        .source_name = names_.queue(move.from),
                        .reason = move.reason,
                        .decision = move.decision,
                        .last = {},
                        .at = now};
  if (const auto* run = runs_.find(move.message)) failure.last = **run;
  if (move.decision.error != ErrorClass::None) return failure;
  // Received too often: what it failed with, if a run did, is what its last run said.
  failure.decision.choice = RetryChoice::DeadLetter;
  failure.decision.attempt = failure.decision.attempts_max = names_.receives_max(move.from);
  if (!failure.last.function.empty()) {
    failure.decision.error = failure.last.error;
    failure.decision.fingerprint = failure.last.fingerprint;
  }
  return failure;
}

void DeadLetters::add(QueueId queue, FailureRecord failure) {
  const Key key{queue, failure.decision.fingerprint, failure.source};
  Held& group = groups_[key];
  const MessageId message = failure.message;
  letters_.insert(message, {.group = &group,
                            .older = group.newest_message,
                            .newer = {},
                            .at = failure.at,
                            .cause = failure.decision.cause});
  if (Letter* before = letters_.find(group.newest_message))
    before->newer = message;
  else
    group.oldest_message = message;
  group.newest_message = message;
  group.queue = queue;
  group.source = failure.source;
  group.source_name = failure.source_name;
  group.fingerprint = failure.decision.fingerprint;
  ++group.messages;
  ++group.causes[static_cast<std::size_t>(failure.decision.cause)];
  group.succeeded_before = succeeded(failure.last.function);
  group.newest = std::move(failure);
}

/// False if it is no dead letter.
bool DeadLetters::remove(MessageId message) {
  const Letter* found = letters_.find(message);
  if (found == nullptr) return false;
  const Letter letter = *found;
  Held& group = *letter.group;
  letters_.erase(message);
  if (Letter* older = letters_.find(letter.older))
    older->newer = letter.newer;
  else
    group.oldest_message = letter.newer;
  if (Letter* newer = letters_.find(letter.newer))
    newer->older = letter.older;
  else
    group.newest_message = letter.older;
  --group.causes[static_cast<std::size_t>(letter.cause)];
  if (--group.messages == 0) groups_.erase({group.queue, group.fingerprint, group.source});
  return true;
}

void DeadLetters::purge(const Purge& purge) {
  std::vector<MessageId> gone;
  for (const auto& [key, group] : groups_) {
    if (group.queue != purge.queue) continue;
    for (MessageId id = group.oldest_message; id; id = letters_.find(id)->newer) {
      if (id <= purge.up_to) gone.push_back(id);
    }
  }
  for (const MessageId id : gone) {
    remove(id);
    removals_.push_back(id);
  }
}

Result<bool> DeadLetters::recover(std::string_view key, std::string_view value) {
  if (!key.starts_with(kFailurePrefix)) return false;
  Result<FailureRecord> failure = read_failure_record(key, value);
  if (!failure) return std::unexpected(failure.error());
  recovering_.push_back(std::move(*failure));
  return true;
}

void DeadLetters::recovered(std::span<const Message> messages) {
  std::ranges::sort(recovering_, {},
                    [](const FailureRecord& each) { return std::pair(each.at, each.message); });
  for (FailureRecord& failure : recovering_) {
    const auto found = std::ranges::lower_bound(messages, failure.message, {}, &Message::id);
    // Redriven or moved on by a program that knows nothing of records: it has another source, or none.
    if (found == messages.end() || found->id != failure.message ||
        found->dead_letter_source != failure.source)
      removals_.push_back(failure.message);
    else
      add(found->queue, std::move(failure));
  }
  recovering_ = {};
}

std::vector<Write> DeadLetters::take_removals(std::size_t count) {
  std::vector<Write> writes;
  while (!removals_.empty() && writes.size() < count) {
    const MessageId message = removals_.front();
    removals_.pop_front();
    if (!letters_.contains(message)) writes.emplace_back(RemoveRecord{failure_key(message)});
  }
  return writes;
}

std::uint64_t DeadLetters::succeeded(const std::string& function) const {
  const auto found = succeeded_.find(function);
  return found != succeeded_.end() ? found->second : 0;
}

std::vector<DeadLetters::Group> DeadLetters::groups(QueueId queue) const {
  std::vector<Group> out;
  for (auto each = groups_.lower_bound({queue, 0, QueueId{}});
       each != groups_.end() && each->second.queue == queue; ++each) {
    const Held& held = each->second;
    Group group = held;
    group.first = letters_.find(held.oldest_message)->at;
    group.last = letters_.find(held.newest_message)->at;
    group.succeeded_since = succeeded(held.newest.last.function) - held.succeeded_before;
    out.push_back(std::move(group));
  }
  std::ranges::stable_sort(out, std::greater{}, &Group::messages);
  return out;
}

std::size_t DeadLetters::errors(QueueId queue) const {
  std::size_t count = 0;
  for (auto each = groups_.lower_bound({queue, 0, QueueId{}});
       each != groups_.end() && each->second.queue == queue; ++each)
    ++count;
  return count;
}

std::vector<QueueId> DeadLetters::sources(QueueId queue, std::uint64_t fingerprint) const {
  std::vector<QueueId> out;
  for (auto each = groups_.lower_bound({queue, fingerprint, QueueId{}}); each != groups_.end(); ++each) {
    const auto& [of, error, source] = each->first;
    if (of != queue || error != fingerprint) break;
    out.push_back(source);
  }
  return out;
}

std::uint64_t DeadLetters::known(QueueId queue) const {
  std::uint64_t messages = 0;
  for (auto each = groups_.lower_bound({queue, 0, QueueId{}});
       each != groups_.end() && each->second.queue == queue; ++each)
    messages += each->second.messages;
  return messages;
}

std::vector<MessageId> DeadLetters::oldest(QueueId queue, std::uint64_t fingerprint, QueueId source,
                                           std::size_t count,
                                           const std::function<bool(MessageId)>& wanted) const {
  std::vector<MessageId> out;
  const auto found = groups_.find({queue, fingerprint, source});
  if (found == groups_.end()) return out;
  std::size_t looked_at = 0;
  for (MessageId id = found->second.oldest_message; id && out.size() < count && looked_at < kLookedAtMax;
       id = letters_.find(id)->newer, ++looked_at) {
    if (wanted(id)) out.push_back(id);
  }
  return out;
}

}  // namespace forewarm
