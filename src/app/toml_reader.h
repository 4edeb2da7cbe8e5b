#pragma once

#include <string>
#include <string_view>
#include <vector>

// toml++ throws by default; parse errors are values here.
#define TOML_EXCEPTIONS 0
// toml++ 3.3 asserts that a table's name begins as one should before it looks (and Clang would take it for
// granted), then has an error for it: the error is what a user needs, not the assertion.
#define TOML_ASSERT(expression) static_assert(true)
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT_ASSUME(expression) static_assert(true)
#include <toml++/toml.h>

#include "app/config_fields.h"
#include "base/result.h"

namespace forewarm {

/// "file:line:column" of a piece of TOML, for messages.
std::string toml_place(std::string_view file, const toml::source_region& source);

/// Invalid with the place and what is wrong where the text is not TOML.
Result<toml::table> parse_toml(std::string_view text, std::string_view file);

/// Reads one TOML table into a described struct. The first error stops it; unknown keys are errors too.
/// Keeps references to the table and the file's name. Only sources that read TOML include this header: toml++
/// is heavy.
class TomlReader : public FieldVisitor {
 public:
  /// `path` goes before the keys in messages.
  TomlReader(const toml::table& table, std::string_view file, std::string path = {});

  void text(FieldName name, std::string& value) override;
  void number(FieldName name, std::int64_t& value, Bounds<std::int64_t> bounds) override;
  void real(FieldName name, double& value, Bounds<double> bounds) override;
  void duration(FieldName name, Duration& value, Bounds<Duration> bounds) override;
  void flag(FieldName name, bool& value) override;
  void list(FieldName name, std::vector<std::string>& value) override;
  void map(FieldName name, std::map<std::string, std::string>& value) override;
  void variants(FieldName name, std::vector<VariantConfig>& value) override;
  void overrides(FieldName name, std::vector<OverrideConfig>& value) override;
  void begin_table(FieldName name) override;
  void end_table() override;
  /// A key that is read elsewhere (an array of tables).
  void known_elsewhere(std::string_view key) { open_.back().known.push_back(key); }

  /// Invalid with the place, what was expected and what was found, of the first thing that is wrong.
  Result<void> finish();

 private:
  struct Open {
    const toml::table* table;
    std::string path;
    std::vector<std::string_view> known;
  };

  /// An array of tables inside this one.
  template <class Config, class Check>
  void read_tables(FieldName name, std::string_view written, std::vector<Config>& value, Check check);
  const toml::node* take(FieldName name);
  void fail(FieldName name, const toml::node& node, std::string_view expected);
  void refuse_unknown();

  std::string_view file_;
  std::vector<Open> open_;
  std::string first_error_;
};

}  // namespace forewarm
