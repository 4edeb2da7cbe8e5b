#include "edge/cloud/servicebus/queue_description.h"

#include <expat.h>

#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include "edge/cloud/servicebus/bus_tokens.h"
#include "edge/net/fetch.h"

namespace forewarm {
namespace {

constexpr std::size_t kDepthMost = 32;
constexpr std::size_t kTextMost = 1024;

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Follows the elements of an Atom entry and keeps what stands in those that matter.
class DescriptionReader {
 public:
  Result<BusQueueDescription> read(std::string_view xml) {
    const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(XML_ParserCreate(nullptr),
                                                                         &XML_ParserFree);
    parser_ = parser.get();
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(
        parser_,
        [](void* self, const XML_Char* name, const XML_Char**) {
          static_cast<DescriptionReader*>(self)->open(name);
        },
        [](void* self, const XML_Char*) { static_cast<DescriptionReader*>(self)->close(); });
    XML_SetCharacterDataHandler(parser_, [](void* self, const XML_Char* text, int size) {
      auto& into = static_cast<DescriptionReader*>(self)->text_;
      if (into.size() < kTextMost) into.append(text, static_cast<std::size_t>(size));
    });
    // A document of ours declares no entities.
    XML_SetEntityDeclHandler(parser_, [](void* self, const XML_Char*, int, const XML_Char*, int,
                                         const XML_Char*, const XML_Char*, const XML_Char*, const XML_Char*) {
      XML_StopParser(static_cast<DescriptionReader*>(self)->parser_, XML_FALSE);
    });
    if (xml.size() > INT32_MAX ||
        XML_Parse(parser_, xml.data(), static_cast<int>(xml.size()), 1) != XML_STATUS_OK || too_deep_)
      return error(ErrorCode::Corrupt, "the answer is not an Atom document");
    if (described_) return description_;
    if (feed_) return error(ErrorCode::NotFound, "there is no such queue");
    return error(ErrorCode::Corrupt, "the answer is not the description of a queue");
  }

 private:
  // The names' prefixes are the server's choice (d2p1:ActiveMessageCount).
  void open(std::string_view name) {
    const auto colon = name.rfind(':');
    if (colon != std::string_view::npos) name.remove_prefix(colon + 1);
    path_.emplace_back(name);
    text_.clear();
    if (path_.size() > kDepthMost) {
      too_deep_ = true;
      XML_StopParser(parser_, XML_FALSE);
    }
    if (path_.size() == 1) feed_ = name == "feed";
    if (name == "QueueDescription" || name == "SubscriptionDescription") described_ = true;
  }

  void close() {
    const std::string name = path_.back();
    path_.pop_back();
    const std::string parent = path_.empty() ? "" : path_.back();
    if (parent == "QueueDescription" || parent == "SubscriptionDescription") {
      if (name == "LockDuration") description_.lock_duration = parse_iso_duration(text_);
      if (name == "MaxDeliveryCount") description_.deliveries_max = whole_number<std::uint32_t>(text_);
      if (name == "RequiresSession") description_.requires_session = text_ == "true";
    }
    if (parent == "CountDetails" && name == "ActiveMessageCount")
      description_.active = whole_number<std::uint64_t>(text_);
    text_.clear();
  }

  XML_Parser parser_ = nullptr;
  std::vector<std::string> path_{};
  std::string text_{};
  BusQueueDescription description_{};
  bool described_ = false;
  bool feed_ = false;
  bool too_deep_ = false;
};

std::string encoded_path(std::string_view path) {
  std::string encoded;
  while (true) {
    const auto slash = path.find('/');
    encoded += "/" + percent_encode(path.substr(0, slash));
    if (slash == std::string_view::npos) return encoded;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

std::optional<Duration> parse_iso_duration(std::string_view text) {
  if (!text.starts_with("P") || text.size() < 3) return std::nullopt;
  text.remove_prefix(1);
  double total = 0;
  bool time = false;
  while (!text.empty()) {
    if (text.front() == 'T' && !time) {
      time = true;
      text.remove_prefix(1);
      continue;
    }
    double number = 0;
    const auto [end, failure] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (failure != std::errc() || end == text.data() + text.size() || !(number >= 0 && number < 1e12))
      return std::nullopt;
    const char unit = *end;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    if (unit == 'D' && !time) {
      total += number * 86'400;
    } else if (unit == 'H' && time) {
      total += number * 3600;
    } else if (unit == 'M' && time) {
      total += number * 60;
    } else if (unit == 'S' && time) {
      total += number;
    } else {
      return std::nullopt;
    }
  }
  return from_seconds(total);
}

Result<BusQueueDescription> parse_queue_description(std::string_view xml) {
  return DescriptionReader().read(xml);
}

Result<BusQueueDescription> ask_queue_description(const ServiceBusOptions& options, std::stop_token stop) {
  const std::string place = "Service Bus's management API at " + options.management;
  const auto token = options.tokens->of("https://" + options.name_space + "/" + options.queue);
  if (!token) return std::unexpected(token.error());
  FetchRequest request;
  request.url = options.management + encoded_path(options.queue) + "?api-version=2021-05";
  request.headers = {{"Authorization", token->type == kBusJwt ? "Bearer " + token->text : token->text}};
  FetchOptions how;
  how.timeout = std::chrono::seconds(5);
  how.body_max_bytes = 1U << 20;
  how.ca_file = options.ca_file;
  how.stop = std::move(stop);
  const auto answer = fetch(request, how);
  if (!answer) return error(answer.error().code, place + ": " + answer.error().message);
  if (answer->status == 401 || answer->status == 403) {
    return error(ErrorCode::Conflict,
                 place + " does not let these credentials read queue \"" + options.queue +
                     "\": a shared access policy needs Manage, an identity the role \"Azure Service Bus Data "
                     "Receiver\". Without it messages are consumed all the same, and the depth is not known");
  }
  if (answer->status == 404) {
    return error(ErrorCode::NotFound, place + " knows no queue \"" + options.queue + "\"; correct the URL");
  }
  if (answer->status != 200) {
    return error(ErrorCode::Io, place + " answered " + std::to_string(answer->status));
  }
  auto described = parse_queue_description(answer->body);
  if (!described) {
    return error(described.error().code,
                 place + ", queue \"" + options.queue + "\": " + described.error().message);
  }
  return described;
}

}  // namespace forewarm
