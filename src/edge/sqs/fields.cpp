#include "edge/sqs/fields.h"

#include <charconv>

#include "edge/sqs/base64.h"

namespace forewarm::sqs {

namespace json = boost::json;

std::string Fields::text(std::string_view name) {
  const json::value* value = find(name);
  if (!value) return {};
  if (const json::string* text = value->if_string()) return std::string(text->data(), text->size());
  wrong_type(name, "a string");
  return {};
}

std::string Fields::required_text(std::string_view name) {
  std::string value = text(name);
  if (value.empty()) fail(missing_parameter(name));
  return value;
}

std::optional<std::string> Fields::optional_text(std::string_view name) {
  if (!find(name)) return std::nullopt;
  return text(name);
}

std::optional<std::int64_t> Fields::integer(std::string_view name) {
  const json::value* value = find(name);
  if (!value) return std::nullopt;
  if (const std::int64_t* number = value->if_int64()) return *number;
  const json::string* text = value->if_string();
  if (text && protocol_ == Protocol::Query) {
    std::int64_t number = 0;
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    if (error == std::errc() && stop == end) return number;
    fail(invalid_value(*text, name, "It must be a whole number."));
    return std::nullopt;
  }
  wrong_type(name, "a whole number");
  return std::nullopt;
}

std::vector<std::string> Fields::texts(std::string_view name) {
  std::vector<std::string> texts;
  const json::array* list = array(name);
  if (!list) return texts;
  for (const json::value& value : *list) {
    if (const json::string* text = value.if_string()) {
      texts.emplace_back(text->data(), text->size());
    } else {
      wrong_type(name, "a list of strings");
    }
  }
  return texts;
}

StringMap Fields::text_map(std::string_view name) {
  StringMap map;
  const json::value* value = find(name);
  const json::object* object = value ? as_object(*value, name) : nullptr;
  if (!object) return map;
  for (const auto& [key, member] : *object) {
    if (const json::string* text = member.if_string()) {
      map.emplace(key, std::string(text->data(), text->size()));
    } else {
      wrong_type(name, "a map of strings");
    }
  }
  return map;
}

Attributes Fields::attributes(std::string_view name) {
  Attributes attributes;
  const json::value* value = find(name);
  const json::object* object = value ? as_object(*value, name) : nullptr;
  if (!object) return attributes;
  for (const auto& [key, member] : *object) {
    if (const json::object* members = as_object(member, name))
      attributes.emplace(key, attribute(key, *members));
  }
  return attributes;
}

void Fields::fail(SqsError fault) {
  if (!fault_) fault_ = std::move(fault);
}

const json::value* Fields::find(std::string_view name) const {
  if (fault_) return nullptr;
  const json::value* value = object_.if_contains(name);
  return value && !value->is_null() ? value : nullptr;
}

const json::array* Fields::array(std::string_view name) {
  const json::value* value = find(name);
  if (!value) return nullptr;
  if (const json::array* list = value->if_array()) return list;
  wrong_type(name, "a list");
  return nullptr;
}

const json::object* Fields::as_object(const json::value& value, std::string_view name) {
  if (const json::object* object = value.if_object()) return object;
  wrong_type(name, "an object");
  return nullptr;
}

void Fields::wrong_type(std::string_view name, std::string_view expected) {
  fail({Fault::Serialization, std::string(name) + " must be " + std::string(expected) + "."});
}

AttributeValue Fields::attribute(std::string_view name, const json::object& object) {
  Fields fields(object, protocol_, fault_);
  AttributeValue attribute{.data_type = fields.text("DataType"), .value = {}};
  for (const std::string_view list : {"StringListValues", "BinaryListValues"}) {
    const json::value* value = fields.find(list);
    if (value && (!value->is_array() || !value->get_array().empty())) {
      fail({Fault::UnsupportedOperation,
            "Message attribute list values in SendMessage operation are not supported."});
    }
  }
  if (!is_binary(attribute)) {
    attribute.value = fields.text("StringValue");
    return attribute;
  }
  if (auto bytes = base64_decode(fields.text("BinaryValue"))) {
    attribute.value = std::move(*bytes);
  } else {
    fail({Fault::Serialization, "BinaryValue of the attribute '" + std::string(name) + "' is not base64."});
  }
  return attribute;
}

}  // namespace forewarm::sqs
