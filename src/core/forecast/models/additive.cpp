#include <algorithm>
#include <cmath>

#include "core/forecast/models/additive_choice.h"
#include "core/forecast/models/models.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kAdditiveMeasuredMin = 8;
constexpr double kPositionMax = 1e12;

/// An additive model (Taylor and Letham, Forecasting at Scale, The American Statistician 72, 2018): a trend
/// that bends at changepoints, seasons by Fourier terms, and regressors, in one regression. Where the paper
/// leaves the form to an analyst, errors out of sample choose it here, and those errors are the quantiles.
/// Unlike the paper's, it follows the level between fits, and its trend fades beyond the history.
class Additive final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::Additive; }

  Result<void> fit(const SeriesView& history) override {
    fitted_ = false;
    begin_after(history);
    const auto measured = static_cast<std::size_t>(std::count_if(history.values.begin(), history.values.end(),
                                                                 [](float v) { return std::isfinite(v); }));
    if (measured < kAdditiveMeasuredMin) {
      return error(ErrorCode::Invalid, "an additive model needs " + std::to_string(kAdditiveMeasuredMin) +
                                           " measured steps, but the history has " +
                                           std::to_string(measured));
    }
    AdditiveChoice choice = choose_additive(history);
    position_ = static_cast<double>(choice.steps);
    plain_ = std::move(choice.plain);
    has_driven_ = choice.driven.has_value();
    driven_ = std::move(choice.driven).value_or(AdditiveVariant{});
    fitted_ = true;
    return {};
  }

  void update(float value, std::span<const float> regressors) override {
    if (fitted_) {
      plain_.update(position_, value, {});
      if (has_driven_) driven_.update(position_, value, regressors);
      position_ = std::min(position_ + 1, kPositionMax);
    }
    pass_step();
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns future) const override {
    std::vector<LevelValues> rows;
    std::vector<float> known(driven_.fit.regressors.size());
    for (const std::size_t lead : leads) {
      bool all = has_driven_ && future.size() >= known.size();
      for (std::size_t i = 0; all && i < known.size(); ++i) {
        all = lead <= future[i].size() && std::isfinite(future[i][lead - 1]);
        if (all) known[i] = future[i][lead - 1];
      }
      const double step = position_ + static_cast<double>(lead - 1);
      rows.push_back(all ? driven_.row(step, lead, known) : plain_.row(step, lead, {}));
    }
    return rows;
  }

  std::string save() const override { return save_model(*this); }
  Result<void> load(std::string_view state) override { return load_model(*this, state); }

  static constexpr std::uint8_t kStateVersion = 1;
  static void fields(auto& model, auto& archive) {
    progress(model, archive);
    archive(model.position_);
    AdditiveVariant::fields(model.plain_, archive);
    archive(model.has_driven_);
    AdditiveVariant::fields(model.driven_, archive);
  }
  bool settle() const {
    return step_ > Duration(0) && position_ >= 0 && position_ <= kPositionMax && plain_.is_sound() &&
           driven_.is_sound();
  }

 private:
  double persistence() const override { return plain_.persistence; }

  double position_ = 0;  ///< of the next step, from the first one that was used
  AdditiveVariant plain_;
  bool has_driven_ = false;
  AdditiveVariant driven_;  ///< with regressors: for leads at which all are known
};

}  // namespace

std::unique_ptr<Forecaster> make_additive() {
  return std::make_unique<Additive>();
}

}  // namespace forewarm
