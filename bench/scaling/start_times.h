#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "scaling/lab.h"

namespace forewarm::bench {

/// How long instances take to start, by where they run:
/// - lambda: cold starts of AWS Lambda, functions: those of Azure and Google (coldstart/, Shilkov 2019-2021);
/// - pod: 5 to 60 s, an assumption: log-normal, median 15 s, sigma 0.5;
/// - model: loading a base model (alibaba_gentd26/load_latency, Alibaba GenTD26).
///
/// Drawn from what is recorded under `folder`. Where a file is not there, from a log-normal as published:
/// cold median 448 ms, p99 1.5 times that (STeLLAR, IISWC 2021); mu .296, sigma 1.326 (Huawei Cloud, EuroSys
/// 2025); median 21 s, 95 % at 44.9 s (GenTD26). Errors name file, line and column.
Result<std::vector<StartModel>> start_models(const std::string& folder);

}  // namespace forewarm::bench
