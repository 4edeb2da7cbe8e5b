#include "core/route/tenant_shares.h"

#include "base/check.h"

namespace forewarm {
namespace {

constexpr std::uint16_t bit(std::size_t in_class) {
  return static_cast<std::uint16_t>(1U << in_class);
}

}  // namespace

void TenantShares::add(TenantId tenant, Priority in_class) {
  Tenant* known = tenants_.find(tenant);
  if (!known) known = &tenants_.insert(tenant, {++last_turn_, 0});
  known->classes |= bit(in_class);
  by_turn_[in_class].insert({known->turn, tenant});
}

void TenantShares::remove(TenantId tenant, Priority in_class) {
  Tenant* known = tenants_.find(tenant);
  check(known != nullptr, "a tenant with messages is known");
  by_turn_[in_class].erase({known->turn, tenant});
  known->classes = static_cast<std::uint16_t>(known->classes & ~bit(in_class));
  if (known->classes == 0) tenants_.erase(tenant);
}

std::optional<TenantId> TenantShares::next(std::uint16_t classes, std::optional<TenantId> after) const {
  const Tenant* before = after ? tenants_.find(*after) : nullptr;
  const Turn* best = nullptr;
  for (std::size_t c = 0; c < kClassCount; ++c) {
    if ((classes & bit(c)) == 0) continue;
    const Turn* first =
        before == nullptr ? by_turn_[c].first() : by_turn_[c].at_or_after({before->turn + 1, TenantId{}});
    if (first && (!best || *first < *best)) best = first;
  }
  if (!best) return std::nullopt;
  return best->tenant;
}

void TenantShares::serve(TenantId tenant) {
  Tenant* known = tenants_.find(tenant);
  check(known != nullptr, "a tenant with messages is known");
  const std::uint64_t turn = ++last_turn_;
  for (std::size_t c = 0; c < kClassCount; ++c) {
    if ((known->classes & bit(c)) == 0) continue;
    by_turn_[c].erase({known->turn, tenant});
    by_turn_[c].insert({turn, tenant});
  }
  known->turn = turn;
}

std::uint16_t TenantShares::classes_of(TenantId tenant) const {
  const Tenant* known = tenants_.find(tenant);
  return known ? known->classes : std::uint16_t{0};
}

}  // namespace forewarm
