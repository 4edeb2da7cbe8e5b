#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "edge/store/store.h"

namespace forewarm {

/// A store that keeps everything in memory and commits at once. For tests.
class MemoryStore : public Store {
 public:
  Result<void> submit(std::vector<Write> writes, Durability /*durability*/, Done done) override {
    for (const Write& write : writes) apply(write);
    done({});
    return {};
  }
  Result<std::string> payload(MessageId message) override {
    const auto found = messages.find(message);
    if (found == messages.end()) return error(ErrorCode::NotFound, "no such message");
    return found->second.payload;
  }
  MessageId next_message_id() override { return MessageId(++last_id_); }
  Statistics statistics() override { return {}; }

  std::map<MessageId, StoredMessage> messages;
  std::map<std::string, std::string> records;

 private:
  void apply(const Write& write) {
    if (const auto* append = std::get_if<AppendMessage>(&write)) {
      messages[append->message.message.id] = append->message;
    } else if (const auto* remove = std::get_if<RemoveMessage>(&write)) {
      messages.erase(remove->message);
    } else if (const auto* update = std::get_if<UpdateMessage>(&write)) {
      messages[update->message].message.receive_count = update->receive_count;
      messages[update->message].message.visible_at = update->visible_at;
    } else if (const auto* move = std::get_if<MoveMessage>(&write)) {
      Message& message = messages[move->message].message;
      message.queue = move->to;
      message.receive_count = 0;
      message.visible_at = move->visible_at;
      message.sent = move->sent;
      message.dead_letter_source = move->source;
      message.received_before = move->received_before;
    } else if (const auto* purge = std::get_if<PurgeQueue>(&write)) {
      std::erase_if(messages, [&](const auto& each) {
        return each.second.message.queue == purge->queue && each.first <= purge->up_to;
      });
    } else if (const auto* put = std::get_if<PutRecord>(&write)) {
      records[put->key] = put->value;
    } else if (const auto* drop = std::get_if<RemoveRecord>(&write)) {
      records.erase(drop->key);
    }
  }

  std::uint64_t last_id_ = 0;
};

}  // namespace forewarm
