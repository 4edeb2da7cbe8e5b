#include "edge/functions/azure_app.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <filesystem>

#include "edge/files/whole_file.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kTemplateTrigger = "myQueueItem";
constexpr std::array<std::string_view, 2> kTriggers{"queueTrigger", "serviceBusTrigger"};

/// An object, or none where there is no such file. Comments and trailing commas are allowed, as the host
/// does.
Result<std::optional<json::object>> read_settings(const fs::path& path) {
  Result<std::optional<std::string>> text = read_file_if_any(path.string());
  if (!text) return std::unexpected(text.error());
  if (!*text) return std::nullopt;
  std::string content = std::move(**text);
  std::error_code code;
  if (content.starts_with("\xef\xbb\xbf")) content.erase(0, 3);
  json::parse_options lenient;
  lenient.allow_comments = lenient.allow_trailing_commas = true;
  const json::value value = json::parse(content, code, {}, lenient);
  if (code || !value.is_object())
    return error(ErrorCode::Invalid, path.string() + ": is no JSON object" +
                                         (code ? " (" + code.message() + ")" : std::string()));
  return value.get_object();
}

const json::value* member(const json::value* from, std::string_view name) {
  const json::object* object = from != nullptr ? from->if_object() : nullptr;
  return object != nullptr ? object->if_contains(name) : nullptr;
}

std::string text_of(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Result<AzureApp> read_azure_app(const std::string& folder) {
  const fs::path path = fs::path(folder) / "host.json";
  const Result<std::optional<json::object>> host = read_settings(path);
  if (!host) return std::unexpected(host.error());
  if (!*host) return AzureApp{};
  const json::value* description = nullptr;
  for (const std::string_view handler : {"customHandler", "httpWorker"}) {
    if (description == nullptr) description = member((*host)->if_contains(handler), "description");
  }
  const std::string program = text_of(member(description, "defaultExecutablePath"));
  if (program.empty())
    return error(ErrorCode::Invalid, path.string() +
                                         ": has no customHandler.description.defaultExecutablePath; give the "
                                         "function a command, or name the handler's program there");
  AzureApp app;
  app.working_directory = (fs::path(folder) / text_of(member(description, "workingDirectory"))).string();
  // A program of the app where there is a file of that name, else one that is looked up in PATH.
  const fs::path own = fs::path(app.working_directory) / program;
  std::error_code code;
  app.command.push_back(fs::is_regular_file(own, code) ? fs::absolute(own).lexically_normal().string()
                                                       : program);
  if (const json::value* arguments = member(description, "arguments"); arguments && arguments->is_array()) {
    for (const json::value& argument : arguments->get_array()) app.command.push_back(text_of(&argument));
  }
  return app;
}

Result<std::string> read_azure_trigger(const std::string& folder, std::string_view function) {
  const fs::path path = fs::path(folder) / function / "function.json";
  const Result<std::optional<json::object>> settings = read_settings(path);
  if (!settings) return std::unexpected(settings.error());
  if (!*settings) return std::string(kTemplateTrigger);
  if (const json::value* bindings = (*settings)->if_contains("bindings"); bindings && bindings->is_array()) {
    for (const json::value& binding : bindings->get_array()) {
      const std::string type = text_of(member(&binding, "type"));
      if (!type.ends_with("Trigger")) continue;
      if (std::ranges::find(kTriggers, type) != kTriggers.end()) return text_of(member(&binding, "name"));
      return error(ErrorCode::Invalid, path.string() + ": the function has a " + type +
                                           ", and messages of a queue are given to a queueTrigger or a "
                                           "serviceBusTrigger only");
    }
  }
  return error(ErrorCode::Invalid, path.string() + ": none of its bindings is a trigger");
}

}  // namespace forewarm
