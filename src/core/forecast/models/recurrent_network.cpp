#include <algorithm>
#include <cmath>

#include "core/forecast/models/models.h"
#include "core/forecast/models/recurrent_weights.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kRecurrentMeasuredMin = 8;
constexpr std::size_t kReplayedSteps = 512;  // after which nothing is left of an empty state

/// A recurrent network of this one series: LSTM over the encoded values, and a decoder that gives all
/// quantiles of a step at once (Wen et al. 2017), learnt by pinball loss. It sees what formulas do not say:
/// levels that fall back quickly or slowly, seasons that matter at some hours only, widths that follow the
/// level. Quantiles are counted from a smoothed level or season, so that it follows a shift it has never
/// seen, and says no more than that base and its usual errors before it has learnt.
class RecurrentNetwork final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::RecurrentNetwork; }

  Result<void> fit(const SeriesView& history) override {
    fitted_ = false;
    begin_after(history);
    const auto measured = static_cast<std::size_t>(std::count_if(history.values.begin(), history.values.end(),
                                                                 [](float v) { return std::isfinite(v); }));
    if (measured < kRecurrentMeasuredMin) {
      return error(ErrorCode::Invalid, "a recurrent network needs " + std::to_string(kRecurrentMeasuredMin) +
                                           " measured steps, but the history has " +
                                           std::to_string(measured));
    }
    const SeriesEncoding::Record record = encoding_.begin(history);
    const RecurrentShape shape(encoding_);
    Eigen::ArrayXf weights = initial_weights(shape, distances_from_base(encoding_, record));
    train(shape, encoding_, record, weights);
    weights_.assign(weights.begin(), weights.end());
    state_.hidden = Eigen::ArrayXf::Zero(RecurrentShape::kHidden);
    state_.cell = state_.hidden;
    const std::size_t steps = record.scaled.size();
    for (std::size_t t = steps - std::min(steps, kReplayedSteps); t < steps; ++t) {
      advance(std::span(record.inputs).subspan(t * encoding_.inputs(), encoding_.inputs()));
    }
    fitted_ = true;
    return {};
  }

  void update(float value, std::span<const float> regressors) override {
    pass_step();
    if (!fitted_) return;
    std::array<float, SeriesEncoding::kInputs + SeriesEncoding::kRegressors> inputs{};
    const std::span<float> used(inputs.data(), encoding_.inputs());
    encoding_.push(value, regressors, used);
    advance(used);
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns future) const override {
    const RecurrentShape shape(encoding_);
    const auto samples = static_cast<Eigen::Index>(leads.size());
    QuantileDecoder decoder(shape.decoder, (samples + kLanes - 1) / kLanes * kLanes);
    decoder.state().rowwise() = state_.hidden.transpose();
    std::vector<double> bases;
    std::vector<float> features(encoding_.target_features());
    for (Eigen::Index i = 0; i < samples; ++i) {
      const std::size_t lead = leads[static_cast<std::size_t>(i)];
      const SeriesEncoding::Target target = encoding_.target(lead, future);
      encoding_.describe(encoding_.known(), target, lead, features);
      for (std::size_t f = 0; f < features.size(); ++f)
        decoder.features()(i, static_cast<Eigen::Index>(f)) = features[f];
      bases.push_back(encoding_.base(encoding_.known(), target));
    }
    decoder.forward(shape.decoder_of(weights_.data()));
    std::vector<LevelValues> rows(leads.size());
    for (std::size_t i = 0; i < leads.size(); ++i) {
      for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
        const float distance =
            decoder.quantiles()(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(level));
        rows[i][level] = encoding_.unscaled(bases[i] + static_cast<double>(distance * encoding_.unit()));
      }
      std::sort(rows[i].begin(), rows[i].end());
    }
    return rows;
  }

  std::string save() const override { return save_model(*this); }
  Result<void> load(std::string_view state) override { return load_model(*this, state); }

  static constexpr std::uint8_t kStateVersion = 1;
  static void fields(auto& model, auto& archive) {
    progress(model, archive);
    SeriesEncoding::fields(model.encoding_, archive);
    archive(model.weights_);
    for (Eigen::Index i = 0; i < RecurrentShape::kHidden; ++i) {
      archive(model.state_.hidden[i]);
      archive(model.state_.cell[i]);
    }
  }
  bool settle() {
    if (step_ <= Duration(0)) return false;
    if (!encoding_.is_sound()) return false;
    if (!fitted_) return true;
    return weights_.size() == static_cast<std::size_t>(RecurrentShape(encoding_).parameters()) &&
           std::all_of(weights_.begin(), weights_.end(), [](float w) { return std::isfinite(w); }) &&
           state_.hidden.allFinite() && state_.cell.allFinite();
  }

 private:
  double persistence() const override { return encoding_.persistence(); }

  void advance(std::span<const float> inputs) {
    const RecurrentShape shape(encoding_);
    state_.advance(shape.encoder, shape.encoder_of(weights_.data()),
                   Eigen::Map<const Eigen::ArrayXf>(inputs.data(), static_cast<Eigen::Index>(inputs.size())));
  }

  SeriesEncoding encoding_;
  std::vector<float> weights_;
  LstmState state_{.hidden = Eigen::ArrayXf::Zero(RecurrentShape::kHidden),
                   .cell = Eigen::ArrayXf::Zero(RecurrentShape::kHidden)};
};

}  // namespace

std::unique_ptr<Forecaster> make_recurrent_network() {
  return std::make_unique<RecurrentNetwork>();
}

}  // namespace forewarm
