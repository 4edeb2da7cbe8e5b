#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "base/random.h"
#include "core/forecast/models/adam.h"
#include "core/forecast/models/recurrent_weights.h"

namespace forewarm {
namespace {

constexpr std::size_t kWarmUpSteps = 48;
constexpr std::size_t kStepsMin = 96;      // less than that teaches nothing
constexpr std::size_t kStepsMax = 20'160;  // the newest ones: two weeks of minutes
constexpr std::size_t kHeldOutMax = 2048;
constexpr std::size_t kTrainedLeadMax = 64;
constexpr std::size_t kWindowSteps = 24;
constexpr std::size_t kUpdatesMax = 300;
constexpr std::size_t kUpdatesBetweenChecks = 25;
constexpr std::size_t kWorseChecksMax = 3;
constexpr double kRateMax = 0.03;
constexpr float kAverageShare = 0.05F;
constexpr double kRegressorsHidden = 0.25;  // as often as this, so that it can do without a known future

/// Up at first, while Adam's moments are still guesses, then down along a cosine (Loshchilov and Hutter
/// 2017).
float rate_of(std::size_t update) {
  const double now = static_cast<double>(update);
  const double down = 0.5 + 0.5 * sine_cosine_turns(now / static_cast<double>(2 * kUpdatesMax)).cosine;
  return static_cast<float>(kRateMax * (0.05 + 0.95 * down) * std::min(1.0, now / 10));
}

/// A stretch of the series for each lane, side by side.
struct Stretch {
  std::array<std::size_t, kLanes> starts{};
  std::array<std::size_t, kLanes> ends{};  ///< targets from here on do not count
};

class Trainer {
 public:
  Trainer(const RecurrentShape& shape, const SeriesEncoding& encoding, const SeriesEncoding::Record& record)
      : shape_(shape), encoding_(encoding), record_(record) {}

  void run(Eigen::ArrayXf& weights);

 private:
  struct Pass {
    Pass(const RecurrentShape& shape, std::size_t step_count)
        : steps(step_count),
          window(shape.encoder, static_cast<Eigen::Index>(step_count)),
          decoder(shape.decoder, static_cast<Eigen::Index>(step_count) * kLanes),
          wanted(static_cast<Eigen::Index>(step_count) * kLanes),
          worth(wanted.size()),
          gradient(wanted.size(), DecoderShape::kOutputs) {}

    std::size_t steps;
    LstmWindow window;
    QuantileDecoder decoder;
    Eigen::ArrayXf wanted;  ///< distance of the target from its base, in units
    Eigen::ArrayXf worth;   ///< of a sample in the loss; 0: none
    Samples gradient;
  };

  void fill(Pass& pass, const Stretch& stretch, std::span<const std::size_t> leads, bool hide_regressors);
  double forward(Pass& pass, const Eigen::ArrayXf& weights);
  Pass held_out();
  void add_gradient(Pass& pass, const Eigen::ArrayXf& weights, Eigen::ArrayXf& gradient);
  std::size_t draw_lead();

  const RecurrentShape& shape_;
  const SeriesEncoding& encoding_;
  const SeriesEncoding::Record& record_;
  std::size_t first_ = 0, trained_end_ = 0, end_ = 0;
  Random random_{20150};
};

/// As often between 1 and 8 as between 8 and 64.
std::size_t Trainer::draw_lead() {
  const double most =
      static_cast<double>(std::clamp<std::size_t>((trained_end_ - first_) / 8, 1, kTrainedLeadMax));
  return static_cast<std::size_t>(std::min(exp(random_.uniform() * log(most + 1)), most));
}

void Trainer::fill(Pass& pass, const Stretch& stretch, std::span<const std::size_t> leads,
                   bool hide_regressors) {
  const std::size_t input_count = encoding_.inputs();
  std::vector<float> features(encoding_.target_features());
  auto inputs = pass.window.inputs();
  auto described = pass.decoder.features();
  for (std::size_t step = 0; step < pass.steps; ++step) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto sample = static_cast<Eigen::Index>(step * kLanes + lane);
      const std::size_t at = std::min(stretch.starts[lane] + step, end_ - 1);
      for (std::size_t i = 0; i < input_count; ++i) {
        inputs(sample, static_cast<Eigen::Index>(i)) = record_.inputs[at * input_count + i];
      }
      const std::size_t lead = leads[step];
      const std::size_t to = at + lead;
      pass.worth[sample] = 0;
      pass.wanted[sample] = 0;
      if (lead == 0 || to >= stretch.ends[lane] || record_.scaled[to] != record_.scaled[to]) continue;
      SeriesEncoding::Target target = SeriesEncoding::seen_before(encoding_, record_, to, lead);
      if (hide_regressors) target.regressors_known = false;
      encoding_.describe(record_.known[at], target, lead, features);
      for (std::size_t i = 0; i < features.size(); ++i)
        described(sample, static_cast<Eigen::Index>(i)) = features[i];
      const float base = encoding_.base(record_.known[at], target);
      pass.wanted[sample] = (record_.scaled[to] - base) / encoding_.unit();
      pass.worth[sample] = encoding_.worth(base);
    }
  }
}

/// Mean loss; leaves its gradient in the pass.
double Trainer::forward(Pass& pass, const Eigen::ArrayXf& weights) {
  pass.window.forward(shape_.encoder_of(weights.data()));
  pass.decoder.state() = pass.window.hidden();
  pass.decoder.forward(shape_.decoder_of(weights.data()));
  const float total = std::max(pass.worth.sum(), 1e-9F);
  double loss = 0;
  for (Eigen::Index level = 0; level < DecoderShape::kOutputs; ++level) {
    const auto share = static_cast<float>(kForecastLevels[level]);
    const auto over = pass.wanted - pass.decoder.quantiles().col(level);
    pass.gradient.col(level) = pass.worth * ((over < 0).cast<float>() - share) / total;
    loss -= static_cast<double>((pass.gradient.col(level) * over).sum());
  }
  return loss / static_cast<double>(DecoderShape::kOutputs);
}

