#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/id_map.h"
#include "base/time.h"
#include "core/model/decision.h"
#include "core/model/instance.h"
#include "core/model/settings.h"

namespace forewarm {

/// What a run needs of an instance.
struct InstanceNeed {
  InstanceId not_this;  ///< the one that failed the message, avoided while another can be had
  std::uint64_t memory_bytes_min = 0;
};

/// The instances of one function and which of them suits a message best: ready, of the current version, not
/// the one that failed this message, with the fewest recent failures, rather idle than frozen, then the
/// warmest (most recently used, so that the surplus grows cold and can be stopped). A plain ordered set:
/// pools have tens of instances, not millions.
class Pool {
 public:
  struct Instance {
    InstanceId id;
    InstanceState state = InstanceState::Starting;
    std::uint32_t version = 1;
    std::uint16_t variant = 0;
    std::uint64_t memory_bytes = 0;  ///< declared when it was started
    TimePoint since;                 ///< entered its state then; a frozen one is idle since then
    TimePoint ready_at = kNever;     ///< first
    TimePoint last_used;
    QueueId started_for;
    RunId run;  ///< while busy
    std::uint32_t failures_in_row = 0;
    std::uint32_t runs = 0;
  };

  void configure(const FunctionSettings& settings);
  const FunctionSettings& settings() const { return settings_; }
  /// What a new instance would hold of the machine's memory: what is declared, not what it uses. At most 16
  /// TiB, so that sums over instances stay whole.
  std::uint64_t instance_bytes() const;

  void start(InstanceId id, TimePoint now, QueueId queue, std::uint16_t variant);
  /// False if unknown (it was lost meanwhile).
  bool ready(InstanceId id, TimePoint now);
  void begin_run(InstanceId id, RunId run, TimePoint now);
  void end_run(InstanceId id, TimePoint now, bool success);
  void freeze(InstanceId id);
  /// Idle again, since when it was before it was frozen.
  void thaw(InstanceId id);
  void stop(InstanceId id, TimePoint now);
  /// Removes it; the instance as it was, if it was known.
  std::optional<Instance> lost(InstanceId id);

  const Instance* find(InstanceId id) const;
  InstanceCounts counts() const { return counts_; }
  /// The most suitable free (idle or frozen) instance, or none. `not_this` is used only when it is the only
  /// free one and no other is starting or busy.
  std::optional<InstanceId> choose(const InstanceNeed& need) const;
  /// The free instance to stop first: older version, then failing (>= 3 in a row), then longest unused. None
  /// if none is free.
  std::optional<InstanceId> coldest() const;
  /// All free instances, by when they were last used, the longest ago first.
  std::vector<const Instance*> free() const;
  /// A free instance of an older version or with 3 failures in a row, if any: to be stopped whatever the
  /// plan says.
  std::optional<InstanceId> unfit() const;
  const std::vector<Instance>& instances() const { return instances_; }

 private:
  Instance* find_mutable(InstanceId id);
  std::uint32_t& count_of(InstanceState state);
  void enter(Instance& instance, InstanceState state, TimePoint since);

  FunctionSettings settings_;
  std::vector<Instance> instances_;  ///< by id, ascending
  InstanceCounts counts_;
};

}  // namespace forewarm
