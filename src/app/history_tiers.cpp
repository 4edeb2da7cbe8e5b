#include "app/history_tiers.h"

#include <algorithm>

namespace forewarm {

std::vector<HistoryDatabase::Tier> history_tiers(const ServerConfig& config) {
  std::vector<HistoryDatabase::Tier> tiers = {{config.forecast_step, config.history.keep}};
  for (const HistoryDatabase::Tier& coarser :
       {HistoryDatabase::Tier{config.history.medium_step, config.history.medium_keep},
        HistoryDatabase::Tier{config.history.coarse_step, config.history.coarse_keep}}) {
    HistoryDatabase::Tier& last = tiers.back();
    if (coarser.step > last.step && coarser.step % last.step == Duration(0))
      tiers.push_back(coarser);
    else if (coarser.step <= last.step)
      last.keep = std::max(last.keep, coarser.keep);
  }
  return tiers;
}

}  // namespace forewarm
