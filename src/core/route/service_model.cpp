#include "core/route/service_model.h"

#include <algorithm>

#include "base/math.h"

namespace forewarm {

void ServiceModel::configure(const std::vector<FunctionVariant>& variants) {
  memory_.configure(variants);
  const std::size_t count = std::clamp<std::size_t>(variants.size(), 1, kVariantsMax);
  std::vector<std::uint64_t> sizes(count, 1);
  for (std::size_t v = 0; v < variants.size() && v < count; ++v)
    sizes[v] = std::max<std::uint64_t>(1, variants[v].memory_bytes);
  if (sizes == sizes_) return;
  sizes_ = std::move(sizes);
  std::vector<double> priors(count, 0);
  for (std::size_t v = 0; v < count; ++v)
    priors[v] = log(static_cast<double>(sizes_[0]) / static_cast<double>(sizes_[v]));
  time_.configure(priors);
}

ServiceModel::Prediction ServiceModel::predict(std::uint16_t variant, MessageClass message) const {
  return {time_.predict(variant, message)};
}

ServiceModel::Surprise ServiceModel::observe(std::uint16_t variant, MessageClass message, Duration service) {
  return time_.observe(variant, message, log(std::max(seconds(service), 1e-6)));
}

void ServiceModel::remember(FunctionMemory& to) const {
  to.service = time_.memory();
  memory_.remember(to);
}

bool ServiceModel::restore(const FunctionMemory& from, bool same_variants) {
  const std::size_t variants_then = from.variant_bytes.size();
  const bool possible = !known() && memory_.measured() == 0 && variants_then >= 1 &&
                        variants_then <= kVariantsMax &&
                        PooledLog::could_be_learnt(from.service, variants_then) &&
                        MemoryModel::could_be_learnt(from, variants_then);
  if (!possible) return false;
  time_.restore(from.service, same_variants);
  memory_.restore(from, same_variants);
  return true;
}

bool ServiceModel::outgrows(std::uint16_t variant, MessageClass message) const {
  if (variants() < 2) return false;
  return memory_.outgrows(variant, message, time_.predict(variant, message).evidence);
}

}  // namespace forewarm
