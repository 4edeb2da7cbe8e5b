#include "edge/sqs/query_parameters.h"

#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <vector>

#include "edge/sqs/limits.h"

namespace forewarm::sqs {

namespace json = boost::json;

namespace {

constexpr std::size_t kParametersMax = 2'000;  // ten entries of ten attributes have 450
constexpr std::size_t kDepthMax = 8;
constexpr std::string_view kUnreadable =
    "The request's parameters are not application/x-www-form-urlencoded UTF-8.";

enum class Kind { List, Map };

/// How a name of the Query protocol corresponds to one of the JSON protocol.
struct Folding {
  std::string_view query_name;
  std::string_view json_name;
  Kind kind;
  std::string_view key = {};  ///< of a map's entries; the value is in "Value"
};

constexpr std::array kFoldings = {
    Folding{"Attribute", "Attributes", Kind::Map, "Name"},
    Folding{"AttributeName", "AttributeNames", Kind::List},
    Folding{"MessageSystemAttributeName", "MessageSystemAttributeNames", Kind::List},
    Folding{"MessageAttributeName", "MessageAttributeNames", Kind::List},
    Folding{"MessageAttribute", "MessageAttributes", Kind::Map, "Name"},
    Folding{"MessageSystemAttribute", "MessageSystemAttributes", Kind::Map, "Name"},
    Folding{"SendMessageBatchRequestEntry", "Entries", Kind::List},
    Folding{"DeleteMessageBatchRequestEntry", "Entries", Kind::List},
    Folding{"ChangeMessageVisibilityBatchRequestEntry", "Entries", Kind::List},
    Folding{"StringListValue", "StringListValues", Kind::List},
    Folding{"BinaryListValue", "BinaryListValues", Kind::List},
    Folding{"Tag", "Tags", Kind::Map, "Key"},
    Folding{"TagKey", "TagKeys", Kind::List},
    Folding{"AWSAccountId", "AWSAccountIds", Kind::List},
    Folding{"ActionName", "Actions", Kind::List},
};

/// A parameter's name by its dots: leaves are values.
struct Node {
  std::optional<std::string> value;
  std::map<std::string, Node, std::less<>> members;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> form_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

Node* descend(Node& root, std::string_view name) {
  Node* node = &root;
  for (std::size_t depth = 0; depth < kDepthMax; ++depth) {
    const std::size_t dot = name.find('.');
    node = &node->members[std::string(name.substr(0, dot))];
    if (dot == std::string_view::npos) return node;
    name.remove_prefix(dot + 1);
  }
  return nullptr;
}

json::value fold(const Node& node);

/// The members of `node` that are numbered, in the order of the numbers.
std::map<std::uint32_t, const Node*> numbered(const Node& node) {
  std::map<std::uint32_t, const Node*> ordered;
  for (const auto& [name, member] : node.members) {
    std::uint32_t number = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && stop == name.data() + name.size()) ordered.emplace(number, &member);
  }
  return ordered;
}

/// The entries of a list or map. A single one need not be numbered: "AttributeName=All".
std::vector<const Node*> entries(const Node& node) {
  std::vector<const Node*> found;
  for (const auto& [number, member] : numbered(node)) found.push_back(member);
  if (found.empty()) found.push_back(&node);
  return found;
}

json::value fold_list(const Node& node) {
  json::array list;
  for (const Node* member : entries(node)) list.push_back(fold(*member));
  return list;
}

json::value fold_map(const Node& node, std::string_view key_name) {
  json::object map;
  for (const Node* member : entries(node)) {
    const auto key = member->members.find(key_name);
    const auto value = member->members.find("Value");
    if (key == member->members.end() || !key->second.value) continue;
    map[*key->second.value] = value == member->members.end() ? json::value("") : fold(value->second);
  }
  return map;
}

json::value fold(const Node& node) {
  if (node.members.empty()) return json::value(node.value.value_or(""));
  json::object object;
  for (const auto& [name, member] : node.members) {
    const Folding* folding = nullptr;
    for (const Folding& candidate : kFoldings) {
      if (candidate.query_name == name) folding = &candidate;
    }
    if (!folding) {
      object[name] = fold(member);
    } else if (folding->kind == Kind::List) {
      object[folding->json_name] = fold_list(member);
    } else {
      object[folding->json_name] = fold_map(member, folding->key);
    }
  }
  return object;
}

}  // namespace

SqsResult<json::object> fold_parameters(std::string_view form) {
  Node root;
  std::size_t count = 0;
  while (!form.empty()) {
    const std::size_t end = form.find('&');
    const std::string_view pair = form.substr(0, end);
    form.remove_prefix(end == std::string_view::npos ? form.size() : end + 1);
    if (pair.empty()) continue;
    if (++count > kParametersMax) {
      return refuse(Fault::InvalidParameterValue, "The request has more than 2000 parameters.");
    }
    const std::size_t equals = pair.find('=');
    const auto name = form_decode(pair.substr(0, equals));
    auto value = form_decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (!name || !value) return refuse(Fault::MalformedQueryString, std::string(kUnreadable));
    Node* node = descend(root, *name);
    if (!node) return refuse(Fault::InvalidParameterValue, "A parameter's name has too many parts.");
    node->value = std::move(*value);
  }
  if (root.members.empty()) return json::object();
  json::object folded = fold(root).get_object();
  // CreateQueue, unlike TagQueue, spells its tags in lower case.
  if (const json::value* tags = folded.if_contains("Tags")) folded["tags"] = json::value(*tags);
  return folded;
}

}  // namespace forewarm::sqs
