#include "app/failure_record.h"

#include <boost/json.hpp>
#include <charconv>
#include <cstdio>

#include "core/retry/error_text.h"
#include "edge/observe/words.h"
#include "edge/sqs/message_metadata.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::int64_t kFailureVersion = 1;

template <class Number>
Number whole_at(const json::object& object, std::string_view name) {
  return object.at(name).to_number<Number>();
}

std::string text_member(const json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

}  // namespace

std::string failure_key(MessageId message) {
  return std::string(kFailurePrefix) + std::to_string(message.value());
}

PutRecord to_record(const FailureRecord& failure) {
  const RetryDecision& decision = failure.decision;
  const json::object object = {{"version", kFailureVersion},
                               {"at_us", count_us(failure.at)},
                               {"source", failure.source.value()},
                               {"source_name", failure.source_name},
                               {"reason", word(failure.reason)},
                               {"error", word(decision.error)},
                               {"fingerprint", fingerprint_text(decision.fingerprint)},
                               {"cause", word(decision.cause)},
                               {"attempts", decision.attempt},
                               {"attempts_max", decision.attempts_max},
                               {"odds", decision.failure_odds},
                               {"evidence", decision.evidence},
                               {"error_type", failure.last.type},
                               {"error_message", failure.last.message},
                               {"function", failure.last.function},
                               {"function_version", failure.last.version},
                               {"instance", failure.last.instance.value()},
                               {"failed_us", count_us(failure.last.at)}};
  return {.key = failure_key(failure.message), .value = json::serialize(object)};
}

Result<FailureRecord> read_failure_record(std::string_view key, std::string_view value) {
  const auto corrupt = [&](std::string_view why) {
    return error(ErrorCode::Corrupt, "the record " + std::string(key) + " is damaged: " + std::string(why));
  };
  std::uint64_t number = 0;
  const std::string_view digits = key.substr(std::min(key.size(), kFailurePrefix.size()));
  const auto [stop, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failed != std::errc() || stop != digits.data() + digits.size() || number == 0)
    return corrupt("it is not the key of a message");
  try {
    const json::value document = json::parse(value);
    const json::object& object = document.as_object();
    if (object.at("version").as_int64() != kFailureVersion) return corrupt("its version is not 1");
    FailureRecord failure{.message = MessageId(number),
                          .source = QueueId(whole_at<std::uint32_t>(object, "source")),
                          .source_name = text_member(object, "source_name"),
                          .decision = {},
                          .last = {},
                          .at = time_point_us(whole_at<std::int64_t>(object, "at_us"))};
    failure.reason = from_word(object.at("reason").as_string(), kMoveReasonCount, MoveReason::ReceiveCount);
    RetryDecision& decision = failure.decision;
    decision.choice = RetryChoice::DeadLetter;
    decision.error = from_word(object.at("error").as_string(), kErrorClassCount, ErrorClass::None);
    decision.cause = from_word(object.at("cause").as_string(), kFailureCauseCount, FailureCause::Unknown);
    const auto fingerprint = parse_fingerprint(object.at("fingerprint").as_string());
    if (!fingerprint) return corrupt(fingerprint.error().message);
    decision.fingerprint = *fingerprint;
    decision.attempt = whole_at<std::uint16_t>(object, "attempts");
    decision.attempts_max = whole_at<std::uint16_t>(object, "attempts_max");
    decision.failure_odds = object.at("odds").to_number<float>();
    decision.evidence = whole_at<std::uint32_t>(object, "evidence");
    failure.last = {.function = text_member(object, "function"),
                    .version = whole_at<std::uint32_t>(object, "function_version"),
                    .instance = InstanceId(whole_at<std::uint64_t>(object, "instance")),
                    .error = decision.error,
                    .fingerprint = decision.fingerprint,
                    .type = text_member(object, "error_type"),
                    .message = text_member(object, "error_message"),
                    .at = time_point_us(whole_at<std::int64_t>(object, "failed_us"))};
    return failure;
  } catch (const std::exception& wrong) {
    return corrupt(wrong.what());
  }
}

std::uint64_t error_fingerprint(std::string_view type, std::string_view message) {
  const std::string normalised = normalised_error(message);
  if (type.empty() && normalised.empty()) return 0;
  return sqs::name_hash(normalised.empty() ? std::string(type) : std::string(type) + "\n" + normalised);
}

std::string fingerprint_text(std::uint64_t fingerprint) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(fingerprint));
  return text;
}

Result<std::uint64_t> parse_fingerprint(std::string_view text) {
  std::uint64_t fingerprint = 0;
  const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), fingerprint, 16);
  if (text.size() != 16 || failed != std::errc() || stop != text.data() + text.size())
    return error(ErrorCode::Invalid,
                 "'" + std::string(text.substr(0, 64)) +
                     "' is no fingerprint: 16 hexadecimal digits, as forewarm dlq triage shows");
  return fingerprint;
}

std::string cut_text(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  // Not inside a UTF-8 sequence: its bytes but the first are 10xxxxxx.
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return std::string(text.substr(0, bytes));
}

}  // namespace forewarm
