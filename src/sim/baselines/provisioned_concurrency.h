#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// AWS Lambda's provisioned concurrency under Application Auto Scaling's target tracking
/// (sim/baselines/target_tracking.h): so many environments are kept; what finds none of them free starts one
/// on demand, which is kept for 10 minutes.
///
/// Source: AWS Lambda developer guide, "Configuring provisioned concurrency" (2025): new provisioned
/// environments come "after a minute or two of preparation", taken as 90 s; nothing else is decided meanwhile
/// (assumed). How long an idle environment on demand is kept is not documented: observers' 10 minutes.
struct ProvisionedConcurrencyOptions {
  double target = 0.7;        ///< utilisation of what is provisioned
  std::uint32_t min = 1;      ///< provisioned
  std::uint32_t max = 1000;   ///< provisioned and on demand
  Duration allocation = 90s;  ///< before more is provisioned
  Duration idle = 10min;      ///< on demand
};

std::unique_ptr<Scaler> make_provisioned_concurrency_scaler(const ProvisionedConcurrencyOptions& options);

}  // namespace forewarm