/// The held-out part, in as many pieces as there are lanes, each with some steps before it to warm up.
Trainer::Pass Trainer::held_out() {
  const std::size_t each = (end_ - trained_end_ + kLanes - 1) / kLanes;
  const std::size_t warm_up = std::min(kWarmUpSteps, trained_end_);
  Pass pass(shape_, warm_up + each);
  Stretch stretch;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    stretch.starts[lane] = trained_end_ + lane * each - warm_up;
    stretch.ends[lane] = end_;
  }
  constexpr std::size_t kLeads[] = {1, 20, 6, 32, 2, 12, 48, 4};
  std::vector<std::size_t> leads(pass.steps, 0);
  for (std::size_t step = warm_up; step < pass.steps; ++step) leads[step] = kLeads[step % std::size(kLeads)];
  fill(pass, stretch, leads, false);
  return pass;
}

void Trainer::add_gradient(Pass& pass, const Eigen::ArrayXf& weights, Eigen::ArrayXf& gradient) {
  forward(pass, weights);
  Samples of_state = pass.decoder.backward(shape_.decoder_of(weights.data()), pass.gradient,
                                           shape_.decoder_slot(gradient.data()));
  pass.window.backward(shape_.encoder_of(weights.data()), of_state, shape_.encoder_slot(gradient.data()));
}

void Trainer::run(Eigen::ArrayXf& weights) {
  end_ = record_.scaled.size();
  first_ = end_ - std::min(end_, kStepsMax);
  if (end_ - first_ < kStepsMin || encoding_.is_exact()) return;
  trained_end_ = end_ - std::min((end_ - first_) / 8, kHeldOutMax);
  const std::size_t each = (trained_end_ - first_ + kLanes - 1) / kLanes;
  const std::size_t steps = std::min(kWindowSteps, each);
  const std::size_t windows = (each + steps - 1) / steps;
  const std::size_t check_every = std::max(windows, kUpdatesBetweenChecks);
  Pass pass(shape_, steps), newest = held_out();
  Adam adam(weights.size());
  Eigen::ArrayXf gradient(weights.size()), best = weights, average = weights;
  double best_loss = forward(newest, weights);
  std::size_t worse = 0;
  std::vector<std::size_t> leads(steps);
  Stretch stretch;
  stretch.ends.fill(trained_end_);
  for (std::size_t update = 1; update <= kUpdatesMax && worse < kWorseChecksMax; ++update) {
    const std::size_t window = (update - 1) % windows;
    if (window == 0) pass.window.shift_lanes();
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      stretch.starts[lane] = first_ + lane * each + window * steps;
    }
    for (std::size_t& lead : leads) lead = draw_lead();
    fill(pass, stretch, leads, random_.chance(kRegressorsHidden));
    gradient.setZero();
    add_gradient(pass, weights, gradient);
    adam.step(weights, gradient, rate_of(update));
    average += kAverageShare * (weights - average);
    if (update % check_every != 0 && update != kUpdatesMax) continue;
    newest.window.forget();
    const double loss = forward(newest, average);
    worse = loss < best_loss ? 0 : worse + 1;
    if (worse > 0) continue;
    best_loss = loss;
    best = average;
  }
  weights = best;
}

}  // namespace

Eigen::ArrayXf initial_weights(const RecurrentShape& shape, const LevelValues& quantiles) {
  Eigen::ArrayXf weights = Eigen::ArrayXf::Zero(shape.parameters());
  Random random(1997);
  const auto spread = [&](auto part, Eigen::Index from_columns) {
    const double width = sqrt(3.0 / static_cast<double>(from_columns));
    for (Eigen::Index row = 0; row < part.rows(); ++row) {
      for (Eigen::Index column = 0; column + 1 < part.cols(); ++column) {
        part(row, column) = static_cast<float>((2 * random.uniform() - 1) * width);
      }
    }
  };
  WeightsSlot encoder = shape.encoder_slot(weights.data());
  spread(encoder, encoder.cols());
  encoder.col(encoder.cols() - 1).segment(shape.encoder.hidden, shape.encoder.hidden).setOnes();
  DecoderGradient decoder = shape.decoder_slot(weights.data());
  spread(decoder.lower, decoder.lower.cols());
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    decoder.upper(static_cast<Eigen::Index>(level), decoder.upper.cols() - 1) =
        static_cast<float>(quantiles[level]);
  }
  return weights;
}

LevelValues distances_from_base(const SeriesEncoding& encoding, const SeriesEncoding::Record& record) {
  std::vector<WeightedValue> sample;
  const std::size_t steps = record.scaled.size();
  const std::size_t stride = std::max<std::size_t>(1, steps / 1000);
  for (std::size_t t = steps / 4; t < steps; t += stride) {
    for (const std::size_t lead : {1, 4, 12, 36}) {
      if (t < lead || record.scaled[t] != record.scaled[t]) continue;
      const float base =
          encoding.base(record.known[t - lead], SeriesEncoding::seen_before(encoding, record, t, lead));
      sample.push_back({(record.scaled[t] - base) / static_cast<double>(encoding.unit()), 1});
    }
  }
  return sample.empty() ? LevelValues{} : weighted_quantiles(sample);
}

void train(const RecurrentShape& shape, const SeriesEncoding& encoding, const SeriesEncoding::Record& record,
           Eigen::ArrayXf& weights) {
  Trainer(shape, encoding, record).run(weights);
}

}  // namespace forewarm
