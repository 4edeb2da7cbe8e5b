#include "app/config.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>

// toml++ throws by default; parse errors are values here.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "app/config_fields.h"
#include "edge/net/http.h"
#include "edge/observe/log.h"

namespace forewarm {
namespace {

std::string place(std::string_view file, const toml::source_region& source) {
  return std::string(file) + ":" + std::to_string(source.begin.line) + ":" +
         std::to_string(source.begin.column);
}

std::string bounds_text(std::string_view least, std::string_view most) {
  return "from " + std::string(least) + " to " + std::string(most);
}

std::string number_text(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

/// Reads one TOML table into a described struct. The first error stops it; unknown keys are errors too.
class TomlReader : public FieldVisitor {
 public:
  TomlReader(const toml::table& table, std::string_view file, std::string path = {}) : file_(file) {
    open_.push_back({&table, std::move(path), {}});
  }

  void text(FieldName name, std::string& value) override {
    if (const toml::node* node = take(name)) {
      if (const auto read = node->value_exact<std::string>())
        value = *read;
      else
        fail(name, *node, "a text in quotes");
    }
  }
  void number(FieldName name, std::int64_t& value, Bounds<std::int64_t> bounds) override {
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
  void real(FieldName name, double& value, Bounds<double> bounds) override {
    if (const toml::node* node = take(name)) {
      const auto read = node->is_number() ? node->value<double>() : std::nullopt;
      if (!read || !(*read >= bounds.least && *read <= bounds.most)) {
        fail(name, *node, "a number " + bounds_text(number_text(bounds.least), number_text(bounds.most)));
      } else {
        value = *read;
      }
    }
  }
  void duration(FieldName name, Duration& value, Bounds<Duration> bounds) override {
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
  void flag(FieldName name, bool& value) override {
    if (const toml::node* node = take(name)) {
      if (const auto read = node->value_exact<bool>())
        value = *read;
      else
        fail(name, *node, "true or false");
    }
  }
  void list(FieldName name, std::vector<std::string>& value) override {
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
  void map(FieldName name, std::map<std::string, std::string>& value) override {
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
  void overrides(FieldName name, std::vector<OverrideConfig>& value) override {
    const toml::node* node = take(name);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr || !array->is_array_of_tables())
      return fail(name, *node, "tables written [[mapping.override]]");
    for (const toml::node& element : *array) {
      TomlReader reader(*element.as_table(), file_, "override.");
      describe(reader, value.emplace_back());
      if (const Result<void> read = reader.finish(); !read) {
        first_error_ = read.error().message;
        return;
      }
      if (const std::string wrong = check_override(value.back()); !wrong.empty()) {
        first_error_ = place(file_, element.source()) + ": [[mapping.override]] " + wrong;
        return;
      }
    }
  }
  void begin_table(FieldName name) override {
    const toml::node* node = take(name);
    const toml::table* table = node != nullptr ? node->as_table() : nullptr;
    if (node != nullptr && table == nullptr) fail(name, *node, "a table [" + std::string(name.key) + "]");
    open_.push_back({table, std::string(name.key) + ".", {}});
  }
  void end_table() override {
    refuse_unknown();
    open_.pop_back();
  }
  /// A key that is read elsewhere (an array of tables).
  void known_elsewhere(std::string_view key) { open_.back().known.push_back(key); }

  Result<void> finish() {
    refuse_unknown();
    if (first_error_.empty()) return {};
    return error(ErrorCode::Invalid, first_error_);
  }

 private:
  struct Open {
    const toml::table* table;
    std::string path;
    std::vector<std::string_view> known;
  };

  const toml::node* take(FieldName name) {
    open_.back().known.push_back(name.key);
    if (open_.back().table == nullptr || !first_error_.empty()) return nullptr;
    return open_.back().table->get(name.key);
  }

  void fail(FieldName name, const toml::node& node, std::string_view expected) {
    if (!first_error_.empty()) return;
    std::ostringstream found;
    found << toml::node_view<const toml::node>(node);
    first_error_ = place(file_, node.source()) + ": " + open_.back().path + std::string(name.key) +
                   ": expected " + std::string(expected) + ", found " + found.str() + ". It is " +
                   std::string(name.help) + ".";
  }

  void refuse_unknown() {
    const Open& open = open_.back();
    if (open.table == nullptr || !first_error_.empty()) return;
    for (const auto& [key, node] : *open.table) {
      if (std::ranges::find(open.known, key.str()) != open.known.end()) continue;
      first_error_ =
          place(file_, key.source()) + ": unknown key " + open.path + std::string(key.str()) + ". ";
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

  std::string_view file_;
  std::vector<Open> open_;
  std::string first_error_;
};

/// Reads every table of an array of tables [[key]].
template <class Config, class Check>
Result<void> read_tables(const toml::table& root, std::string_view key, std::string_view file,
                         std::vector<Config>& out, Check check_one) {
  const toml::node* node = root.get(key);
  if (node == nullptr) return {};
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_array_of_tables()) {
    return error(ErrorCode::Invalid, place(file, node->source()) + ": " + std::string(key) +
                                         ": expected tables written [[" + std::string(key) + "]]");
  }
  for (const toml::node& element : *array) {
    Config config;
    TomlReader reader(*element.as_table(), file);
    describe(reader, config);
    if (Result<void> read = reader.finish(); !read) return read;
    if (const std::string wrong = check_one(config); !wrong.empty()) {
      return error(ErrorCode::Invalid,
                   place(file, element.source()) + ": [[" + std::string(key) + "]] " + wrong);
    }
    out.push_back(std::move(config));
  }
  return {};
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 80 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::string check_function(const std::vector<FunctionConfig>& earlier, const FunctionConfig& function) {
  if (!is_name(function.name)) return "needs a name of letters, digits, - and _ (up to 80)";
  if (std::ranges::find(earlier, function.name, &FunctionConfig::name) != earlier.end()) {
    return "'" + function.name + "' is defined twice";
  }
  if (function.command.empty())
    return "'" + function.name + "' needs a command, for example command = [\"./bootstrap\"]";
  return "";
}

std::string check_mapping(const ServerConfig& config, const MappingConfig& mapping) {
  if (!is_name(mapping.queue)) return "needs queue = \"NAME\"";
  if (std::ranges::find(config.mappings, mapping.queue, &MappingConfig::queue) != config.mappings.end()) {
    return "queue '" + mapping.queue + "' is mapped twice; a queue has one function";
  }
  if (mapping.settings.scaling.instances_min > mapping.settings.scaling.instances_max) {
    return "scaling.instances_min is above scaling.instances_max";
  }
  if (mapping.overrides.size() > kOverridesMax)
    return "has more than " + std::to_string(kOverridesMax) + " [[mapping.override]] tables";
  for (const OverrideConfig& each : mapping.overrides) {
    if (each.at_least > std::int64_t{mapping.settings.scaling.instances_max})
      return "has an override whose at_least is above scaling.instances_max";
  }
  if (std::ranges::find(config.functions, mapping.function, &FunctionConfig::name) != config.functions.end())
    return "";
  std::vector<std::string_view> names;
  for (const FunctionConfig& function : config.functions) names.push_back(function.name);
  const std::string_view meant = nearest_name(mapping.function, names);
  return "names the function '" + mapping.function + "', which no [[function]] defines." +
         (meant.empty() ? "" : " Did you mean " + std::string(meant) + "?");
}

/// The texts of the top level that must be more than any text.
Result<void> check_server(const toml::table& root, std::string_view file, const ServerConfig& config) {
  const auto problem = [&](std::string_view key, const Error& wrong) {
    const toml::node* written = root.get(key);
    return error(ErrorCode::Invalid, place(file, written != nullptr ? written->source() : root.source()) +
                                         ": " + std::string(key) + ": " + wrong.message);
  };
  if (const auto level = parse_log_level(config.log_level); !level)
    return problem("log_level", level.error());
  if (const auto listen = parse_endpoint(config.listen); !listen) return problem("listen", listen.error());
  if (const auto admin = parse_endpoint(config.admin); !admin) return problem("admin", admin.error());
  if (const auto history = check_history(config); !history) return problem("history", history.error());
  return {};
}

}  // namespace

Result<ServerConfig> read_config(std::string_view text, std::string_view file) {
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    return error(ErrorCode::Invalid, place(file, parsed.error().source()) +
                                         ": not TOML: " + std::string(parsed.error().description()));
  }
  const toml::table& root = parsed.table();
  ServerConfig config;
  TomlReader reader(root, file);
  for (const std::string_view key : {"function", "mapping", "queue", "signal"}) reader.known_elsewhere(key);
  describe(reader, config);
  Result<void> read = reader.finish();
  if (read) read = check_server(root, file, config);
  if (read) {
    read = read_tables(root, "function", file, config.functions, [&](const FunctionConfig& function) {
      return check_function(config.functions, function);
    });
  }
  if (read) {
    read = read_tables(root, "mapping", file, config.mappings,
                       [&](const MappingConfig& mapping) { return check_mapping(config, mapping); });
  }
  if (read) {
    read = read_tables(root, "queue", file, config.queues, [](const QueueConfig& queue) -> std::string {
      return is_name(queue.name) ? "" : "needs a name of letters, digits, - and _ (up to 80)";
    });
  }
  if (read) {
    read = read_tables(root, "signal", file, config.signals,
                       [&](const SignalConfig& signal) { return check_signal(config.signals, signal); });
  }
  if (!read) return std::unexpected(read.error());
  return config;
}

Result<ServerConfig> read_config_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return error(
        ErrorCode::NotFound,
        path + ": cannot be read. Give the path of a TOML file, or make one with: forewarm config init");
  }
  std::ostringstream text;
  text << file.rdbuf();
  return read_config(text.str(), path);
}

namespace {

/// FOREWARM_LISTEN, FOREWARM_FORECAST_STEP, ...: the same keys in capitals.
class EnvironmentReader : public FieldVisitor {
 public:
  void text(FieldName name, std::string& value) override {
    if (const char* found = find(name)) value = found;
  }
  void number(FieldName name, std::int64_t& value, Bounds<std::int64_t> bounds) override {
    const char* found = find(name);
    if (found == nullptr) return;
    const std::string_view written(found);
    std::int64_t read = 0;
    const auto [end, code] = std::from_chars(written.data(), written.data() + written.size(), read);
    if (code != std::errc() || end != written.data() + written.size() || read < bounds.least ||
        read > bounds.most) {
      fail(name, "a whole number from " + std::to_string(bounds.least) + " to " + std::to_string(bounds.most),
           written);
    } else {
      value = read;
    }
  }
  void duration(FieldName name, Duration& value, Bounds<Duration> bounds) override {
    const char* found = find(name);
    if (found == nullptr) return;
    const Result<Duration> read = parse_duration(found);
    if (!read || *read < bounds.least || *read > bounds.most) {
      fail(name, "a duration from " + format_duration(bounds.least) + " to " + format_duration(bounds.most),
           found);
    } else {
      value = *read;
    }
  }
  // The top level has none of these.
  void real(FieldName, double&, Bounds<double>) override {}
  void flag(FieldName, bool&) override {}
  void list(FieldName, std::vector<std::string>&) override {}
  void map(FieldName, std::map<std::string, std::string>&) override {}
  void overrides(FieldName, std::vector<OverrideConfig>&) override {}
  void begin_table(FieldName name) override { prefix_ = std::string(name.key) + "_"; }
  void end_table() override { prefix_.clear(); }

  std::string first_error;

 private:
  std::string variable(FieldName name) const {
    std::string variable = "FOREWARM_" + prefix_ + std::string(name.key);
    for (char& c : variable) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return variable;
  }
  const char* find(FieldName name) const { return std::getenv(variable(name).c_str()); }
  void fail(FieldName name, const std::string& expected, std::string_view found) {
    if (first_error.empty()) {
      first_error = "environment variable " + variable(name) + ": expected " + expected + ", found '" +
                    std::string(found) + "'";
    }
  }

  std::string prefix_;
};

}  // namespace

Result<void> apply_environment(ServerConfig& config) {
  EnvironmentReader reader;
  describe(reader, config);
  if (!reader.first_error.empty()) return error(ErrorCode::Invalid, reader.first_error);
  return check_history(config);
}

}  // namespace forewarm
