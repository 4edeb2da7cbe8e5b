#include "core/forecast/demand/demand_forecast.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/math.h"
#include "core/forecast/demand/compound_work.h"
#include "core/forecast/quantile_set.h"

namespace forewarm {
namespace {

constexpr double kPoissonCountedMax = 256;  // above, Cornish and Fisher's expansion is within a hundredth
constexpr double kShareShown = 1e-6;

constexpr int kMomentsOfStep = 16;  // at which a step's messages arrive, for variances

/// The Poisson distribution by nodes.
NodeValues poisson_nodes(double mean) {
  NodeValues nodes{};
  if (mean <= 0) return nodes;
  if (mean > kPoissonCountedMax) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const double z = normal_quantile(kQuantileNodes[i].level);
      nodes[i] = std::max(0.0, mean + z * sqrt(mean) + (z * z - 1) / 6);
    }
    return nodes;
  }
  // Each node is the mean of its cell, so that the nodes' mean is the distribution's.
  std::vector<WeightedValue> counts;
  double probability = exp(-mean);
  const auto last = static_cast<int>(mean + 12 * sqrt(mean) + 12);
  for (int count = 0; count <= last; ++count) {
    if (probability > 0) counts.push_back({static_cast<double>(count), probability});
    probability *= mean / (count + 1);
  }
  return cut_into_nodes(counts);
}

/// A number of messages of which each counts with a chance of its own: the certain part of its mean, and the
/// rest as a Poisson number. Mean and variance are those of the sum of the chances.
struct Thinned {
  double certain = 0;
  double random = 0;

  void add(double messages, double chance) {
    certain += messages * chance * chance;
    random += messages * chance * (1 - chance);
  }
};

/// Quantiles of what is drawn together row by row.
class RowQuantiles {
 public:
  void add(const NodeValues& values, double weight, double shift = 0) {
    for (std::size_t i = 0; i < values.size(); ++i)
      sample_.push_back({shift + values[i], weight * kQuantileNodes[i].weight});
  }
  void add(const Thinned& thinned, double weight) {
    add(poisson_nodes(thinned.random), weight, thinned.certain);
  }
  void take(std::vector<float>& into) {
    append_row(weighted_quantiles(sample_), into);
    sample_.clear();
  }
  std::vector<WeightedValue>& sample() { return sample_; }

 private:
  std::vector<WeightedValue> sample_;
};

/// Arrivals by level and step, those before the forecast included.
class Arrivals {
 public:
  Arrivals(const Forecast& forecast, std::span<const float> before) : forecast_(forecast), before_(before) {
    double sum = 0, measured = 0;
    for (const float value : before) {
      if (!(value >= 0)) continue;
      sum += static_cast<double>(value);
      ++measured;
    }
    in_gaps_ = measured > 0 ? sum / measured : 0;
    for (std::size_t h = 0; h < forecast.horizon(); ++h) {
      for (const QuantileNode& node : kQuantileNodes) coming_.push_back(forecast.quantile(h, node.level));
    }
  }

  /// In the step `k` before row `h`, at a node.
  double at(std::size_t h, std::size_t k, std::size_t node) const {
    if (k <= h) return coming_[(h - k) * kQuantileNodes.size() + node];
    const std::size_t ago = k - h;
    if (ago > before_.size()) return 0;
    const float value = before_[before_.size() - ago];
    return value >= 0 ? static_cast<double>(value) : in_gaps_;
  }
  std::size_t horizon() const { return forecast_.horizon(); }

 private:
  const Forecast& forecast_;
  std::span<const float> before_;
  double in_gaps_ = 0;
  std::vector<double> coming_;
};

Thinned in_service(const Arrivals& arrivals, const ServiceOverlap& overlap, std::size_t h, std::size_t node,
                   double share) {
  Thinned thinned;
  for (std::size_t k = 0; k < overlap.in_service.size(); ++k) {
    if (const double messages = arrivals.at(h, k, node); messages > 0)
      thinned.add(messages, share * overlap.in_service[k]);
  }
  return thinned;
}

/// Steps of time that all messages together are in service in row `h`.
NodeValues time_in_service(const Arrivals& arrivals, const ServiceOverlap& overlap, const CompoundWork& work,
                           std::size_t h, std::size_t node) {
  double mean = 0, variance = 0, messages = 0;
  for (std::size_t k = 0; k < overlap.in_service.size(); ++k) {
    const double came = arrivals.at(h, k, node);
    mean += came * overlap.in_service[k];
    variance += came * overlap.variance[k];
    // As many whole contributions as have this spread are as skewed as the service times are; more are less.
    messages += came * std::min(1.0, overlap.in_service[k] / overlap.in_service[0]);
  }
  return spread_by(work.shape_of(messages), mean, sqrt(variance));
}

/// Memory of the instances that hold each number of messages in `row`. A part of a message is a whole one
/// that often.
void take_memory(std::span<const WeightedValue> row, const WorkProfile& profile, std::vector<float>& into) {
  std::vector<WeightedValue> sample;
  const NodeValues memory = cut_into_nodes(profile.instance_memory_bytes);
  const auto add = [&](double messages, double weight) {
    const double instances = std::ceil(messages / std::max(1U, profile.messages_per_instance) - 1e-9);
    // Every third node: memory varies little, and there are many rows.
    for (std::size_t i = 1; i < memory.size(); i += 3) {
      const double cells =
          kQuantileNodes[i - 1].weight + kQuantileNodes[i].weight + kQuantileNodes[i + 1].weight;
      sample.push_back({instances * memory[i], weight * cells});
    }
  };
  for (const WeightedValue& held : row) {
    const double whole = std::floor(held.value + 1e-9);
    const double part = std::max(0.0, held.value - whole);
    if (part < 1) add(whole, held.weight * (1 - part));
    if (part > 0) add(whole + 1, held.weight * part);
  }
  append_row(weighted_quantiles(sample), into);
}

