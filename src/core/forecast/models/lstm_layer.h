#pragma once

#include "core/forecast/models/samples.h"

namespace forewarm {

/// A layer of long short-term memory: Hochreiter and Schmidhuber, Long short-term memory, Neural Computation
/// 9 (1997), with the forget gate of Gers, Schmidhuber and Cummins (2000).
///
/// Weights are 4 * hidden rows (input gate, forget gate, candidate, output gate) over the inputs, the hidden
/// state of the step before, and a one for the bias.
struct LstmShape {
  Eigen::Index inputs = 0;
  Eigen::Index hidden = 0;  ///< a multiple of kRowsAtOnce

  Eigen::Index rows() const { return 4 * hidden; }
  Eigen::Index columns() const { return inputs + hidden + 1; }
};

/// The layer over a window of steps, kept whole so that it can be gone through backwards.
class LstmWindow {
 public:
  LstmWindow(LstmShape shape, Eigen::Index steps);

  /// Where the inputs go before forward(): steps * kLanes rows.
  auto inputs() { return seen_.leftCols(shape_.inputs); }
  /// From the state of the window before; forget() starts anew.
  void forward(const WeightsView& weights);
  /// Hidden states after each step.
  const Samples& hidden() const { return hidden_; }
  /// Gradients of the weights are added; `hidden_gradient` is that of hidden(), and is used up. Stops at the
  /// window's first step: truncated backpropagation through time (Williams and Peng 1990).
  void backward(const WeightsView& weights, SampleBlock hidden_gradient, WeightsSlot gradient);
  void forget();
  /// Each lane goes on where the one before it has ended, the first with nothing: for lanes that are pieces
  /// of one series, gone through once more.
  void shift_lanes();

 private:
  auto step_of(Samples& samples, Eigen::Index step) const {
    return samples.middleRows(step * kLanes, kLanes);
  }

  LstmShape shape_;
  Eigen::Index steps_;
  Samples seen_;      ///< inputs, hidden state before, one
  Samples gates_;     ///< after their squashing; then their gradients
  Samples cells_;     ///< the first kLanes rows: before the window
  Samples squashed_;  ///< cells
  Samples hidden_;
  Samples last_hidden_;  ///< kLanes rows
};

/// One step of one series: `hidden` and `cell` go on to the next step.
struct LstmState {
  Eigen::ArrayXf hidden;
  Eigen::ArrayXf cell;

  void advance(const LstmShape& shape, const WeightsView& weights,
               const Eigen::Ref<const Eigen::ArrayXf>& inputs);
};

}  // namespace forewarm
