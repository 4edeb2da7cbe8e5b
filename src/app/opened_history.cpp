#include "app/opened_history.h"

#include <chrono>
#include <filesystem>

#include "app/config.h"
#include "app/history_tiers.h"
#include "edge/net/egress.h"

namespace forewarm {

TimePoint wall_time() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

Result<OpenedHistory> open_history(const HistoryCommand& command, bool create) {
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
