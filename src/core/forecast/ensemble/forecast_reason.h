#pragma once

#include <cstdint>

#include "core/model/forecast.h"

namespace forewarm {

/// One of the things that carry a forecast, for whoever asks why it is what it is.
struct ForecastReason {
  enum class Kind : std::uint8_t {
    Newest,  ///< the newest values, whatever their phase
    Season,  ///< values of the same phase of a season
    Model,
    Signal,
    Batch,  ///< a scheduled burst
  };
  Kind kind = Kind::Newest;
  ModelId model = ModelId::None;  ///< of Model
  std::uint32_t signal = 0;       ///< of Signal: index among the fit's regressors
  double share = 0;  ///< of the mix; of Signal, of all signals' effects (0: it was tried and does not help);
                     ///< of Batch, of all messages
  double steps = 0;  ///< a season's or a batch's period; a signal's lead
  double size = 0;   ///< messages of a batch
  double next = 0;   ///< steps until a batch is due, from 0
  double gain = 0;   ///< of Signal: by which share of the loss all signals together lessened it out of sample

  friend bool operator==(const ForecastReason&, const ForecastReason&) = default;
};

}  // namespace forewarm
