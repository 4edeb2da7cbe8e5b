#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// AWS Lambda behind an SQS event source mapping: what the mapping's pollers may have running side by side,
/// and the function's own rate of new environments.
///
/// Source: AWS Lambda developer guide, "Scaling behavior for Amazon SQS event source mappings" (2025: five
/// concurrent batches at first, 300 more a minute, at most 1,250; provisioned mode: 10 concurrent invocations
/// a poller, 1,000 more a minute, at most 20,000) and "Lambda function scaling" (1,000 environments each 10
/// s). How long an idle environment is kept is not documented: papers and observers use 10 minutes.
struct LambdaOptions {
  double at_first = 5;           ///< concurrent batches when messages come to an idle mapping
  double more_per_minute = 300;  ///< while messages wait
  double max = 1250;
  double starts_per_second = 100;  ///< 1,000 each 10 s, refilled all the time, not saved up
  Duration idle = 10min;           ///< an environment is kept so long
};
/// Provisioned mode with this many pollers kept.
LambdaOptions provisioned_lambda(std::uint32_t pollers);

std::unique_ptr<Scaler> make_lambda_scaler(const LambdaOptions& options);

}  // namespace forewarm
