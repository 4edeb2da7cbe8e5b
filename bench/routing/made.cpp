#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "base/math.h"
#include "base/random.h"
#include "routing/cases.h"
#include "routing/ours.h"
#include "routing/peers.h"
#include "routing/rows.h"

namespace forewarm::bench {
namespace {

constexpr Duration kLength = 2h;
constexpr Duration kWarmUp = 40min;
constexpr std::uint64_t kMebibyte = 1ULL << 20;

/// Poisson arrivals of one kind, appended.
void add(std::vector<Arrival>& to, Random random, double per_second, Duration from, Duration until,
         double median_seconds, double sigma, const Arrival& like) {
  double at = seconds(from) + random.exponential(1 / per_second);
  while (at < seconds(until)) {
    Arrival arrival = like;
    arrival.at = from_seconds(at);
    arrival.service_time = from_seconds(random.log_normal(log(median_seconds), sigma));
    to.push_back(arrival);
    at += random.exponential(1 / per_second);
  }
}

void sort(std::vector<Arrival>& arrivals) {
  std::ranges::stable_sort(arrivals, {}, &Arrival::at);
}

PeerOptions peer(PeerPolicy policy, std::vector<std::uint16_t> variants,
                 std::function<Duration(const SimulatedWork&)> work, std::uint64_t seed) {
  return {.policy = policy, .variants = std::move(variants), .work_time = std::move(work), .seed = seed};
}

// (a) ---------------------------------------------------------------------------------------------------

constexpr std::uint32_t kBig = 200'000;
constexpr double kLargeFaster = 4;

Duration by_variant(const SimulatedWork& work) {
  const bool helps = work.variant == 1 && work.bytes >= kBig;
  return helps ? from_seconds(seconds(work.service_time) / kLargeFaster) : work.service_time;
}

std::vector<Arrival> bimodal(std::uint64_t seed) {
  const Random random(seed);
  std::vector<Arrival> arrivals;
  add(arrivals, random.fork(1), 40, Duration(0), kLength, 0.04, 0.4, {.bytes = 1'000});
  add(arrivals, random.fork(2), 4, Duration(0), kLength, 1.2, 0.4, {.bytes = kBig});
  sort(arrivals);
  return arrivals;
}

std::vector<std::uint16_t> pool_of(std::size_t small, std::size_t large) {
  std::vector<std::uint16_t> variants(small, 0);
  variants.insert(variants.end(), large, 1);
  return variants;
}

bool variants_case(std::uint64_t seed) {
  const std::vector<FunctionVariant> variants = {{512 * kMebibyte}, {1024 * kMebibyte}};
  const std::vector<Arrival> arrivals = bimodal(seed);
  OurOptions options{.variants = variants, .instances = 8, .work_time = by_variant, .seed = seed};
  const OurRun ours = run_ours(arrivals, options, kWarmUp, kLength);
  const std::vector<Served> met = scored(ours.served, kWarmUp, kLength);
  boost::json::object row = row_of("variants", "forewarm", met);
  row["gigabyte_seconds"] = ours.gigabyte_seconds;
  print(row);

  // The same memory in any mix of the two; which is best is decided by other messages than are scored.
  const double memory = ours.gigabyte_seconds / seconds(kLength - kWarmUp);
  const std::vector<Arrival> others = bimodal(mix_bits(seed));
  double least_loaded = 0;
  for (const PeerPolicy policy : {PeerPolicy::LeastLoaded, PeerPolicy::Fifo, PeerPolicy::RoundRobin}) {
    std::optional<std::vector<std::uint16_t>> best;
    double best_p99 = 0;
    for (std::size_t large = 0; static_cast<double>(large) <= memory + 0.01; ++large) {
      const auto small = static_cast<std::size_t>((memory + 0.01 - static_cast<double>(large)) / 0.5);
      const PeerOptions tried = peer(policy, pool_of(small, large), by_variant, seed);
      if (tried.variants.empty()) continue;
      const double p99 = response_p99(scored(run_peer(others, tried), kWarmUp, kLength));
      if (!best || p99 < best_p99) best = tried.variants;
      best_p99 = best == tried.variants ? p99 : best_p99;
    }
    const std::vector<Served> theirs =
        scored(run_peer(arrivals, peer(policy, *best, by_variant, seed)), kWarmUp, kLength);
    const char* name = policy == PeerPolicy::LeastLoaded ? "least_loaded"
                       : policy == PeerPolicy::Fifo      ? "fifo"
                                                         : "round_robin";
    boost::json::object peers = row_of("variants", name, theirs);
    peers["large"] = std::ranges::count(*best, std::uint16_t{1});
    peers["small"] = std::ranges::count(*best, std::uint16_t{0});
    print(peers);
    if (policy == PeerPolicy::LeastLoaded) least_loaded = response_p99(theirs);
  }
  // Also beside the very instances that ours has, spread by load.
  const auto large =
      static_cast<std::size_t>(std::llround(ours.variant_seconds[1] / seconds(kLength - kWarmUp)));
  const std::vector<Served> same =
      scored(run_peer(arrivals, peer(PeerPolicy::LeastLoaded,
                                     pool_of(8 - std::min<std::size_t>(8, large), large), by_variant, seed)),
             kWarmUp, kLength);
  print(row_of("variants", "least_loaded_same_pool", same));
  const double best_ratio = response_p99(met) / least_loaded;
  const bool met_best =
      print_bar("variants: response p99 to least-loaded in its best pool of equal cost", best_ratio, 0.7);
  return print_bar("variants: response p99 to least-loaded in the same pool",
                   response_p99(met) / response_p99(same), 0.7) &&
         met_best;
}

// (b) ---------------------------------------------------------------------------------------------------

bool slowed_case(std::uint64_t seed) {
  std::vector<Arrival> arrivals;
  add(arrivals, Random(seed).fork(3), 42, Duration(0), kLength, 0.1, 0.5, {.bytes = 1'000});
  const auto slowed = [](const SimulatedWork& work) {
    const bool slow = work.instance == InstanceId(3) && work.at >= time_point_us(0) + kLength / 2;
    return slow ? work.service_time * 10 : work.service_time;
  };
  const auto healthy = [](const SimulatedWork& work) { return work.service_time; };
  const auto half = [](const std::vector<Served>& served) { return scored(served, kLength / 2, kLength); };

  OurOptions options{.instances = 8, .work_time = slowed, .seed = seed};
  const OurRun ours = run_ours(arrivals, options, Duration(0), kLength);
  options.work_time = healthy;
  const OurRun quiet = run_ours(arrivals, options, Duration(0), kLength);
  options.instances = 7;
  const OurRun seven = run_ours(arrivals, options, Duration(0), kLength);
  boost::json::object row = row_of("slowed", "forewarm", half(ours.served));
  row["replaced"] = ours.slow_stops;
  print(row);
  print(row_of("slowed", "forewarm_seven_healthy", half(seven.served)));
  row = row_of("slowed", "forewarm_eight_healthy", half(quiet.served));
  row["replaced"] = quiet.slow_stops;
  print(row);
  for (const auto& [name, policy] :
       std::map<std::string, PeerPolicy>{{"fifo", PeerPolicy::Fifo},
                                         {"least_loaded", PeerPolicy::LeastLoaded},
                                         {"round_robin", PeerPolicy::RoundRobin}}) {
    print(row_of("slowed", name,
                 half(run_peer(arrivals, peer(policy, std::vector<std::uint16_t>(8, 0), slowed, seed)))));
  }
  const double alarms = 1e5 * static_cast<double>(quiet.slow_stops) /
                        static_cast<double>(std::max<std::uint64_t>(1, quiet.runs));
  const bool few = print_bar("slowed: healthy instances replaced, in 100,000 runs", alarms, 1);
  return print_bar("slowed: response p99 to seven healthy ones",
                   response_p99(half(ours.served)) / response_p99(half(seven.served)), 1.5) &&
         few;
}

// (c) ---------------------------------------------------------------------------------------------------

bool noisy_case(std::uint64_t seed) {
  constexpr std::uint64_t kTenants = 8;
  constexpr Duration kBegin = 30min, kEnd = 40min, kAll = 1h;
  std::vector<Arrival> arrivals;
  for (std::uint64_t tenant = 1; tenant < kTenants; ++tenant)
    add(arrivals, Random(seed).fork(10 + tenant), 5, Duration(0), kAll, 0.1, 0.5,
        {.tenant = TenantId(tenant)});
  add(arrivals, Random(seed).fork(10), 70, kBegin, kEnd, 0.1, 0.5, {.tenant = TenantId(kTenants)});
  sort(arrivals);
  OurOptions options{.instances = 8, .seed = seed};
  double with = 0, quiet_with = 0, quiet_without = 0;
  for (const bool classes : {true, false}) {
    options.classes = classes;
    const OurRun run = run_ours(arrivals, options, Duration(0), kAll);
    std::vector<double> asked(kTenants), got(kTenants);
    double all = 0;
    std::vector<Served> quiet;
    for (std::size_t i = 0; i < run.served.size(); ++i) {
      const Served& one = run.served[i];
      const std::size_t tenant = arrivals[i].tenant.value() - 1;
      const double service = seconds(one.end - one.start);
      if (one.due >= kBegin && one.due < kEnd) asked[tenant] += service;
      if (one.start >= kBegin && one.start < kEnd) got[tenant] += service;
      if (one.start >= kBegin && one.start < kEnd) all += service;
      if (one.due >= kBegin && one.due < kEnd && tenant + 1 < kTenants) quiet.push_back(one);
    }
    const std::vector<double> fair = max_min_shares(asked, all);
    for (std::size_t t = 0; t < kTenants; ++t) got[t] /= std::max(fair[t], 1e-9);
    boost::json::object row = row_of("noisy", classes ? "forewarm" : "forewarm_without_tenants", quiet);
    row["jain"] = jain(got);
    print(row);
    if (classes) with = jain(got);
    (classes ? quiet_with : quiet_without) = wait_p99(quiet);
  }
  const bool spared = print_bar("noisy: the quiet tenants' wait p99 with tenants to without",
                                quiet_with / quiet_without, 0.5);
  return print_bar("noisy: Jain's index of service to the max-min fair share", with, 0.95, true) && spared;
}

// (d) ---------------------------------------------------------------------------------------------------

bool classes_case(std::uint64_t seed) {
  constexpr Duration kAll = 1h;
  std::vector<Arrival> arrivals;
  const Random random(seed);
  add(arrivals, random.fork(20), 10, Duration(0), kAll, 0.1, 0.5, {.priority = 8, .objective = 200ms});
  add(arrivals, random.fork(21), 20, Duration(0), kAll, 0.1, 0.5, {.priority = 4, .objective = 1s});
  add(arrivals, random.fork(22), 20, Duration(0), kAll, 0.1, 0.5, {.priority = 1, .objective = 1min});
  // For ten minutes 30 % more comes than eight instances can do.
  add(arrivals, random.fork(23), 32, 20min, 30min, 0.1, 0.5, {.priority = 4, .objective = 1s});
  sort(arrivals);
  OurOptions options{.instances = 8, .seed = seed};
  double urgent = 0, longest = 0;
  for (const bool classes : {true, false}) {
    options.classes = classes;
    const std::vector<Served> met = scored(run_ours(arrivals, options, Duration(0), kAll).served, 1min, kAll);
    boost::json::object row = row_of("classes", classes ? "forewarm" : "forewarm_fifo", met);
    add_classes(row, met);
    print(row);
    if (!classes) continue;
    std::vector<Served> high;
    for (const Served& one : met) {
      if (one.priority == 8) high.push_back(one);
      if (one.priority == 1) longest = std::max(longest, one.wait());
    }
    urgent = wait_p99(high);
  }
  const PeerOptions turns = peer(
      PeerPolicy::RoundRobin, std::vector<std::uint16_t>(8, 0),
      [](const SimulatedWork& work) { return work.service_time; }, seed);
  const std::vector<Served> theirs = scored(run_peer(arrivals, turns), 1min, kAll);
  boost::json::object row = row_of("classes", "round_robin", theirs);
  add_classes(row, theirs);
  print(row);
  const bool fast = print_bar("classes: wait p99 of the highest class under overload, seconds", urgent, 0.2);
  // Seven classes up to the urgent one, 30 s each; from then on it takes its turn with them.
  return print_bar("classes: longest wait of the lowest class, seconds", longest, 600) && fast;
}

}  // namespace

bool run_made_cases(std::uint64_t seed) {
  const bool a = variants_case(seed);
  const bool b = slowed_case(seed);
  const bool c = noisy_case(seed);
  const bool d = classes_case(seed);
  return a && b && c && d;
}

}  // namespace forewarm::bench
