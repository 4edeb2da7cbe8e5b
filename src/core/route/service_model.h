#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "core/model/settings.h"
#include "core/route/memory_model.h"
#include "core/route/pooled_log.h"

namespace forewarm {

/// How long messages take, learned per variant x size class x type from every run, and what memory they need.
/// The prior of a variant is speed in proportion to memory, as Lambda gives processor shares.
class ServiceModel {
 public:
  /// Drops what it learned of variants if their memory sizes change.
  void configure(const std::vector<FunctionVariant>& variants);

  struct Prediction : PooledLog::Prediction {
    double seconds() const { return value(); }
  };
  /// Seconds are meaningless while known() is false. `evidence`: runs of the class on the variant.
  Prediction predict(std::uint16_t variant, MessageClass message) const;
  /// A message of this class took so long on an instance of this variant.
  using Surprise = PooledLog::Surprise;
  Surprise observe(std::uint16_t variant, MessageClass message, Duration service);
  bool known() const { return time_.known(); }
  std::size_t variants() const { return time_.variants(); }

  /// Adds what this has learnt.
  void remember(FunctionMemory& to) const;
  /// Takes what another had learnt, if this has learnt nothing and the memory could be another's; says
  /// whether. Of variants only if they are `same_variants`.
  bool restore(const FunctionMemory& from, bool same_variants);

  MemoryModel& memory() { return memory_; }
  const MemoryModel& memory() const { return memory_; }
  /// It needs more memory than the variant has.
  bool outgrows(std::uint16_t variant, MessageClass message) const;

 private:
  PooledLog time_{PooledLog::Settings{}};
  MemoryModel memory_;
  std::vector<std::uint64_t> sizes_;  ///< memory of each variant
};

}  // namespace forewarm
