#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/id_map.h"
#include "base/time.h"
#include "core/history/recency.h"
#include "core/model/decision.h"
#include "core/model/ids.h"

namespace forewarm {

/// Successes and failures that fade with time.
struct OutcomeCounts {
  double succeeded = 0;
  double failed = 0;
  TimePoint at;  ///< when the two were last brought up to date

  double total() const { return succeeded + failed; }
};

/// Failures of a tenant's first attempts beside those that were to be expected of them, had it been like the
/// others at that time. An outage raises both.
struct TenantFailures {
  double seen = 0;
  double expected = 0;
};

/// Outcomes of runs, forgotten with a half-life, in bounded memory: by function, by function and tenant, and
/// by function and error key (what became of the next attempt after that error). When the table is full, a
/// key that has long not been observed makes room. Capacity problems say nothing about a message or a
/// function: they are only in the totals.
class Outcomes {
 public:
  explicit Outcomes(Duration half_life = 10min, std::size_t keys_max = 4096);

  /// One message's run on `function` ended. `previous_error_key` is the error of its previous attempt, 0 at a
  /// first one.
  void observe(TimePoint at, FunctionId function, TenantId tenant, std::uint64_t previous_error_key,
               ErrorClass error);

  std::size_t keys() const { return table_.size(); }
  OutcomeCounts function(TimePoint at, FunctionId function) const;
  OutcomeCounts tenant(TimePoint at, FunctionId function, TenantId tenant) const;
  /// Outcomes of attempts that followed a failure with this error key.
  OutcomeCounts after_error(TimePoint at, FunctionId function, std::uint64_t error_key) const;
  /// The newest outcomes of the function, whatever came before them.
  Recency newest(FunctionId function) const;
  /// Of messages that had not failed before.
  Recency newest_first(FunctionId function) const;
  /// Of attempts that followed a failure with this error key.
  Recency newest_after(FunctionId function, std::uint64_t error_key) const;
  TenantFailures tenant_failures(FunctionId function, TenantId tenant) const;
  /// All outcomes since the start, by class; for metrics.
  const std::array<std::uint64_t, kErrorClassCount>& totals() const { return totals_; }

 private:
  struct Entry {
    OutcomeCounts counts;
    Recency newest;
    TenantFailures first;
    std::uint64_t used = 0;
  };
  using Key = Id<struct OutcomeKeyTag>;
  static Key key(std::uint64_t kind, FunctionId function, std::uint64_t part);
  Entry& entry(Key key);
  Entry& add(Key key, TimePoint at, bool success);
  OutcomeCounts read(Key key, TimePoint at) const;
  Recency newest_of(Key key) const;
  void faded(OutcomeCounts& counts, TimePoint at) const;
  std::size_t drop_oldest();

  Duration half_life_;
  std::size_t keys_max_;
  std::uint64_t use_ = 0;
  IdMap<Key, Entry> table_;
  std::vector<Key> keys_;  ///< every key of the table, in no order: where the hand looks for one to drop
  std::size_t hand_ = 0;
  std::array<std::uint64_t, kErrorClassCount> totals_{};
};

}  // namespace forewarm
