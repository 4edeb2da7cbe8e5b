#include "app/toml_reader.h"

#include <algorithm>
#include <sstream>

#include "app/config.h"

namespace forewarm {
namespace {

/// What stands between :// and @ may hold one.
std::string without_password(std::string text) {
  const std::size_t mark = text.find("://");
  const std::size_t at = text.rfind('@');
  if (mark != std::string::npos && at != std::string::npos && at > mark)
    text.replace(mark + 3, at - mark - 3, "...");
  return text;
}

std::string bounds_text(std::string_view least, std::string_view most) {
  return "from " + std::string(least) + " to " + std::string(most);
}

std::string number_text(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

}  // namespace

std::string toml_place(std::string_view file, const toml::source_region& source) {
  return std::string(file) + ":" + std::to_string(source.begin.line) + ":" +
         std::to_string(source.begin.column);
}

Result<toml::table> parse_toml(std::string_view text, std::string_view file) {
  toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    return error(ErrorCode::Invalid, toml_place(file, parsed.error().source()) +
                                         ": not TOML: " + std::string(parsed.error().description()));
  }
  return std::move(parsed).table();
}

TomlReader::TomlReader(const toml::table& table, std::string_view file, std::string path) : file_(file) {
  open_.push_back({&table, std::move(path), {}});
}

void TomlReader::text(FieldName name, std::string& value) {
  if (const toml::node* node = take(name)) {
    if (const auto read = node->value_exact<std::string>())
      value = *read;
    else
      fail(name, *node, "a text in quotes");
  }
}

void TomlReader::number(FieldName name, std::int64_t& value, Bounds<std::int64_t> bounds) {
  if (const toml::node* node = take(name)) {
    const std::string allowed =
        "a whole number " + bounds_text(std::to_string(bounds.least), std::to_string(bounds.most));
    const auto read = node->value_exact<std::int64_t>();
    if (!read || *read < bounds.least || *read > bounds.most)
      fail(name, *node, allowed);
    else
      value = *read;
  }
}

void TomlReader::real(FieldName name, double& value, Bounds<double> bounds) {
  if (const toml::node* node = take(name)) {
    const auto read = node->is_number() ? node->value<double>() : std::nullopt;
    if (!read || !(*read >= bounds.least && *read <= bounds.most)) {
      fail(name, *node, "a number " + bounds_text(number_text(bounds.least), number_text(bounds.most)));
    } else {
      value = *read;
    }
  }
}

void TomlReader::duration(FieldName name, Duration& value, Bounds<Duration> bounds) {
  if (const toml::node* node = take(name)) {
    const std::string allowed = "a duration such as \"250ms\", \"10s\" or \"5m\", " +
                                bounds_text(format_duration(bounds.least), format_duration(bounds.most));
    const auto written = node->value_exact<std::string>();
    const Result<Duration> read = written ? parse_duration(*written) : error(ErrorCode::Invalid, "");
    if (!read || *read < bounds.least || *read > bounds.most)
      fail(name, *node, allowed);
    else
      value = *read;
  }
}

void TomlReader::flag(FieldName name, bool& value) {
  if (const toml::node* node = take(name)) {
    if (const auto read = node->value_exact<bool>())
      value = *read;
    else
      fail(name, *node, "true or false");
  }
}

void TomlReader::list(FieldName name, std::vector<std::string>& value) {
  const toml::node* node = take(name);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr) return fail(name, *node, "a list of texts such as [\"./bootstrap\", \"--fast\"]");
  value.clear();
  for (const toml::node& element : *array) {
    const auto read = element.value_exact<std::string>();
    if (!read) return fail(name, element, "a text in quotes");
    value.push_back(*read);
  }
}

void TomlReader::map(FieldName name, std::map<std::string, std::string>& value) {
  const toml::node* node = take(name);
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) return fail(name, *node, "a table of texts such as { KEY = \"value\" }");
  value.clear();
  for (const auto& [key, element] : *table) {
    const auto read = element.value_exact<std::string>();
    if (!read) return fail(name, element, "a text in quotes for " + std::string(key.str()));
    value[std::string(key.str())] = *read;
  }
}

template <class Config, class Check>
void TomlReader::read_tables(FieldName name, std::string_view written, std::vector<Config>& value,
                             Check check) {
  const toml::node* node = take(name);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_array_of_tables())
    return fail(name, *node, "tables written " + std::string(written));
  for (const toml::node& element : *array) {
    TomlReader reader(*element.as_table(), file_, std::string(name.key) + ".");
    describe(reader, value.emplace_back());
    if (const Result<void> read = reader.finish(); !read) {
      first_error_ = read.error().message;
      return;
    }
    if (const std::string wrong = check(value.back()); !wrong.empty()) {
      first_error_ = toml_place(file_, element.source()) + ": " + std::string(written) + " " + wrong;
      return;
    }
  }
}

void TomlReader::variants(FieldName name, std::vector<VariantConfig>& value) {
  read_tables(name, "[[function.variant]]", value, [&](const VariantConfig&) -> std::string {
    return value.size() <= kVariantsMax
               ? ""
               : "is one too many: a function has at most " + std::to_string(kVariantsMax) + " variants";
  });
}

void TomlReader::overrides(FieldName name, std::vector<OverrideConfig>& value) {
  read_tables(name, "[[mapping.override]]", value, check_override);
}

void TomlReader::begin_table(FieldName name) {
  const toml::node* node = take(name);
  const toml::table* table = node != nullptr ? node->as_table() : nullptr;
  if (node != nullptr && table == nullptr) fail(name, *node, "a table [" + std::string(name.key) + "]");
  open_.push_back({table, std::string(name.key) + ".", {}});
}

void TomlReader::end_table() {
  refuse_unknown();
  open_.pop_back();
}

Result<void> TomlReader::finish() {
  refuse_unknown();
  if (first_error_.empty()) return {};
  return error(ErrorCode::Invalid, first_error_);
}

const toml::node* TomlReader::take(FieldName name) {
  open_.back().known.push_back(name.key);
  if (open_.back().table == nullptr || !first_error_.empty()) return nullptr;
  return open_.back().table->get(name.key);
}

void TomlReader::fail(FieldName name, const toml::node& node, std::string_view expected) {
  if (!first_error_.empty()) return;
  std::ostringstream found;
  found << toml::node_view<const toml::node>(node);
  first_error_ = toml_place(file_, node.source()) + ": " + open_.back().path + std::string(name.key) +
                 ": expected " + std::string(expected) + ", found " + without_password(found.str()) +
                 ". It is " + std::string(name.help) + ".";
}

void TomlReader::refuse_unknown() {
  const Open& open = open_.back();
  if (open.table == nullptr || !first_error_.empty()) return;
  for (const auto& [key, node] : *open.table) {
    if (std::ranges::find(open.known, key.str()) != open.known.end()) continue;
    first_error_ =
        toml_place(file_, key.source()) + ": unknown key " + open.path + std::string(key.str()) + ". ";
    const std::string_view meant = nearest_name(key.str(), open.known);
    if (!meant.empty()) {
      first_error_ += "Did you mean " + std::string(meant) + "?";
    } else {
      first_error_ += "Known here:";
      for (const std::string_view known : open.known) first_error_ += " " + std::string(known);
      first_error_ += ".";
    }
    return;
  }
}

}  // namespace forewarm
