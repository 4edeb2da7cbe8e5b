#include "app/backtest_models.h"

#include <algorithm>
#include <ctime>

#include "app/config.h"
#include "core/forecast/ensemble/ensemble.h"
#include "core/forecast/models/models.h"

namespace forewarm {
namespace {

std::string_view model_name(ModelId id) {
  return kModelNames[static_cast<std::size_t>(id)];
}

std::vector<BacktestModel> every_model() {
  std::vector<BacktestModel> models = {
      {model_name(ModelId::Ensemble),
       [](std::size_t horizon) { return std::make_unique<Ensemble>(EnsembleSize::Whole, horizon); }},
      {"ensemble_light",
       [](std::size_t horizon) { return std::make_unique<Ensemble>(EnsembleSize::Light, horizon); }}};
  for (const ModelMaker& maker : kModelMakers)
    models.push_back({model_name(maker.id), [make = maker.make](std::size_t) { return make(); }});
  return models;
}

}  // namespace

Result<std::vector<BacktestModel>> backtest_models(std::string_view names) {
  std::vector<BacktestModel> every = every_model();
  if (names == "all") return every;
  std::vector<BacktestModel> chosen;
  std::vector<std::string_view> known = {"all"};
  for (const BacktestModel& model : every) known.push_back(model.name);
  for (std::string_view left = names;;) {
    const std::size_t comma = left.find(',');
    const std::string_view name = left.substr(0, comma);
    const auto found = std::ranges::find(every, name, &BacktestModel::name);
    if (found == every.end()) {
      const std::string_view near = nearest_name(name, known);
      std::string message = "--models: there is no model \"" + std::string(name) + "\"";
      if (!near.empty()) message += "; did you mean " + std::string(near) + "?";
      message += " Known are";
      for (const std::string_view other : known)
        message += (other == "all" ? " " : ", ") + std::string(other);
      return error(ErrorCode::Invalid, message);
    }
    if (std::ranges::find(chosen, name, &BacktestModel::name) == chosen.end()) chosen.push_back(*found);
    if (comma == std::string_view::npos) return chosen;
    left.remove_prefix(comma + 1);
  }
}

double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace forewarm
