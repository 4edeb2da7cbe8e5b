#include "core/retry/outage_evidence.h"

#include <algorithm>

#include "base/math.h"

namespace forewarm {
namespace {

// A new message fails: in an outage nearly always; after a bad message of the same tenant often, as batches
// go; of another tenant seldom.
constexpr double kInOutage = 0.95;
constexpr double kInBatch = 0.7;
constexpr double kBesideBatch = 0.35;
// The next message after a bad one is of the same batch, and not of whoever sends as usual.
constexpr double kSameBatch = 0.5;
constexpr double kSumMax = 10;
constexpr double kSumMin = -1;  // one message of another tenant undoes it

}  // namespace

void OutageEvidence::failed_first(TenantId tenant, const SenderShares* senders) {
  const std::uint64_t place = std::uint64_t{1} << place_of(tenant);
  if (failed_++ > 0) {
    if ((tenants_ & place) == 0) {
      sum_ += log(kInOutage / kBesideBatch);
    } else {
      const bool alone = tenants_ == place;  // where others' fail too it is no batch of one sender
      const double share = senders != nullptr && alone ? senders->share(tenants_) : 1;
      sum_ += log(kInOutage / kInBatch * share / (kSameBatch + (1 - kSameBatch) * share));
    }
  }
  sum_ = std::clamp(sum_, kSumMin, kSumMax);
  tenants_ |= place;
}

void OutageEvidence::succeeded_first() {
  tenants_ = 0;
  sum_ = 0;
  failed_ = 0;
}

double OutageEvidence::nats() const {
  return sum_ + log((recovered_ + 1.0) / (stayed_ + 1.0));
}

}  // namespace forewarm
