#include "app/config.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "app/config_fields.h"
#include "app/function_runtime.h"
#include "app/notify_config.h"
#include "app/toml_tables.h"
#include "edge/files/whole_file.h"
#include "edge/net/egress.h"
#include "edge/net/http.h"
#include "edge/observe/log.h"

namespace forewarm {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 80 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::string check_function(const ServerConfig& config, const FunctionConfig& function) {
  if (!is_name(function.name)) return "needs a name of letters, digits, - and _ (up to 80)";
  if (std::ranges::find(config.functions, function.name, &FunctionConfig::name) != config.functions.end()) {
    return "'" + function.name + "' is defined twice";
  }
  if (std::string wrong = check_runtime(function); !wrong.empty()) return wrong;
  for (const VariantConfig& variant : function.variants) {
    if (variant.concurrency_max > function.concurrency_max)
      return "'" + function.name + "' has a variant whose concurrency_max is above the function's";
  }
  if (const auto fits = check_memory(function, config.memory_max_mb); !fits) return fits.error().message;
  if (function.runtime == kWorkersRuntime && config.workers.listen.empty())
    return "'" + function.name +
           "' has workers that call here: say where: [workers] listen = "
           "\"0.0.0.0:9327\"";
  if (function.network != "host" && function.network != "none")
    return "'" + function.name + "': network must be host or none, not '" + function.network + "'";
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
  const auto function = std::ranges::find(config.functions, mapping.function, &FunctionConfig::name);
  if (function != config.functions.end()) {
    return mapping.settings.batch_size <= batch_size_max(*function)
               ? ""
               : "queue '" + mapping.queue + "': batch_size must be 1, since an invocation of runtime = \"" +
                     function->runtime + "\" has one message";
  }
  std::vector<std::string_view> names;
  names.reserve(config.functions.size());
  for (const FunctionConfig& each : config.functions) names.push_back(each.name);
  const std::string_view meant = nearest_name(mapping.function, names);
  return "names the function '" + mapping.function + "', which no [[function]] defines." +
         (meant.empty() ? "" : " Did you mean " + std::string(meant) + "?");
}

std::string check_source(const ServerConfig& config, const SourceConfig& source) {
  if (!is_name(source.queue)) return "needs queue = \"NAME\"";
  if (std::ranges::find(config.sources, source.queue, &SourceConfig::queue) != config.sources.end())
    return "'" + source.queue + "' is defined twice";
  if (std::ranges::find(config.queues, source.queue, &QueueConfig::name) != config.queues.end())
    return "'" + source.queue + "' is a [[queue]] of this server too; a queue lives in one place";
  if (source.url.find("://") == std::string::npos)
    return "'" + source.queue +
           "' needs a url, for example url = \"amqp://worker@127.0.0.1:5672/%2f/orders\"";
  if (source.dead_letters != "here" && source.dead_letters != "engine")
    return "'" + source.queue + "' dead_letters: expected here or engine, found '" + source.dead_letters +
           "'";
  return "";
}

std::string check_token(const ServerConfig& config, const AdminTokenConfig& token) {
  if (!is_name(token.name)) return "needs a name of letters, digits, - and _ (up to 80)";
  if (std::ranges::find(config.admin_tokens, token.name, &AdminTokenConfig::name) !=
      config.admin_tokens.end())
    return "'" + token.name + "' is there twice";
  if (token.role != "read" && token.role != "operate")
    return "'" + token.name + "' role: expected read or operate, found '" + token.role + "'";
  return token.token_file.empty() ? "'" + token.name + "' needs token_file = \"PATH\"" : "";
}

std::string check_access_key(const ServerConfig& config, const AccessKeyConfig& key) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (key.id.empty() || key.id.size() > 128 || !std::ranges::all_of(key.id, is_plain))
    return "needs an id of letters, digits, -, _ and . (up to 128)";
  if (std::ranges::find(config.access_keys, key.id, &AccessKeyConfig::id) != config.access_keys.end())
    return "'" + key.id + "' is defined twice";
  if (key.secret_file.empty()) return "'" + key.id + "' needs secret_file = \"PATH\"";
  for (const std::string& action : key.actions) {
    if (action != "send" && action != "receive" && action != "manage")
      return "'" + key.id + "' has the action '" + action + "'; there are send, receive and manage";
  }
  return "";
}

