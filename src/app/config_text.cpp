// What a configuration looks like in writing: the example, the reference page, tables as TOML, and known
// traps.

#include <charconv>
#include <sstream>

#include "app/config.h"
#include "app/config_fields.h"
#include "app/control_config.h"
#include "app/notify_config.h"
#include "app/remote_factory.h"

namespace forewarm {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      constexpr char kHex[] = "0123456789ABCDEF";
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string in_brackets(const std::vector<std::string>& values) {
  std::string out = "[";
  for (const std::string& value : values) out += (out.size() > 1 ? ", " : "") + in_quotes(value);
  return out + "]";
}

std::string in_braces(const std::map<std::string, std::string>& values) {
  if (values.empty()) return "{}";
  std::string out = "{ ";
  for (const auto& [key, value] : values)
    out += (out.size() > 2 ? ", " : "") + in_quotes(key) + " = " + in_quotes(value);
  return out + " }";
}

std::string written(double value) {
  char buffer[32];  // the shortest form that reads back to the same
  const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof buffer, value);
  const std::string text(buffer, end.ptr);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

/// Goes over the fields and has each written as key and value; what becomes of them is the derived class's.
class FieldWriter : public FieldVisitor {
 public:
  void text(FieldName name, std::string& value) override { write(name, "text", in_quotes(value), ""); }
  void number(FieldName name, std::int64_t& value, Bounds<std::int64_t> bounds) override {
    write(name, "whole number", std::to_string(value),
          std::to_string(bounds.least) + " to " + std::to_string(bounds.most));
  }
  void real(FieldName name, double& value, Bounds<double> bounds) override {
    std::ostringstream range;
    range << bounds.least << " to " << bounds.most;
    write(name, "number", written(value), range.str());
  }
  void duration(FieldName name, Duration& value, Bounds<Duration> bounds) override {
    write(name, "duration", in_quotes(format_duration(value)),
          format_duration(bounds.least) + " to " + format_duration(bounds.most));
  }
  void flag(FieldName name, bool& value) override {
    write(name, "true or false", value ? "true" : "false", "");
  }
  void list(FieldName name, std::vector<std::string>& value) override {
    write(name, "list of texts", in_brackets(value), "");
  }
  void map(FieldName name, std::map<std::string, std::string>& value) override {
    write(name, "table of texts", in_braces(value), "");
  }
  void variants(FieldName name, std::vector<VariantConfig>& value) override {
    for (VariantConfig& each : value) write_variant(name, each);
  }
  void overrides(FieldName name, std::vector<OverrideConfig>& value) override {
    for (OverrideConfig& each : value) write_override(name, each);
  }
  void begin_table(FieldName name) override { prefix_ += std::string(name.key) + "."; }
  void end_table() override { prefix_.clear(); }

 protected:
  virtual void write(FieldName name, std::string_view type, const std::string& value,
                     const std::string& bounds) = 0;
  virtual void write_variant(FieldName name, VariantConfig& config) = 0;
  virtual void write_override(FieldName name, OverrideConfig& config) = 0;
  std::string prefix_;
};

class TomlWriter : public FieldWriter {
 public:
  std::string out;

 protected:
  void write(FieldName name, std::string_view, const std::string& value, const std::string&) override {
    out += prefix_ + std::string(name.key) + " = " + value + "\n";
  }
  void write_variant(FieldName name, VariantConfig& config) override {
    out += "\n[[function." + std::string(name.key) + "]]\n";
    describe(*this, config);
  }
  void write_override(FieldName name, OverrideConfig& config) override {
    out += "\n[[mapping." + std::string(name.key) + "]]\n";
    describe(*this, config);
  }
};

class ReferenceWriter : public FieldWriter {
 public:
  std::string out;

 protected:
  void write(FieldName name, std::string_view type, const std::string& value,
             const std::string& bounds) override {
    out += "| `" + prefix_ + std::string(name.key) + "` | " + std::string(type) +
           (bounds.empty() ? "" : ", " + bounds) + " | `" + value + "` | " + std::string(name.help) + " |\n";
  }
  void write_variant(FieldName, VariantConfig&) override {}
  void write_override(FieldName, OverrideConfig&) override {}
};

template <class Config>
std::string reference_of(std::string_view title, std::string_view intro) {
  ReferenceWriter writer;
  Config config;
  describe(writer, config);
  return "## " + std::string(title) + "\n\n" + std::string(intro) +
         "\n\n| key | type | default | meaning |\n|---|---|---|---|\n" + writer.out + "\n";
}

}  // namespace

std::string to_toml(const FunctionConfig& function, const std::vector<MappingConfig>& mappings) {
  TomlWriter writer;
  writer.out = "[[function]]\n";
  FunctionConfig copy = function;
  describe(writer, copy);
  for (MappingConfig mapping : mappings) {
    writer.out += "\n[[mapping]]\n";
    describe(writer, mapping);
  }
  return writer.out;
}

