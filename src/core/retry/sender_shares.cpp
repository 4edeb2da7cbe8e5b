#include "core/retry/sender_shares.h"

#include "base/random.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kDoneMax = 4000;
constexpr double kGuessWorth = 2;  // messages
constexpr double kNamedGuess = 0.5;

}  // namespace

std::size_t place_of(TenantId tenant) {
  return mix_bits(tenant.value()) % 64;
}

void SenderShares::succeeded(TenantId tenant) {
  ++done_[place_of(tenant)];
  if (++all_ < kDoneMax) return;
  all_ = 0;
  for (std::uint16_t& each : done_) all_ += each /= 2;
}

double SenderShares::share(std::uint64_t tenants) const {
  double done = 0;
  for (std::size_t place = 0; place < done_.size(); ++place) {
    if ((tenants >> place & 1U) != 0) done += done_[place];
  }
  const bool unnamed = (tenants >> place_of(TenantId{}) & 1U) != 0;
  return (done + kGuessWorth * (unnamed ? 1 : kNamedGuess)) / (all_ + kGuessWorth);
}

}  // namespace forewarm
