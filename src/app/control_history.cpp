#include "app/control_history.h"

#include <utility>

#include "app/config.h"
#include "app/history_tiers.h"

namespace forewarm {

HistoryDatabase::Options control_history(const ControlFile& config, std::chrono::milliseconds timeout) {
  ServerConfig like;
  like.forecast_step = config.forecast.step;
  HistoryDatabase::Options options{.path = config.data + "/history.db", .tiers = history_tiers(like)};
  if (!config.history.empty())
    options.shared = {.url = config.history,
                      .password_file = config.history_password_file,
                      .called = leader_identity(config.leader),
                      .timeout = timeout};
  return options;
}

Result<std::unique_ptr<ControlState>> open_control_state(const ControlFile& config, HistoryKeeper& keeper,
                                                         Loop& loop) {
  if (config.history.empty()) return open_state_file(config.data);
  const auto in_history = [&keeper](std::function<void(HistoryDatabase&)> work) {
    return keeper.give_first([work = std::move(work)](HistoryDatabase& database) -> Result<void> {
      work(database);
      return {};
    });
  };
  const auto back = [&loop](std::function<void()> work) { loop.post(std::move(work)); };
  Result<std::unique_ptr<ControlState>> state = nullptr;
  const auto open = [&](HistoryDatabase& database) -> Result<void> {
    state = open_shared_state(config.data, database, {.in_history = in_history, .back = back});
    return {};
  };
  (void)keeper.now(open);
  return state;
}

}  // namespace forewarm
