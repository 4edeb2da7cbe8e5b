#pragma once

#include <cstdint>
#include <vector>

namespace forewarm {

/// Rises when a member of FunctionMemory comes, goes or changes its meaning: what another version wrote is
/// not taken.
inline constexpr std::int64_t kFunctionMemoryVersion = 1;

/// Means that forget, and how many observations each stands for. Both have one size.
struct MeansMemory {
  std::vector<float> mean = {};
  std::vector<float> weight = {};

  friend bool operator==(const MeansMemory&, const MeansMemory&) = default;
};

/// What a PooledLog (core/route/pooled_log.h) has learnt of a logarithm.
struct PooledMemory {
  MeansMemory overall = {};               ///< of everything, then of each size class
  MeansMemory variants = {};              ///< of each; empty where there is one
  MeansMemory variant_sizes = {};         ///< of each variant, of each size class
  std::vector<std::uint64_t> types = {};  ///< type's hash << 32 | variant (0xffff: any) << 8 | size class
  MeansMemory typed = {};                 ///< of each of these
  double variance = 0;                    ///< of residuals
  double variance_weight = 0;
  MeansMemory variances = {};  ///< of each size class

  friend bool operator==(const PooledMemory&, const PooledMemory&) = default;
};

/// What a DurationSketch (core/history/duration_sketch.h) holds; the newest observation weighs 1.
struct SketchMemory {
  std::int32_t first_bucket = 0;
  std::vector<float> buckets = {};
  float zeros = 0;         ///< weight of what took no time
  double sum_seconds = 0;  ///< of all, by weight

  friend bool operator==(const SketchMemory&, const SketchMemory&) = default;
};

/// What has been learnt of how a function runs and is true for longer than a restart takes: the service times
/// and the need of memory of its messages by variant, size class and type, how long its instances take to
/// start, and which variants its work called for. Not how fast single instances are: they are gone.
struct FunctionMemory {
  std::uint64_t learnt = 0;                       ///< runs and starts
  std::vector<std::uint64_t> variant_bytes = {};  ///< declared; what was learnt of variants is of these
  SketchMemory starts = {};
  PooledMemory service = {};  ///< logarithm of seconds
  PooledMemory need = {};     ///< logarithm of bytes
  std::vector<std::uint64_t> need_classes =
      {};                                ///< type's hash << 8 | size class, of those that were measured
  std::uint64_t need_measured = 0;       ///< runs
  MeansMemory crashes = {};              ///< share of runs, of each variant, of each size class
  std::vector<float> work_seconds = {};  ///< that came lately, by the variant that suits it best

  friend bool operator==(const FunctionMemory&, const FunctionMemory&) = default;
};

}  // namespace forewarm
