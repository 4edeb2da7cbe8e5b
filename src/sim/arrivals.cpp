#include "sim/arrivals.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kArrivalsMax = 20'000'000;

class ArrivalList : public ArrivalSource {
 public:
  explicit ArrivalList(std::vector<Arrival> arrivals) : arrivals_(std::move(arrivals)) {
    check(std::ranges::is_sorted(arrivals_, {}, &Arrival::at), "arrivals ascend in time");
  }
  std::optional<Arrival> next() override {
    if (next_ == arrivals_.size()) return std::nullopt;
    return arrivals_[next_++];
  }

 private:
  std::vector<Arrival> arrivals_;
  std::size_t next_ = 0;
};

class Generator {
 public:
  Generator(const ArrivalPattern& pattern, Duration length, Random random, std::vector<Arrival>& out)
      : pattern_(pattern), length_(length), random_(random), out_(out) {}

  void run() {
    switch (pattern_.kind) {
      case PatternKind::Poisson:
        poisson();
        return;
      case PatternKind::Periodic:
        for (Duration at(0); at < length_; at += std::max(pattern_.period, Duration(1))) batch(at);
        return;
      case PatternKind::Bursts:
        poisson();
        for (Duration at = gap(seconds(pattern_.period)); at < length_; at += gap(seconds(pattern_.period)))
          batch(at);
        return;
      case PatternKind::Diurnal:
        diurnal();
        return;
    }
  }

 private:
  Duration gap(double mean) { return std::max(from_seconds(random_.exponential(mean)), Duration(1)); }

  void poisson() {
    if (pattern_.rate_per_second <= 0) return;
    const double mean = 1 / pattern_.rate_per_second;
    for (Duration at = gap(mean); at < length_; at += gap(mean)) add(at);
  }

  /// By thinning (Lewis and Shedler 1979): the rate is between 0 and twice the mean.
  void diurnal() {
    if (pattern_.rate_per_second <= 0) return;
    const double mean = 0.5 / pattern_.rate_per_second;
    for (Duration at = gap(mean); at < length_; at += gap(mean)) {
      const double phase = seconds(at % pattern_.period) / seconds(pattern_.period);
      // A parabola pair instead of a sine, which base/math does not have: within 6 % of it.
      const double half = phase < 0.5 ? phase * 2 : phase * 2 - 1;
      const double wave = 4 * half * (1 - half) * (phase < 0.5 ? 1 : -1);
      if (random_.chance(0.5 * (1 + 0.98 * wave))) add(at);
    }
  }

  void batch(Duration at) {
    for (std::uint32_t i = 0; i < pattern_.size; ++i) {
      add(at + from_seconds(random_.uniform() * seconds(pattern_.spread)));
    }
  }

  void add(Duration at) {
    if (at >= length_) return;
    check(out_.size() < kArrivalsMax, "a simulation has at most 20 million generated arrivals");
    Arrival arrival{.at = at, .queue = pattern_.queue};
    arrival.bytes = static_cast<std::uint32_t>(random_.below(2048));
    if (pattern_.tenants > 0) arrival.tenant = TenantId(1 + random_.below(pattern_.tenants));
    if (pattern_.groups > 0) arrival.group = GroupId(1 + random_.below(pattern_.groups));
    if (pattern_.urgent_share > 0 && random_.chance(pattern_.urgent_share)) arrival.priority = kPriorityMax;
    if (pattern_.delayed_share > 0 && random_.chance(pattern_.delayed_share)) {
      arrival.delay = from_seconds(random_.uniform() * seconds(pattern_.delay_max));
    }
    out_.push_back(arrival);
  }

  const ArrivalPattern& pattern_;
  Duration length_;
  Random random_;
  std::vector<Arrival>& out_;
};

}  // namespace

std::vector<Arrival> generate_arrivals(const std::vector<ArrivalPattern>& patterns, Duration length,
                                       std::uint64_t seed) {
  std::vector<Arrival> out;
  const Random random(seed);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    Generator(patterns[i], length, random.fork(i + 1), out).run();
  }
  std::ranges::sort(out, [](const Arrival& a, const Arrival& b) {
    return std::tie(a.at, a.queue, a.group, a.tenant, a.bytes) <
           std::tie(b.at, b.queue, b.group, b.tenant, b.bytes);
  });
  return out;
}

std::unique_ptr<ArrivalSource> make_arrival_list(std::vector<Arrival> arrivals) {
  return std::make_unique<ArrivalList>(std::move(arrivals));
}

}  // namespace forewarm
