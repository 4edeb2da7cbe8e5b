#include "app/chosen_model.h"

#include <algorithm>
#include <utility>

#include "core/forecast/ensemble/model_choice.h"
#include "core/forecast/models/models.h"

namespace forewarm {
namespace {

constexpr std::size_t kOriginsBefore = 6;  // from whose forecasts the choice learns

class ChosenModel : public Forecaster {
 public:
  explicit ChosenModel(std::size_t horizon) : horizon_(horizon) {}

  ModelId id() const override { return ModelId::Ensemble; }

  Result<void> fit(const SeriesView& history) override {
    ModelChoice choice;
    for (std::size_t before = kOriginsBefore; before > 0; --before) {
      if (horizon_ * before < history.values.size()) learn(history, horizon_ * before, choice);
    }
    models_ = fitted_to(history);
    fitted_ = !models_.empty();
    if (!fitted_) return error(ErrorCode::Invalid, "no model can be fitted to this history");
    begin_after(history);
    choice.accept(forecasts(1));
    const ModelId best = choice.best(start_)->model;
    const auto chosen = std::ranges::find(models_, best, [](const auto& model) { return model->id(); });
    std::swap(models_.front(), *chosen);
    return {};
  }

  void update(float value, std::span<const float> regressors) override {
    for (const auto& model : models_) model->update(value, regressors);
    pass_step();
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns future) const override {
    return models_.front()->rows(leads, future);
  }

  std::string save() const override { return {}; }
  Result<void> load(std::string_view) override {
    return error(ErrorCode::Invalid, "a choice between models is made anew, not loaded");
  }

 protected:
  double persistence() const override { return 0; }

 private:
  using Models = std::vector<std::unique_ptr<Forecaster>>;

  static Models fitted_to(const SeriesView& history) {
    Models fitted;
    for (const ModelMaker& maker : kModelMakers) {
      std::unique_ptr<Forecaster> model = maker.make();
      if (model->fit(history)) fitted.push_back(std::move(model));
    }
    return fitted;
  }

  std::vector<ModelForecast> forecasts(std::size_t horizon) const {
    std::vector<ModelForecast> said;
    for (const auto& model : models_)
      said.push_back({.model = model->id(), .forecast = model->predict(horizon, {})});
    return said;
  }

  /// Lets the models forecast from `back` steps before the end, and shows the choice what came.
  void learn(const SeriesView& history, std::size_t back, ModelChoice& choice) {
    const std::size_t origin = history.values.size() - back;
    SeriesView past = history;
    past.values = history.values.first(origin);
    std::vector<std::span<const float>> regressors;
    for (const auto& regressor : history.regressors) regressors.push_back(regressor.first(origin));
    past.regressors = regressors;
    models_ = fitted_to(past);
    choice.accept(forecasts(horizon_));
    for (std::size_t t = origin; t < origin + horizon_; ++t)
      choice.observe(history.start + history.step * static_cast<Duration::rep>(t), history.values[t]);
  }

  std::size_t horizon_;
  Models models_;  ///< the chosen one first
};

}  // namespace

std::unique_ptr<Forecaster> make_chosen_model(std::size_t horizon) {
  return std::make_unique<ChosenModel>(horizon);
}

}  // namespace forewarm