/// The texts of the top level that must be more than any text.
Result<void> check_server(const toml::table& root, std::string_view file, const ServerConfig& config) {
  const auto problem = [&](std::string_view key, const Error& wrong) {
    const toml::node* written = root.get(key);
    return error(ErrorCode::Invalid,
                 toml_place(file, written != nullptr ? written->source() : root.source()) + ": " +
                     std::string(key) + ": " + wrong.message);
  };
  if (const auto level = parse_log_level(config.log_level); !level)
    return problem("log_level", level.error());
  if (const auto isolation = parse_isolation(config.isolation); !isolation)
    return problem("isolation", isolation.error());
  if (const auto listen = parse_endpoint(config.listen); !listen) return problem("listen", listen.error());
  if (const auto admin = parse_endpoint(config.admin); !admin) return problem("admin", admin.error());
  if (const auto url = check_public_url(config.public_url); !url) return problem("public_url", url.error());
  if (const auto egress = EgressRules::parse(config.egress); !egress)
    return problem("egress", egress.error());
  if (const auto history = check_history(config); !history) return problem("history", history.error());
  if (const auto alerts = check_alerts(config.alerts); !alerts) return problem("alerts", alerts.error());
  if (const auto otlp = check_otlp(config.otlp); !otlp) return problem("otlp", otlp.error());
  if (const auto emf = check_emf(config.emf); !emf) return problem("emf", emf.error());
  if (const std::string& url = config.workers.pods.access.url;
      !url.empty() && !url.starts_with("http://") && !url.starts_with("https://"))
    return problem("workers",
                   {ErrorCode::Invalid,
                    "pods.url: expected one that begins with http:// or https://, found '" + url + "'"});
  if (config.tls_certificate.empty() != config.tls_key.empty())
    return problem(config.tls_key.empty() ? "tls_certificate" : "tls_key",
                   {ErrorCode::Invalid, "tls_certificate and tls_key go together"});
  return {};
}

}  // namespace

Result<ServerConfig> read_config(std::string_view text, std::string_view file) {
  const Result<toml::table> parsed = parse_toml(text, file);
  if (!parsed) return std::unexpected(parsed.error());
  const toml::table& root = *parsed;
  if (root["history"].is_string())
    return error(ErrorCode::Invalid,
                 toml_place(file, root.get("history")->source()) +
                     ": history: only forewarm control keeps it in a database elsewhere; the "
                     "server's is in its data folder. Leave it out, or write [history]");
  ServerConfig config;
  TomlReader reader(root, file);
  for (const std::string_view key :
       {"function", "mapping", "queue", "source", "signal", "notify", "admin_token", "access_key"})
    reader.known_elsewhere(key);
  describe(reader, config);
  Result<void> read = reader.finish();
  if (read) read = check_server(root, file, config);
  if (read) {
    read = read_table_array(root, "function", file, config.functions,
                            [&](const FunctionConfig& function) { return check_function(config, function); });
  }
  if (read) {
    read = read_table_array(root, "mapping", file, config.mappings,
                            [&](const MappingConfig& mapping) { return check_mapping(config, mapping); });
  }
  if (read) {
    read = read_table_array(root, "queue", file, config.queues, [](const QueueConfig& queue) -> std::string {
      return is_name(queue.name) ? "" : "needs a name of letters, digits, - and _ (up to 80)";
    });
  }
  if (read) {
    read = read_table_array(root, "source", file, config.sources,
                            [&](const SourceConfig& source) { return check_source(config, source); });
  }
  if (read) {
    read = read_table_array(root, "signal", file, config.signals,
                            [&](const SignalConfig& signal) { return check_signal(config.signals, signal); });
  }
  if (read) {
    read = read_table_array(root, "notify", file, config.notify,
                            [&](const NotifyConfig& one) { return check_notify(config.notify, one); });
  }
  if (read) {
    read = read_table_array(root, "admin_token", file, config.admin_tokens,
                            [&](const AdminTokenConfig& token) { return check_token(config, token); });
  }
  if (read) {
    read = read_table_array(root, "access_key", file, config.access_keys,
                            [&](const AccessKeyConfig& key) { return check_access_key(config, key); });
  }
  if (!read) return std::unexpected(read.error());
  return config;
}

Result<ServerConfig> read_config_file(const std::string& path) {
  const Result<std::string> text =
      read_whole_file(path, "Give the path of a TOML file, or make one with: forewarm config init");
  if (!text) return std::unexpected(text.error());
  return read_config(*text, path);
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
  void real(FieldName name, double& value, Bounds<double> bounds) override {
    const char* found = find(name);
    if (found == nullptr) return;
    const std::string_view written(found);
    double read = 0;
    const auto [end, code] = std::from_chars(written.data(), written.data() + written.size(), read);
    const bool within = read >= bounds.least && read <= bounds.most;
    if (code != std::errc() || end != written.data() + written.size() || !within) {
      std::ostringstream range;
      range << "a number from " << bounds.least << " to " << bounds.most;
      fail(name, range.str(), written);
    } else {
      value = read;
    }
  }
  // What has no form in a variable, or is not there at the top level.
  void flag(FieldName, bool&) override {}
  void list(FieldName, std::vector<std::string>&) override {}
  void map(FieldName, std::map<std::string, std::string>&) override {}
  void variants(FieldName, std::vector<VariantConfig>&) override {}
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
  // What the file says is checked with its place.
  if (const auto isolation = parse_isolation(config.isolation); !isolation)
    return error(ErrorCode::Invalid, "FOREWARM_ISOLATION: " + isolation.error().message);
  for (const FunctionConfig& function : config.functions) {
    if (auto fits = check_memory(function, config.memory_max_mb); !fits) return fits;
  }
  if (auto url = check_public_url(config.public_url); !url) return url;
  if (auto otlp = apply_otlp_environment(config.otlp); !otlp) return otlp;
  if (auto emf = check_emf(config.emf); !emf) return emf;
  return check_history(config);
}

}  // namespace forewarm
