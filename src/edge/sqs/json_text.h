#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "edge/sqs/request.h"

namespace forewarm::sqs {

/// Writes JSON straight into a string: what is answered has few shapes, and building a tree first costs
/// several times as much. Commas are put where they belong; that objects and arrays are closed is the
/// caller's care.
class JsonText {
 public:
  JsonText& begin_object() { return open('{'); }
  JsonText& end_object() { return close('}'); }
  JsonText& begin_array() { return open('['); }
  JsonText& end_array() { return close(']'); }
  JsonText& key(std::string_view name);
  JsonText& text(std::string_view value);  ///< UTF-8
  JsonText& number(std::int64_t value);
  JsonText& boolean(bool value);

  JsonText& member(std::string_view name, std::string_view value) { return key(name).text(value); }
  /// Left out when empty, as the service does.
  JsonText& optional_member(std::string_view name, std::string_view value) {
    return value.empty() ? *this : member(name, value);
  }
  JsonText& map(const StringMap& map);

  std::string take() { return std::move(out_); }
  void reserve(std::size_t bytes) { out_.reserve(bytes); }

 private:
  JsonText& open(char bracket);
  JsonText& close(char bracket);
  void separate();

  std::string out_;
};

}  // namespace forewarm::sqs
