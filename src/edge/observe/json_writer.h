#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>

namespace forewarm {

/// Appends JSON to a string. Numbers come out as people write them (12.5, not 1.25E1) and what is not finite
/// as null, which is why this is not Boost.JSON's serializer. Control characters and invalid UTF-8 are
/// escaped.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& open_object();
  JsonWriter& close_object();
  JsonWriter& open_array();
  JsonWriter& close_array();
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool value);
  JsonWriter& value(double value);
  JsonWriter& value(float value);
  template <std::integral T>
  JsonWriter& value(T number) {
    return raw(std::to_string(number));
  }
  JsonWriter& null();
  /// Text that is JSON already.
  JsonWriter& raw(std::string_view json);
  JsonWriter& values(std::span<const float> numbers);

  template <class T>
  JsonWriter& member(std::string_view name, const T& member_value) {
    return key(name).value(member_value);
  }

 private:
  void separate();

  std::string& out_;
  bool comma_ = false;
};

/// `text` inside quotes, as JSON.
void write_json_string(std::string_view text, std::string& out);

}  // namespace forewarm
