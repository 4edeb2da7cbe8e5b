#include "core/route/tenant_shares.h"

#include <algorithm>

namespace forewarm {
namespace {

constexpr std::uint16_t bit(std::size_t in_class) {
  return static_cast<std::uint16_t>(1U << in_class);
}

}  // namespace

void TenantShares::add(TenantId tenant, Priority in_class) {
  Tenant* known = tenants_.find(tenant);
  if (!known) known = &tenants_.insert(tenant, {tag_of_newcomer(tenant), 0});
  known->classes |= bit(in_class);
  by_tag_[in_class].insert({known->tag, tenant});
}

void TenantShares::remove(TenantId tenant, Priority in_class) {
  Tenant* known = tenants_.find(tenant);
  check(known != nullptr, "a tenant with messages is known");
  by_tag_[in_class].erase({known->tag, tenant});
  known->classes = static_cast<std::uint16_t>(known->classes & ~bit(in_class));
  if (known->classes != 0) return;
  const std::uint64_t tag = known->tag;
  tenants_.erase(tenant);
  remember(tenant, tag);
}

std::optional<TenantId> TenantShares::next(std::uint16_t classes) const {
  const Tagged* best = nullptr;
  for (std::size_t c = 0; c < kClassCount; ++c) {
    if ((classes & bit(c)) == 0) continue;
    const Tagged* first = by_tag_[c].first();
    if (first && (!best || *first < *best)) best = first;
  }
  if (!best) return std::nullopt;
  return best->tenant;
}

void TenantShares::serve(TenantId tenant) {
  Tenant* known = tenants_.find(tenant);
  check(known != nullptr, "a tenant with messages is known");
  virtual_time_ = std::max(virtual_time_, known->tag);
  const std::uint64_t tag = virtual_time_ + 1;
  for (std::size_t c = 0; c < kClassCount; ++c) {
    if ((known->classes & bit(c)) == 0) continue;
    by_tag_[c].erase({known->tag, tenant});
    by_tag_[c].insert({tag, tenant});
  }
  known->tag = tag;
  forget_past();
}

std::uint16_t TenantShares::classes_of(TenantId tenant) const {
  const Tenant* known = tenants_.find(tenant);
  return known ? known->classes : std::uint16_t{0};
}

std::uint64_t TenantShares::tag_of_newcomer(TenantId tenant) const {
  if (const std::uint64_t* tag = idle_.find(tenant)) return std::max(*tag, virtual_time_);
  return overflowed_at_ == virtual_time_ ? virtual_time_ + 1 : virtual_time_;
}

void TenantShares::remember(TenantId tenant, std::uint64_t tag) {
  if (tag <= virtual_time_) return;
  forget_past();
  if (std::uint64_t* known = idle_.find(tenant)) {
    if (*known == tag) return;
    *known = tag;
  } else if (idle_.size() >= kIdleMax) {
    overflowed_at_ = virtual_time_;
    return;
  } else {
    idle_.insert(tenant, tag);
  }
  idle_order_.push_back({tag, tenant});
}

void TenantShares::forget_past() {
  constexpr int kForgottenPerServe = 4;  // more than one serve can add, so what is past does go
  for (int n = 0; n < kForgottenPerServe && !idle_order_.empty(); ++n) {
    const Tagged oldest = idle_order_.front();
    if (oldest.tag > virtual_time_) return;
    idle_order_.pop_front();
    const std::uint64_t* tag = idle_.find(oldest.tenant);
    if (tag && *tag == oldest.tag) idle_.erase(oldest.tenant);
  }
}

}  // namespace forewarm
