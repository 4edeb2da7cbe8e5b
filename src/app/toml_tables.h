#pragma once

#include "app/toml_reader.h"

namespace forewarm {

/// Reads every table of an array of tables [[key]] with the `describe` of its type. `check_one` says what is
/// wrong with one: a sentence that goes on from "[[key]] ", empty if nothing is. Invalid with the place.
template <class Config, class Check>
Result<void> read_table_array(const toml::table& root, std::string_view key, std::string_view file,
                              std::vector<Config>& out, Check check_one) {
  const toml::node* node = root.get(key);
  if (node == nullptr) return {};
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_array_of_tables()) {
    return error(ErrorCode::Invalid, toml_place(file, node->source()) + ": " + std::string(key) +
                                         ": expected tables written [[" + std::string(key) + "]]");
  }
  for (const toml::node& element : *array) {
    Config config;
    TomlReader reader(*element.as_table(), file);
    describe(reader, config);
    if (Result<void> read = reader.finish(); !read) return read;
    if (const std::string wrong = check_one(config); !wrong.empty()) {
      return error(ErrorCode::Invalid,
                   toml_place(file, element.source()) + ": [[" + std::string(key) + "]] " + wrong);
    }
    out.push_back(std::move(config));
  }
  return {};
}

}  // namespace forewarm