std::string config_reference() {
  return "# Configuration\n\nOne TOML file, given with `--config`. A flag wins over the environment, the "
         "environment over the file, the file\n"
         "over the default. In the environment the top-level keys are `FOREWARM_` and the key in capitals\n"
         "(`FOREWARM_LISTEN`, `FOREWARM_FORECAST_STEP`). Unknown keys are errors. This page is printed by\n"
         "`forewarm config reference`, from the same description that reads the file.\n\n" +
         reference_of<ServerConfig>("Top level", "Keys of the file itself.") +
         reference_of<FunctionConfig>("[[function]]",
                                      "A program whose instances run messages. One table each.") +
         reference_of<VariantConfig>(
             "[[function.variant]]",
             "Ways to run a function, up to 8 below its `[[function]]`: what each leaves "
             "out is as there (functions.md#variants).") +
         reference_of<MappingConfig>("[[mapping]]",
                                     "A queue's messages run on a function. One table a queue.") +
         reference_of<OverrideConfig>("[[mapping.override]]",
                                      "Times for which the operator says how many instances a queue is to "
                                      "have (operations.md). Any number below\na `[[mapping]]`, each once by "
                                      "`from` and `until` or again and again by `cron` and `for`.") +
         reference_of<AdminTokenConfig>("[[admin_token]]",
                                        "Who may use the admin port (operations.md). Without any table, "
                                        "everybody who reaches it.") +
         reference_of<NotifyConfig>("[[notify]]",
                                    "Who is told of alerts (alerting.md). One table each; `forewarm notify "
                                    "test` tries them.") +
         reference_of<QueueConfig>("[[queue]]", "Queues that are to be there from the start.") +
         reference_of<SourceConfig>("[[source]]",
                                    "Queues that live in another engine (engines.md). One table each; a "
                                    "`[[mapping]]` gives\nit its function.") +
         reference_of<AccessKeyConfig>("[[access_key]]",
                                       "Who may use the SQS endpoint, by Signature Version 4 (sqs.md). "
                                       "Without any, nobody is asked who "
                                       "they\nare and `listen` must be a loopback address.") +
         reference_of<SignalConfig>(
             "[[signal]]", "External series that may help to forecast queues (signals.md). One table each.") +
         reference_of<ControlFile>("control: top level",
                                   "Keys of the other file, that of `forewarm control` (control.md). It may "
                                   "have `[[admin_token]]`\nand `[[notify]]` tables too; the environment has "
                                   "no say in it.") +
         reference_of<ControlConfig>(
             "control: [[control]]",
             "A queue that is watched by metrics alone, and what is told how many instances to have. One "
             "table each.");
}

std::string example_config() {
  return R"(# forewarm configuration. All keys: forewarm config reference
listen = "127.0.0.1:9324"   # SQS endpoint
admin = "127.0.0.1:9325"    # dashboard, metrics, admin API
data = "forewarm-data"

[[queue]]
name = "jobs-dead"

[[queue]]
name = "jobs"
attributes = { VisibilityTimeout = "180", RedrivePolicy = '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:jobs-dead","maxReceiveCount":5}' }

[[function]]
name = "worker"
command = ["./bootstrap"]    # speaks the AWS Lambda Runtime API; other kinds: runtime = "..."
timeout = "30s"
concurrency_max = 20

[[mapping]]
queue = "jobs"
function = "worker"
scaling.objective = "500ms"      # a message should start within this
scaling.late_share_max = 0.01    # all but 1 % do
)";
}

std::vector<std::string> config_warnings(const ServerConfig& config) {
  std::vector<std::string> warnings = notify_warnings(config.notify);
  for (std::string& warning : otlp_warnings(config.otlp)) warnings.push_back(std::move(warning));
  for (const MappingConfig& mapping : config.mappings) {
    const MappingSettings& settings = mapping.settings;
    for (const FunctionConfig& function : config.functions) {
      if (function.name != mapping.function) continue;
      if (settings.scaling.objective < function.start_time_guess && settings.scaling.instances_min == 0 &&
          !settings.scaling.predict) {
        warnings.push_back("queue '" + mapping.queue + "': the objective " +
                           format_duration(settings.scaling.objective) + " is below the start time " +
                           format_duration(function.start_time_guess) +
                           " and prediction is off, so the first message after a pause is always late; set "
                           "scaling.predict = true or scaling.instances_min = 1");
      }
    }
    bool has_dead_letter_queue = false;
    for (const QueueConfig& queue : config.queues) {
      if (queue.name == mapping.queue && queue.attributes.contains("RedrivePolicy"))
        has_dead_letter_queue = true;
    }
    // What a source brings has a place: the engine's, or a queue here that is made for it.
    for (const SourceConfig& source : config.sources)
      has_dead_letter_queue = has_dead_letter_queue || source.queue == mapping.queue;
    if (!has_dead_letter_queue) {
      warnings.push_back("queue '" + mapping.queue +
                         "' has no dead-letter queue here: a message that always fails is kept and retried "
                         "with a backoff of up to " +
                         format_duration(settings.retry.backoff_max) +
                         "; add a RedrivePolicy to its [[queue]]");
    }
  }
  return warnings;
}

