#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/id_map.h"
#include "core/model/ids.h"
#include "core/model/message.h"
#include "core/route/ordered_set.h"

namespace forewarm {

inline constexpr std::size_t kClassCount = kPriorityMax + 1;

/// Which tenant is next: they take turns, whoever is served or new goes to the end of the line. Where every
/// message costs one, this is what self-clocked fair queueing (Golestani 1994) comes to.
///
/// Start-time fair queueing would let newcomers into the current round: shorter waits for them, but a stream
/// of ever new tenants starves the others, and tenants that have just gone have to be remembered. A tenant
/// has one turn for all its classes, so that it gains nothing by spreading its messages over them; a turn
/// that it could not use while others went first by class is not paid back in a burst.
class TenantShares {
 public:
  /// The tenant has its first message in this class.
  void add(TenantId tenant, Priority in_class);
  /// The tenant has no more messages in this class.
  void remove(TenantId tenant, Priority in_class);
  /// The tenant to serve next among those with messages in the classes of the mask; with `after`, the one
  /// whose turn is next behind that tenant's.
  std::optional<TenantId> next(std::uint16_t classes, std::optional<TenantId> after = {}) const;
  /// Its message is taken.
  void serve(TenantId tenant);

  /// The classes in which the tenant has messages, as bits.
  std::uint16_t classes_of(TenantId tenant) const;
  /// Those with messages; the others are forgotten.
  std::size_t tenants() const { return tenants_.size(); }

 private:
  struct Turn {
    std::uint64_t number = 0;
    TenantId tenant;
    friend auto operator<=>(const Turn&, const Turn&) = default;
  };
  struct Tenant {
    std::uint64_t turn = 0;
    std::uint16_t classes = 0;
  };

  std::uint64_t last_turn_ = 0;
  IdMap<TenantId, Tenant> tenants_;
  OrderedSet<Turn> by_turn_[kClassCount];
};

}  // namespace forewarm
