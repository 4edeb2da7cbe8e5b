#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/id_map.h"
#include "base/time.h"
#include "core/model/decision.h"
#include "core/model/instance.h"
#include "core/model/settings.h"
#include "core/route/instance_health.h"

namespace forewarm {

/// What a run needs of an instance.
struct InstanceNeed {
  InstanceId not_this;  ///< the one that failed the message, avoided while another can be had
  std::uint64_t memory_bytes_min = 0;
  std::uint64_t group = 0;  ///< of the message, where it should follow its group; 0: none
};

/// The instances of one function and which of them suits a message best: ready, of the current version, not
/// the one that failed this message, with the fewest recent failures, at its peers' pace, the one that had
/// its group, rather idle than frozen, then the warmest (most recently used, so that the surplus grows cold
/// and can be stopped). A plain ordered set: pools have tens of instances, not millions.
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
    TimePoint free_at = kNever;  ///< predicted, while busy; kNever: not predicted
    std::uint64_t group = 0;     ///< of the last run
    InstanceHealth health;
  };

  void configure(const FunctionSettings& settings);
  const FunctionSettings& settings() const { return settings_; }
  /// What a new instance would hold of the machine's memory: what is declared, not what it uses. At most 16
  /// TiB, so that sums over instances stay whole.
  std::uint64_t instance_bytes(std::uint16_t variant) const;
  /// Of the variant that declares least.
  std::uint64_t instance_bytes_min() const;

  void start(InstanceId id, TimePoint now, QueueId queue, std::uint16_t variant);
  /// False if unknown (it was lost meanwhile).
  bool ready(InstanceId id, TimePoint now);
  void begin_run(InstanceId id, RunId run, TimePoint now, TimePoint free_at = kNever,
                 std::uint64_t group = 0);
  /// `success` none: the run could not be begun, which says nothing of the instance.
  void end_run(InstanceId id, TimePoint now, std::optional<bool> success);
  /// How the run that has just ended compares with what was predicted of it.
  void observe(InstanceId id, const ServiceModel::Surprise& surprise);
  void freeze(InstanceId id);
  /// Idle again, since when it was before it was frozen.
  void thaw(InstanceId id);
  void stop(InstanceId id, TimePoint now);
  /// Removes it; the instance as it was, if it was known.
  std::optional<Instance> lost(InstanceId id);

  const Instance* find(InstanceId id) const;
  InstanceCounts counts() const { return counts_; }
  /// Of this variant, not on their way out.
  std::uint32_t usable(std::uint16_t variant) const;
  /// Instances differ in more than warmth: there are several variants, or one is suspected to be slow.
  bool mixed() const { return settings_.variants.size() > 1 || suspects_ > 0; }
  /// The most suitable free (idle or frozen) instance of a pool that is not mixed(), or none; with `why`,
  /// what it was chosen by. `not_this` is used only when it is the only free one and no other is starting or
  /// busy.
  std::optional<InstanceId> choose(const InstanceNeed& need, RoutingDecision* why = nullptr) const;
  /// The free instance to stop first: older version, then unfit(), then longest unused. None if none is free.
  std::optional<InstanceId> coldest() const;
  /// All free instances, by when they were last used, the longest ago first.
  std::vector<const Instance*> free() const;
  /// A free instance to be stopped whatever the plan says, if any: of an older version; with so many failures
  /// in a row (at least 3) as the others' failures do not explain (odds under 1 in 1000); or convicted of
  /// being slow while two others serve. Outlier detection is capped as Envoy's max_ejection_percent does: of
  /// the usable ones, at most 1 in 5 (and one always) for slowness, 1 in 2 for failures, within 30 s.
  std::optional<InstanceId> unfit(TimePoint now) const;
  /// Why unfit() named it.
  ScaleReason why_unfit(const Instance& instance) const;
  /// It is told to stop because of that.
  void eject(InstanceId id, TimePoint now);
  const std::vector<Instance>& instances() const { return instances_; }

 private:
  Instance* find_mutable(InstanceId id);
  std::uint32_t& count_of(InstanceState state);
  void enter(Instance& instance, InstanceState state, TimePoint since);
  bool fails_by_itself(const Instance& instance) const;
  bool may_eject(ScaleReason reason, TimePoint now) const;

  FunctionSettings settings_;
  std::vector<Instance> instances_;  ///< by id, ascending
  InstanceCounts counts_;
  std::uint32_t suspects_ = 0;
  SurpriseLevel surprise_level_;
  double runs_ = 0, runs_failed_ = 0;  ///< forgotten by the newest few dozen
  std::vector<TimePoint> ejected_;     ///< in the last while
};

}  // namespace forewarm
