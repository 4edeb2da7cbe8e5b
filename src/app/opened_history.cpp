#include "app/opened_history.h"

#include <chrono>
#include <filesystem>

#include "app/config.h"
#include "app/control_history.h"
#include "app/history_tiers.h"
#include "app/toml_reader.h"
#include "edge/files/whole_file.h"
#include "edge/net/egress.h"
#include "edge/postgres/connection.h"

namespace forewarm {
namespace {

constexpr std::chrono::minutes kCommandPatience(5);  ///< years of history are read at a time

}  // namespace

TimePoint wall_time() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

namespace {

/// A file with [[control]] tables, which a server's has not.
bool is_of_control(const std::string& path) {
  const Result<std::string> text = read_whole_file(path);
  const Result<toml::table> root = text ? parse_toml(*text, path) : std::unexpected(text.error());
  return root && root->contains("control");
}

Result<OpenedHistory> open_control_history(const HistoryCommand& command, bool create) {
  Result<ControlFile> config = read_control_file(command.config);
  if (!config) return std::unexpected(config.error());
  if (const Result<void> egress = restrict_egress(config->egress); !egress)
    return std::unexpected(egress.error());
  if (!command.data.empty()) {
    config->data = command.data;
    config->history.clear();
  }
  HistoryDatabase::Options options = control_history(*config, kCommandPatience);
  options.create = create;
  auto database = HistoryDatabase::open(options);
  if (!database) return std::unexpected(database.error());
  return OpenedHistory{std::move(*database), options.shared ? postgres_place(config->history) : config->data};
}

}  // namespace

Result<OpenedHistory> open_history(const HistoryCommand& command, bool create) {
  if (!command.config.empty() && is_of_control(command.config)) return open_control_history(command, create);
  Result<ServerConfig> config = command.config.empty() ? ServerConfig{} : read_config_file(command.config);
  if (!config) return std::unexpected(config.error());
  if (const Result<void> environment = apply_environment(*config); !environment)
    return std::unexpected(environment.error());
  if (const Result<void> egress = restrict_egress(config->egress); !egress)
    return std::unexpected(egress.error());
  if (!command.data.empty()) config->data = command.data;
  std::error_code failure;
  if (create) std::filesystem::create_directories(config->data, failure);
  if (failure)
    return error(ErrorCode::Io, "cannot create the data folder " + config->data + ": " + failure.message());
  auto database = HistoryDatabase::open(
      {.path = config->data + "/history.db", .tiers = history_tiers(*config), .create = create});
  if (!database) return std::unexpected(database.error());
  return OpenedHistory{std::move(*database), config->data};
}

}  // namespace forewarm
