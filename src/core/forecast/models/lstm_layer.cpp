#include "core/forecast/models/lstm_layer.h"

namespace forewarm {

LstmWindow::LstmWindow(LstmShape shape, Eigen::Index steps)
    : shape_(shape),
      steps_(steps),
      seen_(steps * kLanes, shape.columns()),
      gates_(steps * kLanes, shape.rows()),
      cells_((steps + 1) * kLanes, shape.hidden),
      squashed_(steps * kLanes, shape.hidden),
      hidden_(steps * kLanes, shape.hidden),
      last_hidden_(kLanes, shape.hidden) {
  seen_.setZero();
  seen_.rightCols(1).setOnes();
  forget();
}

void LstmWindow::forget() {
  cells_.setZero();
  last_hidden_.setZero();
}

void LstmWindow::shift_lanes() {
  for (Samples* samples : {&cells_, &last_hidden_}) {
    auto last = samples->bottomRows(kLanes);
    last.bottomRows(kLanes - 1) = last.topRows(kLanes - 1).eval();
    last.row(0).setZero();
  }
}

void LstmWindow::forward(const WeightsView& weights) {
  const Eigen::Index hidden = shape_.hidden;
  cells_.topRows(kLanes) = cells_.bottomRows(kLanes).eval();
  for (Eigen::Index step = 0; step < steps_; ++step) {
    auto seen = step_of(seen_, step);
    if (step == 0) {
      seen.middleCols(shape_.inputs, hidden) = last_hidden_;
    } else {
      seen.middleCols(shape_.inputs, hidden) = step_of(hidden_, step - 1);
    }
    auto gates = step_of(gates_, step);
    multiply(weights, seen, gates);
    squash_to_share(gates.leftCols(2 * hidden));
    squash(gates.middleCols(2 * hidden, hidden));
    squash_to_share(gates.rightCols(hidden));
    auto cell = step_of(cells_, step + 1);
    cell = gates.middleCols(hidden, hidden) * step_of(cells_, step) +
           gates.leftCols(hidden) * gates.middleCols(2 * hidden, hidden);
    auto squashed = step_of(squashed_, step);
    squashed = cell;
    squash(squashed);
    step_of(hidden_, step) = gates.rightCols(hidden) * squashed;
  }
  last_hidden_ = hidden_.bottomRows(kLanes);
}

void LstmWindow::backward(const WeightsView& weights, SampleBlock hidden_gradient, WeightsSlot gradient) {
  const Eigen::Index hidden = shape_.hidden;
  const Weights back = weights.middleCols(shape_.inputs, hidden).transpose();
  const WeightsView back_view(back.data(), back.rows(), back.cols());
  Samples cell_gradient = Samples::Zero(kLanes, hidden);
  Samples before(kLanes, hidden);
  for (Eigen::Index step = steps_; step-- > 0;) {
    auto gates = step_of(gates_, step);
    auto input = gates.leftCols(hidden);
    auto forgot = gates.middleCols(hidden, hidden);
    auto candidate = gates.middleCols(2 * hidden, hidden);
    auto output = gates.rightCols(hidden);
    const auto squashed = step_of(squashed_, step);
    const auto from_above = hidden_gradient.middleRows(step * kLanes, kLanes);
    cell_gradient += from_above * output * (1 - squashed.square());
    output = from_above * squashed * output * (1 - output);
    before = cell_gradient * forgot;  // of the cell one step before
    forgot = cell_gradient * step_of(cells_, step) * forgot * (1 - forgot);
    const Samples input_gradient = cell_gradient * candidate * input * (1 - input);
    candidate = cell_gradient * input * (1 - candidate.square());
    input = input_gradient;
    cell_gradient.swap(before);
    if (step > 0) {
      multiply(back_view, gates, before);
      hidden_gradient.middleRows((step - 1) * kLanes, kLanes) += before;
    }
  }
  add_outer(gates_, seen_, gradient);
}

void LstmState::advance(const LstmShape& shape, const WeightsView& weights,
                        const Eigen::Ref<const Eigen::ArrayXf>& inputs) {
  const Eigen::Index size = shape.hidden;
  Eigen::ArrayXf seen(shape.columns());
  seen << inputs, hidden, 1.0F;
  Eigen::ArrayXf gates(shape.rows());
  for (Eigen::Index row = 0; row < shape.rows(); ++row) {
    gates[row] = (weights.row(row).transpose().array() * seen).sum();
  }
  squash_to_share(gates.head(2 * size));
  squash(gates.segment(2 * size, size));
  squash_to_share(gates.tail(size));
  cell = gates.segment(size, size) * cell + gates.head(size) * gates.segment(2 * size, size);
  hidden = cell;
  squash(hidden);
  hidden *= gates.tail(size);
}

}  // namespace forewarm