std::vector<std::string_view> keep_until_restart(const ServerConfig& in_force, ServerConfig& read) {
  std::vector<std::string_view> kept;
  const auto keep = [&](std::string_view setting, auto member) {
    if (read.*member == in_force.*member) return;
    read.*member = in_force.*member;
    kept.push_back(setting);
  };
  keep("data", &ServerConfig::data);
  keep("listen", &ServerConfig::listen);
  keep("admin", &ServerConfig::admin);
  keep("region", &ServerConfig::region);
  keep("public_url", &ServerConfig::public_url);
  keep("record", &ServerConfig::record);
  keep("tls_certificate", &ServerConfig::tls_certificate);
  keep("tls_key", &ServerConfig::tls_key);
  keep("disk_reserve_mb", &ServerConfig::disk_reserve_mb);
  keep("log_level", &ServerConfig::log_level);
  keep("isolation", &ServerConfig::isolation);
  keep("isolation_user_first", &ServerConfig::isolation_user_first);
  keep("function_nice", &ServerConfig::function_nice);
  keep("forecast.step", &ServerConfig::forecast_step);
  keep("history", &ServerConfig::history);
  keep("workers", &ServerConfig::workers);
  keep("otlp", &ServerConfig::otlp);
  keep("emf", &ServerConfig::emf);
  return kept;
}

Result<IsolationLevel> parse_isolation(std::string_view text) {
  if (text == "off") return IsolationLevel::Off;
  if (text == "on") return IsolationLevel::On;
  if (text == "required") return IsolationLevel::Required;
  return error(ErrorCode::Invalid, "must be on, off or required, not '" + std::string(text) + "'");
}

std::vector<VariantConfig> variants_of(const FunctionConfig& function) {
  std::vector<VariantConfig> variants = function.variants;
  if (variants.empty()) variants.emplace_back();
  for (VariantConfig& variant : variants) {
    if (variant.memory_mb == 0) variant.memory_mb = function.memory_mb;
    if (variant.command.empty()) variant.command = function.command;
    for (const auto& [name, value] : function.environment) variant.environment.try_emplace(name, value);
  }
  return variants;
}

Result<void> check_memory(const FunctionConfig& function, std::int64_t memory_max_mb) {
  if (memory_max_mb == 0 || runs_elsewhere(function.runtime)) return {};
  for (const VariantConfig& variant : variants_of(function)) {
    if (variant.memory_mb <= memory_max_mb) continue;
    return error(ErrorCode::Invalid,
                 "'" + function.name + "' has memory_mb = " + std::to_string(variant.memory_mb) +
                     ", above memory_max_mb = " + std::to_string(memory_max_mb) + ": it could never start");
  }
  return {};
}

Result<void> check_public_url(const std::string& url) {
  if (url.empty()) return {};
  const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  const bool plain = url.find_first_of(" ?#\"<>") == std::string::npos;
  if (scheme > 0 && url.size() > scheme && url[scheme] != '/' && url.back() != '/' && plain) return {};
  return error(ErrorCode::Invalid,
               "'" + url +
                   "' is not the beginning of a URL; write http:// or https:// and a host, "
                   "without a / at the end: https://queues.example.org");
}

Result<void> check_history(const ServerConfig& config) {
  const HistorySettings& history = config.history;
  const auto must_be_multiple = [](std::string_view coarse, Duration coarse_step, std::string_view fine,
                                   Duration fine_step) -> Result<void> {
    if (coarse_step % fine_step == Duration(0)) return {};
    return error(ErrorCode::Invalid, std::string(coarse) + " (" + format_duration(coarse_step) +
                                         ") must be a whole multiple of " + std::string(fine) + " (" +
                                         format_duration(fine_step) + ")");
  };
  if (config.forecast_step % 1ms != Duration(0))
    return error(ErrorCode::Invalid, "forecast.step must be a whole number of milliseconds");
  if (history.medium_step > config.forecast_step) {
    auto fits = must_be_multiple("medium_step", history.medium_step, "forecast.step", config.forecast_step);
    if (!fits) return fits;
  }
  return must_be_multiple("coarse_step", history.coarse_step, "medium_step", history.medium_step);
}

}  // namespace forewarm
