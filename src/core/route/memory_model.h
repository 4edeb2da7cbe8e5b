#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/model/settings.h"
#include "core/route/pooled_log.h"

namespace forewarm {

/// What memory messages need, learned per size class x message type from runs whose peak was measured, and
/// which variants have too little of it.
///
/// What is needed does not depend on where it runs, so there is no part of the variant: a class that has only
/// ever run on the largest is known to fit in a smaller one, or not to. But a variant that is too small hides
/// the need: its runs are squeezed or end early. Such a peak is a lower bound (a censored observation), and
/// counts only where it is above what was predicted; one that the prediction meets already says nothing.
///
/// Crashes are evidence beside it, by variant and size class: they come where nothing was measured.
class MemoryModel {
 public:
  /// Drops what it learned of the variants' crashes if their memory sizes change.
  void configure(const std::vector<FunctionVariant>& variants);

  /// A run of such messages on the variant had this peak. `whole`: it did all its work.
  void observe_peak(std::uint16_t variant, MessageClass message, std::uint64_t bytes, bool whole);
  /// A run of such a message on the variant ended with its process, or did not.
  void observe_end(std::uint16_t variant, MessageClass message, bool crashed);

  struct Need {
    double typical_bytes = 0;    ///< the median
    double high_bytes = 0;       ///< what 99 of 100 messages need at most
    std::uint32_t evidence = 0;  ///< measured runs of the class; 0: nothing is known
  };
  Need need(MessageClass message) const;
  /// Of the class that needs most.
  Need most_needed() const;
  std::uint64_t measured() const { return measured_; }  ///< runs

  /// Adds what this has learnt.
  void remember(FunctionMemory& to) const;
  /// Whether another of as many variants could have learnt it.
  static bool could_be_learnt(const FunctionMemory& from, std::size_t variants);
  /// Takes what could be learnt; crashes only of the `same_variants`. Nothing is known here.
  void restore(const FunctionMemory& from, bool same_variants);

  /// The class needs more than the variant has: it is predicted to, and has not shown otherwise in `runs`
  /// that went well there; or its runs there often end with the process.
  bool outgrows(std::uint16_t variant, MessageClass message, std::uint32_t runs) const;

 private:
  std::vector<std::uint64_t> memory_;                          ///< of each variant; 0: not declared
  std::vector<std::array<RecentMean, kSizeClasses>> crashes_;  ///< means of 0 and 1; empty for one variant
  PooledLog need_{{.shrink = 0.5, .variance_prior = 0.04, .deviation_least = 0.05, .early_residuals = false}};
  std::vector<MessageClass> seen_;
  std::uint64_t measured_ = 0;
};

}  // namespace forewarm
