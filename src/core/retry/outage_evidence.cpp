#include "core/retry/outage_evidence.h"

#include "base/math.h"
#include "base/random.h"

namespace forewarm {
namespace {

// A new message fails: in an outage nearly always; after a bad message of the same tenant often, as batches
// go; of another tenant seldom.
constexpr double kInOutage = 0.95;
constexpr double kInBatch = 0.7;
constexpr double kBesideBatch = 0.35;
constexpr double kSumMax = 10;

}  // namespace

void OutageEvidence::failed_first(TenantId tenant) {
  const std::uint64_t place = std::uint64_t{1} << (mix_bits(tenant.value()) % 64);
  if (failed_++ > 0) sum_ += log(kInOutage / ((tenants_ & place) != 0 ? kInBatch : kBesideBatch));
  if (sum_ > kSumMax) sum_ = kSumMax;
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
