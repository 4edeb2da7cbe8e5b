#include "app/queue_directory.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "base/check.h"
#include "edge/sqs/limits.h"
#include "edge/sqs/parse.h"

namespace forewarm {
namespace {

namespace json = boost::json;
using sqs::Fault;
using sqs::SqsResult;
using sqs::StringMap;

constexpr std::string_view kKeyPrefix = "queue/";
constexpr std::int64_t kVersion = 1;

std::string record_key(QueueId id) {
  return std::string(kKeyPrefix) + std::to_string(id.value());
}

json::object to_json(const StringMap& map) {
  json::object object;
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

PutRecord to_record(const QueueEntry& queue) {
  const json::object object = {{"version", kVersion},
                               {"name", queue.name},
                               {"attributes", to_json(queue.attributes)},
                               {"tags", to_json(queue.tags)},
                               {"created_us", count_us(queue.created)},
                               {"modified_us", count_us(queue.modified)},
                               {"purged_us", count_us(queue.purged)}};
  return {.key = record_key(queue.id), .value = json::serialize(object)};
}

PutRecord deleted_record(QueueId id, const std::string& name, TimePoint when) {
  const json::object object = {{"version", kVersion}, {"name", name}, {"deleted_us", count_us(when)}};
  return {.key = record_key(id), .value = json::serialize(object)};
}

/// Throws what Boost.JSON throws where a member is missing or of another type.
StringMap read_map(const json::value& value) {
  StringMap map;
  for (const auto& [key, member] : value.as_object()) map.emplace(key, std::string(member.as_string()));
  return map;
}

TimePoint read_time(const json::object& object, std::string_view name) {
  return time_point_us(object.at(name).as_int64());
}

QueueId read_id(std::string_view key) {
  std::uint32_t number = 0;
  key.remove_prefix(kKeyPrefix.size());
  const auto [stop, failure] = std::from_chars(key.data(), key.data() + key.size(), number);
  return failure == std::errc() && stop == key.data() + key.size() ? QueueId(number) : QueueId{};
}

bool is_fifo_name(std::string_view name) {
  return name.ends_with(".fifo");
}

}  // namespace

Result<bool> QueueDirectory::recover(std::string_view key, std::string_view value) {
  if (!key.starts_with(kKeyPrefix)) return false;
  const QueueId id = read_id(key);
  const auto corrupt = [&](std::string_view why) {
    return error(ErrorCode::Corrupt, "the record " + std::string(key) + " is damaged: " + std::string(why));
  };
  if (!id || by_id_.contains(id)) return corrupt("it is not the key of one queue");
  last_id_ = std::max(last_id_, id.value());
  try {
    const json::value document = json::parse(value);
    const json::object& object = document.as_object();
    if (object.at("version").as_int64() != kVersion) return corrupt("its version is not 1");
    const std::string name(object.at("name").as_string());
    if (object.contains("deleted_us")) {
      deleted_.emplace(id, Deleted{.name = name, .when = read_time(object, "deleted_us")});
      return true;
    }
    if (!sqs::is_queue_name(name) || by_name_.contains(name))
      return corrupt("its name is not the name of one queue");
    auto queue = std::make_unique<QueueEntry>(QueueEntry{.id = id,
                                                         .name = name,
                                                         .attributes = read_map(object.at("attributes")),
                                                         .tags = read_map(object.at("tags")),
                                                         .created = read_time(object, "created_us"),
                                                         .modified = read_time(object, "modified_us"),
                                                         .purged = read_time(object, "purged_us"),
                                                         .rules = {}});
    queue->rules = read_rules(queue->attributes, is_fifo_name(name));
    by_id_.emplace(id, queue.get());
    by_name_.emplace(name, std::move(queue));
    return true;
  } catch (const std::exception& failure) {
    return corrupt(failure.what());
  }
}

std::vector<QueueChanged> QueueDirectory::events() const {
  std::vector<QueueChanged> events;
  events.reserve(by_id_.size());
  for (const auto& [id, queue] : by_id_) events.push_back({.queue = id, .settings = settings(*queue)});
  return events;
}

std::vector<RemoveRecord> QueueDirectory::take_expired(TimePoint now) {
  std::vector<RemoveRecord> records;
  for (auto deleted = deleted_.begin(); deleted != deleted_.end();) {
    const auto& [id, what] = *deleted;
    // The last id's record stays, so that the id is never given again.
    if (what.when + options_.deleted_name_pause > now || id.value() == last_id_) {
      ++deleted;
    } else {
      records.push_back({.key = record_key(id)});
      deleted = deleted_.erase(deleted);
    }
  }
  return records;
}

const QueueEntry* QueueDirectory::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

const QueueEntry* QueueDirectory::find(QueueId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

const QueueEntry* QueueDirectory::find_arn(std::string_view arn) const {
  return find(sqs::queue_name_of_arn(arn));
}

bool QueueDirectory::is_dead_letter_queue(const QueueEntry& queue) const {
  return std::ranges::any_of(by_id_, [&](const auto& each) {
    const auto policy = read_redrive_policy(each.second->attributes);
    return policy && *policy && sqs::queue_name_of_arn((*policy)->target_arn) == queue.name;
  });
}

void QueueDirectory::visit(std::string_view after,
                           const std::function<bool(const QueueEntry&)>& visit) const {
  for (auto queue = by_name_.upper_bound(after); queue != by_name_.end(); ++queue) {
    if (!visit(*queue->second)) return;
  }
}

std::string QueueDirectory::arn(const QueueEntry& queue) const {
  return arn_of_name(queue.name);
}

std::string QueueDirectory::arn_of_name(std::string_view name) const {
  return "arn:aws:sqs:" + options_.region + ":" + options_.account + ":" + std::string(name);
}

SqsResult<QueueDirectory::Change> QueueDirectory::create(const sqs::CreateQueue& request, TimePoint now) {
  const auto fifo_attribute = request.attributes.find("FifoQueue");
  const bool fifo = fifo_attribute != request.attributes.end() && fifo_attribute->second == "true";
  if (fifo != is_fifo_name(request.name)) {
    return sqs::refuse(
        Fault::InvalidParameterValue,
        fifo ? "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
               "underscores, must end with .fifo suffix and be 1 to 80 in length."
             : "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length "
               "(a name that ends with .fifo needs the attribute FifoQueue=true).");
  }
  if (auto checked = check_attributes(request.attributes, fifo); !checked)
    return std::unexpected(checked.error());
  if (deleted_recently(request.name, now)) {
    return sqs::refuse(Fault::QueueDeletedRecently,
                       "You must wait 60 seconds after deleting a queue before you can "
                       "create another with the same name.");
  }
  auto queue = std::make_unique<QueueEntry>(QueueEntry{.id = QueueId(last_id_ + 1),
                                                       .name = request.name,
                                                       .attributes = request.attributes,
                                                       .tags = request.tags,
                                                       .created = now,
                                                       .modified = now,
                                                       .purged = {},
                                                       .rules = read_rules(request.attributes, fifo)});
  std::erase_if(queue->attributes, [](const auto& attribute) { return attribute.second.empty(); });
  if (auto checked = check_redrive(*queue, queue->attributes); !checked)
    return std::unexpected(checked.error());
  ++last_id_;
  QueueEntry& added = *queue;
  by_id_.emplace(added.id, &added);
  by_name_.emplace(added.name, std::move(queue));
  Change result = change(added);
  add_sources(added.name, result.events);
  return result;
}

SqsResult<void> QueueDirectory::check_same(const QueueEntry& queue, const StringMap& attributes) const {
  // What goes together is looked at with what is set already.
  if (auto checked = check_attributes(merge_attributes(queue.attributes, attributes), queue.rules.fifo);
      !checked)
    return checked;
  for (const auto& [name, value] : attributes) {
    const bool same = effective_value(queue.attributes, queue.rules.fifo, name).value_or("") ==
                      canonical_value(name, value);
    const bool standard = name == "FifoQueue" && value == "false" && !queue.rules.fifo;
    if (!same && !standard) {
      return sqs::refuse(
          Fault::QueueNameExists,
          "A queue already exists with the same name and a different value for attribute " + name);
    }
  }
  return {};
}

SqsResult<QueueDirectory::Change> QueueDirectory::set_attributes(QueueId id, const StringMap& attributes,
                                                                 TimePoint now) {
  QueueEntry& queue = entry(id);
  if (const auto kind = attributes.find("FifoQueue"); kind != attributes.end()) {
    if (!queue.rules.fifo) return sqs::refuse(Fault::InvalidAttributeName, "Unknown Attribute FifoQueue.");
    if (kind->second == "false") {
      return sqs::refuse(Fault::InvalidAttributeValue,
                         "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not "
                         "supported.");
    }
  }
  StringMap merged = merge_attributes(queue.attributes, attributes);
  if (auto checked = check_attributes(merged, queue.rules.fifo); !checked)
    return std::unexpected(checked.error());
  if (attributes.contains("RedrivePolicy")) {
    if (auto checked = check_redrive(queue, merged); !checked) return std::unexpected(checked.error());
  }
  std::erase_if(merged, [](const auto& attribute) { return attribute.second.empty(); });
  queue.attributes = std::move(merged);
  queue.rules = read_rules(queue.attributes, queue.rules.fifo);
  queue.modified = now;
  Change result = change(queue);
  // Whom a dead-letter queue allows decides whether messages come to it.
  if (attributes.contains("RedriveAllowPolicy")) add_sources(queue.name, result.events);
  return result;
}

SqsResult<QueueDirectory::Change> QueueDirectory::set_tags(QueueId id, StringMap tags) {
  if (auto fault = sqs::find_tag_fault(tags)) return std::unexpected(std::move(*fault));
  QueueEntry& queue = entry(id);
  queue.tags = std::move(tags);
  return Change{.record = to_record(queue), .events = {}};
}

QueueDirectory::Change QueueDirectory::mark_purged(QueueId id, TimePoint now) {
  QueueEntry& queue = entry(id);
  queue.purged = now;
  return {.record = to_record(queue), .events = {}};
}

QueueDirectory::Change QueueDirectory::remove(QueueId id, TimePoint now) {
  const std::string name = entry(id).name;
  Change result{.record = deleted_record(id, name, now), .events = {}};
  by_id_.erase(id);
  by_name_.erase(name);
  deleted_.emplace(id, Deleted{.name = name, .when = now});
  add_sources(name, result.events);
  return result;
}

QueueEntry& QueueDirectory::entry(QueueId id) {
  const auto found = by_id_.find(id);
  check(found != by_id_.end(), "a queue is changed while it is there");
  return *found->second;
}

bool QueueDirectory::deleted_recently(std::string_view name, TimePoint now) const {
  return std::ranges::any_of(deleted_, [&](const auto& deleted) {
    return deleted.second.name == name && deleted.second.when + options_.deleted_name_pause > now;
  });
}

SqsResult<void> QueueDirectory::check_redrive(const QueueEntry& queue, const StringMap& attributes) const {
  const auto policy = read_redrive_policy(attributes);
  if (!policy) return std::unexpected(policy.error());
  if (!*policy) return {};
  if (auto checked = check_redrive_policy_members(attributes); !checked) return checked;
  const auto wrong = [&](std::string_view reason) {
    return std::unexpected(sqs::invalid_value(attributes.at("RedrivePolicy"), "RedrivePolicy", reason));
  };
  const QueueEntry* target = find_arn((*policy)->target_arn);
  if (!target) return wrong("Dead letter target does not exist.");
  if (target->id == queue.id) return wrong("A queue cannot be its own dead-letter queue.");
  if (target->rules.fifo != queue.rules.fifo) {
    return wrong("Dead-letter queue must be same type of queue as the source.");
  }
  if (!allows_redrive(target->attributes, arn(queue))) {
    return wrong("The dead-letter queue's RedriveAllowPolicy does not allow this queue.");
  }
  return {};
}

QueueSettings QueueDirectory::settings(const QueueEntry& queue) const {
  QueueSettings settings{.visibility_timeout = queue.rules.visibility_timeout,
                         .retention = queue.rules.retention,
                         .fifo = queue.rules.fifo,
                         .redrive = {}};
  const auto policy = read_redrive_policy(queue.attributes);
  if (!policy || !*policy) return settings;
  // The target may have been deleted since, or allow this queue no more: then messages stay where they are.
  const QueueEntry* target = find_arn((*policy)->target_arn);
  if (target && target->id != queue.id && target->rules.fifo == queue.rules.fifo &&
      allows_redrive(target->attributes, arn(queue))) {
    settings.redrive =
        RedrivePolicy{.dead_letter_queue = target->id, .receive_count_max = (*policy)->receive_count_max};
  }
  return settings;
}

QueueDirectory::Change QueueDirectory::change(const QueueEntry& queue) const {
  return {.record = to_record(queue), .events = {{.queue = queue.id, .settings = settings(queue)}}};
}

/// Queues whose redrive policy names a queue that has just appeared or gone.
void QueueDirectory::add_sources(std::string_view dead_letter_name, std::vector<QueueChanged>& events) const {
  for (const auto& [id, queue] : by_id_) {
    const auto policy = read_redrive_policy(queue->attributes);
    if (policy && *policy && sqs::queue_name_of_arn((*policy)->target_arn) == dead_letter_name) {
      events.push_back({.queue = id, .settings = settings(*queue)});
    }
  }
}

}  // namespace forewarm
