#include "app/queue_attributes.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "edge/sqs/limits.h"

namespace forewarm {
namespace {

namespace json = boost::json;
using sqs::Fault;
using sqs::SqsError;
using sqs::SqsResult;
using sqs::StringMap;

enum class Kind : std::uint8_t { Number, Boolean, Choice, Text, Json };

struct Attribute {
  std::string_view name;
  Kind kind;
  bool fifo_only = false;
  std::string_view standard_value = {};  ///< when it is not set; empty: none
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::array<std::string_view, 2> choices = {};
};

/// Source: SQS API reference, CreateQueue and SetQueueAttributes.
constexpr std::array kSettable = {
    Attribute{"VisibilityTimeout", Kind::Number, false, "30", 0, sqs::kVisibilitySecondsMax},
    Attribute{"MaximumMessageSize", Kind::Number, false, "1048576", sqs::kMessageBytesMin,
              sqs::kMessageBytesMax},
    Attribute{"MessageRetentionPeriod", Kind::Number, false, "345600", sqs::kRetentionSecondsMin,
              sqs::kRetentionSecondsMax},
    Attribute{"DelaySeconds", Kind::Number, false, "0", 0, sqs::kDelaySecondsMax},
    Attribute{"ReceiveMessageWaitTimeSeconds", Kind::Number, false, "0", 0, sqs::kWaitSecondsMax},
    // forewarm's own: a send above them is refused.
    Attribute{"ForewarmMaximumMessages", Kind::Number, false, {}, 0, INT64_MAX},
    Attribute{"ForewarmMaximumBytes", Kind::Number, false, {}, 0, INT64_MAX},
    Attribute{"ForewarmPaused", Kind::Boolean},
    Attribute{"KmsDataKeyReusePeriodSeconds", Kind::Number, false, {}, 60, 86'400},
    Attribute{"SqsManagedSseEnabled", Kind::Boolean, false, "true"},
    Attribute{"KmsMasterKeyId", Kind::Text},
    Attribute{"Policy", Kind::Json},
    Attribute{"RedrivePolicy", Kind::Json},
    Attribute{"RedriveAllowPolicy", Kind::Json},
    Attribute{"FifoQueue", Kind::Boolean, true, "true"},
    Attribute{"ContentBasedDeduplication", Kind::Boolean, true, "false"},
    Attribute{"DeduplicationScope", Kind::Choice, true, "queue", 0, 0, {"queue", "messageGroup"}},
    Attribute{"FifoThroughputLimit", Kind::Choice, true, "perQueue", 0, 0, {"perQueue", "perMessageGroupId"}},
};

constexpr std::array kComputed = {
    std::string_view("All"),
    std::string_view("ApproximateNumberOfMessages"),
    std::string_view("ApproximateNumberOfMessagesNotVisible"),
    std::string_view("ApproximateNumberOfMessagesDelayed"),
    std::string_view("CreatedTimestamp"),
    std::string_view("LastModifiedTimestamp"),
    std::string_view("QueueArn"),
};

const Attribute* find_settable(std::string_view name) {
  const auto* found = std::ranges::find(kSettable, name, &Attribute::name);
  return found == kSettable.end() ? nullptr : found;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_valid(const Attribute& attribute, std::string_view value) {
  switch (attribute.kind) {
    case Kind::Number: {
      const auto number = whole_number(value);
      return number && *number >= attribute.min && *number <= attribute.max;
    }
    case Kind::Boolean:
      return value == "true" || value == "false";
    case Kind::Choice:
      return std::ranges::find(attribute.choices, value) != attribute.choices.end();
    case Kind::Text:
      return value.size() <= 2048;
    case Kind::Json: {
      json::error_code failure;
      const json::value document = value.empty() ? json::value(json::object()) : json::parse(value, failure);
      return !failure && document.is_object();
    }
  }
  return false;
}

std::int64_t number_of(const StringMap& attributes, bool fifo, std::string_view name) {
  const auto value = effective_value(attributes, fifo, name);
  return value ? whole_number(*value).value_or(0) : 0;
}

std::string text_of(const StringMap& attributes, std::string_view name) {
  const auto found = attributes.find(std::string(name));
  return found == attributes.end() ? std::string() : found->second;
}

SqsError wrong_value(std::string_view name, std::string_view value, std::string_view reason) {
  std::string message = "Invalid value for the parameter ";
  message += name;
  message += ". Reason: ";
  message += reason;
  message += " It is ";
  message += sqs::excerpt(value);
  message += '.';
  return {Fault::InvalidAttributeValue, std::move(message)};
}

std::string expected(const Attribute& attribute) {
  switch (attribute.kind) {
    case Kind::Number:
      return "Must be a whole number from " + std::to_string(attribute.min) + " to " +
             std::to_string(attribute.max) + ".";
    case Kind::Boolean:
      return "Must be true or false.";
    case Kind::Choice:
      return "Must be " + std::string(attribute.choices[0]) + " or " + std::string(attribute.choices[1]) +
             ".";
    case Kind::Text:
      return "Must have at most 2048 characters.";
    case Kind::Json:
      return "Must be a JSON object, or empty to remove it.";
  }
  return {};
}

}  // namespace

SqsResult<void> check_attributes(const StringMap& attributes, bool fifo) {
  for (const auto& [name, value] : attributes) {
    const Attribute* attribute = find_settable(name);
    if (!attribute || (attribute->fifo_only && !fifo && name != "FifoQueue")) {
      return sqs::refuse(Fault::InvalidAttributeName, "Unknown Attribute " + name.substr(0, 128) + ".");
    }
    if (!is_valid(*attribute, value)) return std::unexpected(wrong_value(name, value, expected(*attribute)));
  }
  if (auto redrive = read_redrive_policy(attributes); !redrive) return std::unexpected(redrive.error());
  if (auto allow = check_redrive_allow_policy(attributes); !allow) return allow;
  if (!text_of(attributes, "KmsMasterKeyId").empty() &&
      text_of(attributes, "SqsManagedSseEnabled") == "true") {
    return sqs::refuse(Fault::InvalidAttributeName,
                       "You can use one type of server-side encryption (SSE) at one time. You can either "
                       "enable KMS SSE or SQS SSE.");
  }
  const bool per_group = text_of(attributes, "FifoThroughputLimit") == "perMessageGroupId";
  if (per_group && text_of(attributes, "DeduplicationScope") != "messageGroup") {
    return std::unexpected(wrong_value("FifoThroughputLimit", "perMessageGroupId",
                                       "It is allowed only when DeduplicationScope is messageGroup."));
  }
  return {};
}

QueueRules read_rules(const StringMap& attributes, bool fifo) {
  const auto duration = [&](std::string_view name) {
    return Duration(std::chrono::seconds(number_of(attributes, fifo, name)));
  };
  return {.delay = duration("DelaySeconds"),
          .retention = duration("MessageRetentionPeriod"),
          .visibility_timeout = duration("VisibilityTimeout"),
          .receive_wait = duration("ReceiveMessageWaitTimeSeconds"),
          .message_bytes_max = static_cast<std::uint64_t>(number_of(attributes, fifo, "MaximumMessageSize")),
          .messages_max = static_cast<std::uint64_t>(number_of(attributes, fifo, "ForewarmMaximumMessages")),
          .bytes_max = static_cast<std::uint64_t>(number_of(attributes, fifo, "ForewarmMaximumBytes")),
          .paused = text_of(attributes, "ForewarmPaused") == "true",
          .fifo = fifo,
          .content_deduplication = text_of(attributes, "ContentBasedDeduplication") == "true",
          .deduplication_per_group = text_of(attributes, "DeduplicationScope") == "messageGroup"};
}

std::string canonical_value(std::string_view name, const std::string& value) {
  if (name == "RedrivePolicy") {
    const auto policy = read_redrive_policy({{"RedrivePolicy", value}});
    if (!policy || !*policy) return value;
    return json::serialize(json::object{{"deadLetterTargetArn", (*policy)->target_arn},
                                        {"maxReceiveCount", std::int64_t{(*policy)->receive_count_max}}});
  }
  const Attribute* attribute = find_settable(name);
  const auto number =
      attribute && attribute->kind == Kind::Number ? whole_number(value) : std::optional<std::int64_t>();
  return number ? std::to_string(*number) : value;
}

std::optional<std::string> effective_value(const StringMap& attributes, bool fifo, std::string_view name) {
  const Attribute* attribute = find_settable(name);
  if (!attribute || (attribute->fifo_only && !fifo)) return std::nullopt;
  if (const auto found = attributes.find(std::string(name)); found != attributes.end())
    return canonical_value(name, found->second);
  const bool own_key = !text_of(attributes, "KmsMasterKeyId").empty();
  if (own_key && name == "SqsManagedSseEnabled") return "false";
  if (own_key && name == "KmsDataKeyReusePeriodSeconds") return "300";
  if (attribute->standard_value.empty()) return std::nullopt;
  return std::string(attribute->standard_value);
}

StringMap merge_attributes(const StringMap& set, const StringMap& changes) {
  StringMap merged = changes;
  merged.insert(set.begin(), set.end());
  // The latest choice of an encryption ends the other one, unless both come at once.
  if (!text_of(changes, "KmsMasterKeyId").empty() && !changes.contains("SqsManagedSseEnabled"))
    merged.erase("SqsManagedSseEnabled");
  if (text_of(changes, "SqsManagedSseEnabled") == "true" && !changes.contains("KmsMasterKeyId"))
    merged.erase("KmsMasterKeyId");
  return merged;
}

bool is_attribute_name(std::string_view name) {
  return find_settable(name) != nullptr || std::ranges::find(kComputed, name) != kComputed.end();
}

StringMap all_settable(const StringMap& attributes, bool fifo) {
  StringMap all;
  for (const Attribute& attribute : kSettable) {
    if (auto value = effective_value(attributes, fifo, attribute.name))
      all.emplace(attribute.name, std::move(*value));
  }
  return all;
}

SqsResult<std::optional<RedriveText>> read_redrive_policy(const StringMap& attributes) {
  const std::string text = text_of(attributes, "RedrivePolicy");
  if (text.empty()) return std::nullopt;
  const auto wrong = [&](std::string_view reason) {
    return std::unexpected(sqs::invalid_value(text, "RedrivePolicy", reason));
  };
  json::error_code failure;
  const json::value document = json::parse(text, failure);
  if (failure || !document.is_object()) return wrong("Redrive policy is not a valid JSON map.");
  const json::object& members = document.get_object();
  const json::value* target = members.if_contains("deadLetterTargetArn");
  const json::value* count = members.if_contains("maxReceiveCount");
  if (!target || !target->is_string() || target->get_string().empty()) {
    return wrong("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
  }
  if (!target->get_string().starts_with("arn:")) return wrong("Invalid value for deadLetterTargetArn.");
  if (!count) return wrong("Redrive policy does not contain mandatory attribute: maxReceiveCount.");
  std::optional<std::int64_t> number;
  if (const std::int64_t* direct = count->if_int64()) number = *direct;
  if (const json::string* quoted = count->if_string()) number = whole_number(*quoted);
  if (!number || *number < 1 || *number > sqs::kReceiveCountMax) {
    return wrong("Invalid value for maxReceiveCount. Must be a whole number from 1 to 1000.");
  }
  return RedriveText{.target_arn = std::string(target->get_string()),
                     .receive_count_max = static_cast<std::uint16_t>(*number)};
}

SqsResult<void> check_redrive_policy_members(const StringMap& attributes) {
  const std::string text = text_of(attributes, "RedrivePolicy");
  json::error_code failure;
  const json::value document = json::parse(text.empty() ? std::string("{}") : text, failure);
  const json::object* members = failure ? nullptr : document.if_object();
  const auto known = [](const auto& member) {
    return member.key() == "deadLetterTargetArn" || member.key() == "maxReceiveCount";
  };
  if (!members || std::ranges::all_of(*members, known)) return {};
  return std::unexpected(
      sqs::invalid_value(text, "RedrivePolicy",
                         "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount]."));
}

SqsResult<void> check_redrive_allow_policy(const StringMap& attributes) {
  const std::string text = text_of(attributes, "RedriveAllowPolicy");
  if (text.empty()) return {};
  const auto wrong = [&](std::string_view reason) {
    return std::unexpected(sqs::invalid_value(text, "RedriveAllowPolicy", reason));
  };
  json::error_code failure;
  const json::value document = json::parse(text, failure);
  const json::object* members = failure ? nullptr : document.if_object();
  const json::value* permission = members ? members->if_contains("redrivePermission") : nullptr;
  if (!permission || !permission->is_string()) {
    return wrong("It must be a JSON map with redrivePermission.");
  }
  const std::string_view word = permission->get_string();
  if (word != "allowAll" && word != "denyAll" && word != "byQueue") {
    return wrong("redrivePermission must be allowAll, denyAll or byQueue.");
  }
  const json::value* sources = members->if_contains("sourceQueueArns");
  if ((word == "byQueue") != (sources != nullptr)) {
    return wrong("sourceQueueArns goes with the redrivePermission byQueue, and only with it.");
  }
  if (!sources) return {};
  constexpr std::size_t kSourcesMax = 10;
  const json::array* arns = sources->if_array();
  const auto is_arn = [](const json::value& arn) {
    return arn.is_string() && std::string_view(arn.get_string()).starts_with("arn:");
  };
  if (!arns || arns->empty() || arns->size() > kSourcesMax || !std::ranges::all_of(*arns, is_arn)) {
    return wrong("sourceQueueArns must be a list of 1 to 10 queue ARNs.");
  }
  return {};
}

bool allows_redrive(const StringMap& attributes, std::string_view source_arn) {
  const std::string text = text_of(attributes, "RedriveAllowPolicy");
  if (text.empty()) return true;
  json::error_code failure;
  const json::value document = json::parse(text, failure);
  if (failure || !document.is_object()) return true;
  const json::value* permission = document.get_object().if_contains("redrivePermission");
  const json::string* word = permission ? permission->if_string() : nullptr;
  if (!word || *word == "allowAll") return true;
  const json::value* sources = document.get_object().if_contains("sourceQueueArns");
  if (*word != "byQueue" || !sources || !sources->is_array()) return false;
  return std::ranges::any_of(sources->get_array(), [&](const json::value& arn) {
    return arn.is_string() && std::string_view(arn.get_string()) == source_arn;
  });
}

}  // namespace forewarm
