#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/model/ids.h"

namespace forewarm {

/// Tenants by hash: sixty-four places, which tenants may share.
std::size_t place_of(TenantId tenant);

/// Whose messages a function is known to have done: how much of its traffic each tenant is. Failures are not
/// counted, since a batch of bad messages would make its sender the usual one. Forgets by halves.
class SenderShares {
 public:
  void succeeded(TenantId tenant);
  /// The share, 0..1, of a set of tenants, a bit for each place. Before anything has succeeded the queue's
  /// only sender is whoever is not named; one who is named is one of several.
  double share(std::uint64_t tenants) const;

 private:
  std::array<std::uint16_t, 64> done_{};
  std::uint32_t all_ = 0;
};

}  // namespace forewarm