void add_work(const Arrivals& arrivals, const ServiceOverlap& overlap, const WorkProfile& profile,
              DemandForecast& demand) {
  const CompoundWork work(profile.service_seconds);
  RowQuantiles row;
  for (std::size_t h = 0; h < arrivals.horizon(); ++h) {
    for (std::size_t node = 0; node < kQuantileNodes.size(); ++node)
      row.add(work.sum_of(arrivals.at(h, 0, node)), kQuantileNodes[node].weight);
    row.take(demand.work_seconds);
    if (std::isfinite(profile.cores_per_service)) {
      for (std::size_t node = 0; node < kQuantileNodes.size(); ++node) {
        NodeValues cores = time_in_service(arrivals, overlap, work, h, node);
        for (double& value : cores) value *= profile.cores_per_service;
        row.add(cores, kQuantileNodes[node].weight);
      }
      row.take(demand.cores);
    }
    for (std::size_t node = 0; node < kQuantileNodes.size(); ++node)
      row.add(in_service(arrivals, overlap, h, node, 1), kQuantileNodes[node].weight);
    if (!profile.instance_memory_bytes.empty()) take_memory(row.sample(), profile, demand.memory_bytes);
    row.take(demand.concurrency);
  }
}

DemandForecast::OfPriority of_priority(const Arrivals& arrivals, const ServiceOverlap& overlap,
                                       const WorkProfile::Share& share) {
  DemandForecast::OfPriority result;
  result.share = share.mean;
  // Three points with a normal distribution's first five moments (Gauss and Hermite).
  constexpr double kNodesOfShare[][2] = {
      {-1.7320508075688772, 1. / 6}, {0, 2. / 3}, {1.7320508075688772, 1. / 6}};
  RowQuantiles messages, busy;
  for (std::size_t h = 0; h < arrivals.horizon(); ++h) {
    for (const auto& [deviations, likelihood] : kNodesOfShare) {
      const double part = std::clamp(share.mean + deviations * share.spread, 0.0, 1.0);
      for (std::size_t node = 0; node < kQuantileNodes.size(); ++node) {
        const double weight = likelihood * kQuantileNodes[node].weight;
        Thinned arriving;
        arriving.add(arrivals.at(h, 0, node), part);
        messages.add(arriving, weight);
        if (!overlap.in_service.empty()) busy.add(in_service(arrivals, overlap, h, node, part), weight);
      }
    }
    messages.take(result.messages);
    if (!overlap.in_service.empty()) busy.take(result.concurrency);
  }
  return result;
}

}  // namespace

ServiceOverlap service_overlap(std::span<const WeightedValue> service_seconds, double step_seconds) {
  ServiceOverlap overlap;
  double weight = 0, longest = 0;
  for (const WeightedValue& service : service_seconds) {
    weight += service.weight;
    longest = std::max(longest, service.value / step_seconds);
  }
  if (!(weight > 0)) return overlap;
  const std::size_t steps = std::min(kOverlapMax, static_cast<std::size_t>(std::min(longest, 1e9)) + 2);
  overlap.in_service.assign(steps, 0);
  overlap.variance.assign(steps, 0);
  const NodeValues services = cut_into_nodes(service_seconds);
  for (std::size_t node = 0; node < services.size(); ++node) {
    const double service = services[node] / step_seconds;
    for (int moment = 0; moment < kMomentsOfStep; ++moment) {
      const double left = (moment + 0.5) / kMomentsOfStep;  // of the step in which it arrives
      const double likely = kQuantileNodes[node].weight / kMomentsOfStep;
      double done = 0;
      for (std::size_t k = 0; k < steps && done < service; ++k) {
        const double until = std::min(service, left + static_cast<double>(k));
        overlap.in_service[k] += likely * (until - done);
        overlap.variance[k] += likely * (until - done) * (until - done);
        done = until;
      }
    }
  }
  for (std::size_t k = 0; k < steps; ++k)
    overlap.variance[k] = std::max(0.0, overlap.variance[k] - overlap.in_service[k] * overlap.in_service[k]);
  return overlap;
}

DemandForecast demand_forecast(const Forecast& forecast, std::span<const float> before,
                               const WorkProfile& profile) {
  DemandForecast demand;
  demand.start = forecast.start;
  demand.step = forecast.step;
  const Arrivals arrivals(forecast, before);
  const ServiceOverlap overlap = service_overlap(profile.service_seconds, seconds(forecast.step));
  if (!overlap.in_service.empty()) add_work(arrivals, overlap, profile, demand);
  const auto present = std::ranges::count_if(
      profile.priorities, [](const WorkProfile::Share& share) { return share.mean > kShareShown; });
  if (present < 2) return demand;
  for (std::size_t priority = 0; priority < profile.priorities.size(); ++priority) {
    if (profile.priorities[priority].mean <= kShareShown) continue;
    demand.priorities.push_back(of_priority(arrivals, overlap, profile.priorities[priority]));
    demand.priorities.back().priority = static_cast<Priority>(priority);
  }
  return demand;
}

}  // namespace forewarm
