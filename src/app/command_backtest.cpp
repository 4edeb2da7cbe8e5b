// forewarm backtest: how good forecasts of a recorded series would have been

#include <iostream>
#include <memory>

#include "app/backtest_benchmark.h"
#include "app/commands.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

int benchmark(const BacktestCommand& command) {
  if (command.out.empty())
    return failed({ErrorCode::Invalid, "--bench: say with --out FILE where the forecasts shall be written"});
  Result<std::vector<BacktestModel>> models =
      backtest_models(command.models.empty() ? "ensemble" : command.models);
  if (!models) return failed(models.error());
  auto bar = std::make_unique<ProgressBar>("backtest");
  BenchmarkOptions options{.folder = command.bench,
                           .sets = command.sets,
                           .models = std::move(*models),
                           .regressors = !command.no_regressors};
  options.progress = [&](double share, const std::string& series) { bar->show(share, series); };
  std::vector<std::string> notes;
  const Result<void> done =
      forecast_benchmark(options, command.out, [&](const std::string& note) { notes.push_back(note); });
  bar.reset();
  for (const std::string& note : notes) std::cerr << note << "\n";
  if (!done) return failed(done.error());
  std::cerr << "wrote " << command.out << "\n";
  return 0;
}

}  // namespace

int run_backtest(const BacktestCommand& command) {
  return benchmark(command);
}

}  // namespace forewarm
