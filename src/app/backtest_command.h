#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/commands.h"

namespace forewarm {

struct BacktestCommand {
  std::string trace;
  std::vector<std::string> queues;
  std::string column;
  std::vector<std::string> regressors;
  bool unknown_ahead = false;  ///< of the regressors
  std::string absent;          ///< zero or missing; empty: by kind of trace
  std::string step;
  std::string horizon;
  std::string every;
  std::string window;
  std::uint64_t origins = 50;
  std::uint64_t refit_every = 1;
  std::uint64_t top = 10;
  std::string html;
  std::string models;
  std::string bench;  ///< folder of a benchmark
  std::string out;
  std::vector<std::string> sets;
  bool no_regressors = false;
};
int run_backtest(const ServerAddress& server, const BacktestCommand& command);

}  // namespace forewarm
