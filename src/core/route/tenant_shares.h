#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/id_map.h"
#include "core/model/ids.h"
#include "core/model/message.h"
#include "core/route/ordered_set.h"

namespace forewarm {

inline constexpr std::size_t kClassCount = kPriorityMax + 1;

/// Which tenant is next: start-time fair queueing (Goyal, Vin and Cheng 1996) where every message costs one.
///
/// A tenant's tag is the virtual time at which its next message starts; virtual time is the tag of the latest
/// served. One tag counts for all classes, so that a tenant gains nothing by spreading its messages over
/// them. A tag behind the virtual time is worth no more than the virtual time: what a tenant could not use
/// while others went first by class is not paid back in a burst.
class TenantShares {
 public:
  /// Idle tenants that are remembered because they were served in this round; one more, and newcomers wait a
  /// round.
  static constexpr std::size_t kIdleMax = 1024;

  /// The tenant has its first message in this class.
  void add(TenantId tenant, Priority in_class);
  /// The tenant has no more messages in this class.
  void remove(TenantId tenant, Priority in_class);
  /// The tenant to serve next among those with messages in the classes of the mask.
  std::optional<TenantId> next(std::uint16_t classes) const;
  /// Its message is taken.
  void serve(TenantId tenant);

  /// The classes in which the tenant has messages, as bits.
  std::uint16_t classes_of(TenantId tenant) const;
  std::size_t tenants() const { return tenants_.size(); }
  std::size_t idle_tenants() const { return idle_.size(); }

 private:
  struct Tagged {
    std::uint64_t tag = 0;
    TenantId tenant;
    friend auto operator<=>(const Tagged&, const Tagged&) = default;
  };
  struct Tenant {
    std::uint64_t tag = 0;
    std::uint16_t classes = 0;
  };

  std::uint64_t tag_of_newcomer(TenantId tenant) const;
  void remember(TenantId tenant, std::uint64_t tag);
  void forget_past();

  std::uint64_t virtual_time_ = 0;
  std::uint64_t overflowed_at_ =
      ~std::uint64_t{0};                 ///< the virtual time at which an idle tenant was not remembered
  IdMap<TenantId, Tenant> tenants_;      ///< those with messages
  IdMap<TenantId, std::uint64_t> idle_;  ///< those without, whose tag is still ahead
  std::deque<Tagged> idle_order_;        ///< the same, by tag
  OrderedSet<Tagged> by_tag_[kClassCount];
};

}  // namespace forewarm
