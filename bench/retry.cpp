// What predicted retries save in incidents, beside the best fixed maxReceiveCount and backoff, through the
// real core in a simulated world; and how true the odds are.
//   bench_retry [--seeds FIRST COUNT] [--outages SEEDS] [--threads COUNT] [--own-only] [--trace FILE]
// --outages: how many seeds' outages the drain ratio is the median of; these run without the fixed policies.
// --own-only leaves the fixed policies out, but for the patient exponential one.
// --trace: rows with queue, tenant, bytes, status and model (see docs/formats/trace.md); the odds of first
// attempts are learnt and scored in the order of the file.
#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "retry/first_attempts.h"
#include "retry/trial.h"

using namespace forewarm;

namespace {

namespace json = boost::json;

constexpr double kWronglyMax = 0.005;
/// Seeds that the policy was made with are below.
constexpr std::uint64_t kScoredFrom = 5001;
constexpr std::uint64_t kScored = 6;
constexpr std::uint64_t kOutagesScored = 20;
constexpr std::size_t kOutageKinds = 2;  // the first kinds of incidents
constexpr double kTenthMin = 200;

json::object score_json(const OddsScore& score) {
  json::array tenths;
  for (const auto& each : score.tenths()) {
    if (each.count == 0) continue;
    tenths.push_back(json::object{{"predicted", each.predicted / each.count},
                                  {"failed", each.failed / each.count},
                                  {"count", each.count}});
  }
  return {{"count", score.count()},
          {"brier_skill", score.skill()},
          {"auc", score.auc()},
          {"worst_tenth", score.worst_tenth(kTenthMin)},
          {"reliability", std::move(tenths)}};
}

json::object result_json(const TrialResult& result) {
  return {{"attempts", result.attempts},
          {"doomed", result.doomed},
          {"wrongly_dead_lettered_share", result.good > 0 ? result.wrongly_dead / result.good : 0},
          {"poison_dead_lettered_share", result.poison > 0 ? result.poison_dead / result.poison : 0}};
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

struct Totals {
  TrialResult all;
  std::map<IncidentKind, TrialResult> by_kind;
  std::vector<double> drains;  ///< of incidents that keep messages, in the order of the incidents

  void add(const Incident& incident, const TrialResult& result) {
    all.add(result);
    by_kind[incident.kind()].add(result);
    const bool outage =
        incident.kind() == IncidentKind::Outage || incident.kind() == IncidentKind::PartOutage;
    if (outage) drains.push_back(result.drain_seconds);
  }
  double wrongly() const { return all.wrongly_dead / all.good; }
};

/// Those of `mine` through `theirs`, outage by outage; both at least a second.
double drain_ratio(const Totals& mine, const Totals& theirs) {
  std::vector<double> ratios;
  ratios.reserve(mine.drains.size());
  for (std::size_t i = 0; i < mine.drains.size(); ++i)
    ratios.push_back(std::max(1.0, mine.drains[i]) / std::max(1.0, theirs.drains[i]));
  return median(ratios);
}

/// Does `work(i)` for each i below `count`, on as many threads.
void in_parallel(std::size_t threads, std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> pool;
  pool.reserve(threads);
  for (std::size_t n = 0; n < std::min(threads, count); ++n) {
    pool.emplace_back([&] {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    });
  }
}

Totals run_all(const std::vector<Incident>& incidents, const FixedPolicy* policy, std::size_t threads,
               bool upstream = false) {
  std::vector<TrialResult> results(incidents.size());
  in_parallel(threads, incidents.size(),
              [&](std::size_t i) { results[i] = run_trial(incidents[i], policy, upstream); });
  Totals totals;
  for (std::size_t i = 0; i < incidents.size(); ++i) totals.add(incidents[i], results[i]);
  return totals;
}

struct Best {
  std::size_t place = 0;
  Totals totals;
};

/// The policy with the fewest doomed attempts of those that lose few enough. One is given up where it has
/// lost too many or has more doomed attempts than another had in the end; both only grow.
std::optional<Best> best_fixed(const std::vector<Incident>& incidents,
                               const std::vector<FixedPolicy>& policies, double wrongly_max,
                               std::size_t threads) {
  std::mutex mutex;
  std::optional<Best> best;
  std::size_t done = 0;
  in_parallel(threads, policies.size(), [&](std::size_t place) {
    Totals totals;
    const char* why = "";
    for (const Incident& incident : incidents) {
      totals.add(incident, run_trial(incident, &policies[place]));
      const std::scoped_lock lock(mutex);
      if (totals.all.wrongly_dead > wrongly_max) why = ", given up: too many wrongly dead-lettered";
      if (best && totals.all.doomed > best->totals.all.doomed) why = ", given up: more than the best";
      if (*why != 0) break;
    }
    const std::scoped_lock lock(mutex);
    std::cerr << ++done << "/" << policies.size() << " " << policies[place].name() << ": doomed "
              << totals.all.doomed << ", wrongly " << totals.wrongly() << why << "\n";
    if (*why != 0) return;
    const bool same = best && totals.all.doomed == best->totals.all.doomed;
    if (!best || totals.all.doomed < best->totals.all.doomed || (same && place < best->place))
      best = Best{place, std::move(totals)};
  });
  return best;
}

std::vector<Incident> incidents_of(std::uint64_t first, std::uint64_t count, std::size_t kinds) {
  std::vector<Incident> incidents;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    for (std::size_t kind = 0; kind < kinds; ++kind)
      incidents.emplace_back(static_cast<IncidentKind>(kind), seed);
  }
  return incidents;
}

struct Scope {
  std::uint64_t first = kScoredFrom;
  std::uint64_t count = kScored;
  std::uint64_t outages = kOutagesScored;  ///< seeds whose outages are drained
  std::size_t threads = 2;
  bool own_only = false;
};

json::object compare(const Scope& scope) {
  const std::vector<Incident> incidents = incidents_of(scope.first, scope.count, kIncidentKinds);
  const Totals own = run_all(incidents, nullptr, scope.threads);
  const FixedPolicy patient = patient_exponential();
  std::cerr << "forewarm: doomed " << own.all.doomed << ", wrongly " << own.wrongly() << "\n";
  const std::vector<Incident> outages = incidents_of(scope.first, scope.outages, kOutageKinds);
  const Totals own_outages = run_all(outages, nullptr, scope.threads);
  const Totals told = run_all(outages, nullptr, scope.threads, true);
  const Totals patient_outages = run_all(outages, &patient, scope.threads);
  const std::vector<FixedPolicy> policies = scope.own_only ? std::vector<FixedPolicy>{} : fixed_policies();
  const std::optional<Best> best = best_fixed(incidents, policies, kWronglyMax * own.all.good, scope.threads);
  json::object by_kind;
  for (const auto& [kind, result] : own.by_kind) {
    json::object of_kind = result_json(result);
    if (best) of_kind["doomed_of_best_fixed"] = best->totals.by_kind.at(kind).doomed;
    by_kind[name_of(kind)] = std::move(of_kind);
  }
  const TrialResult& deploys = own.by_kind.at(IncidentKind::BadDeploy);
  json::object out{{"forewarm", result_json(own.all)},
                   {"best_fixed", nullptr},
                   {"doomed_saved", nullptr},
                   {"outages", own_outages.drains.size()},
                   {"drain_ratio_to_patient_exponential", drain_ratio(own_outages, patient_outages)},
                   {"with_upstream_signal",
                    json::object{{"doomed_saved", 1 - told.all.doomed / own_outages.all.doomed},
                                 {"drain_seconds_saved", 1 - sum(told.drains) / sum(own_outages.drains)},
                                 {"brier_skill", told.all.odds.skill()},
                                 {"brier_skill_without", own_outages.all.odds.skill()}}},
                   {"bad_deploy_dead_lettered_share", deploys.wrongly_dead / deploys.good},
                   {"odds", score_json(own.all.odds)},
                   {"odds_of_retries", score_json(own.all.retries)},
                   {"odds_at_best", score_json(own.all.best)},
                   {"odds_of_retries_at_best", score_json(own.all.best_of_retries)},
                   {"by_incident", std::move(by_kind)}};
  if (best) {
    out["best_fixed"] = result_json(best->totals.all);
    out["best_fixed"].as_object()["policy"] = policies[best->place].name();
    out["doomed_saved"] = 1 - own.all.doomed / best->totals.all.doomed;
    out["drain_ratio_to_best_fixed"] = drain_ratio(own, best->totals);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  Scope scope;
  std::string trace;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto number = [&] { return std::strtoull(argv[++i], nullptr, 10); };
    if (option == "--seeds" && i + 2 < argc) {
      scope.first = number();
      scope.count = number();
    } else if (option == "--outages" && i + 1 < argc) {
      scope.outages = number();
    } else if (option == "--threads" && i + 1 < argc) {
      scope.threads = std::max<std::size_t>(1, number());
    } else if (option == "--trace" && i + 1 < argc) {
      trace = argv[++i];
    } else if (option == "--own-only") {
      scope.own_only = true;
    } else {
      std::cerr
          << "usage: bench_retry [--seeds FIRST COUNT] [--outages SEEDS] [--threads COUNT] [--own-only] "
             "[--trace FILE.csv.gz]\n";
      return 2;
    }
  }
  json::object out{{"seeds", json::array{scope.first, scope.first + scope.count - 1}}};
  if (scope.count > 0) out["incidents"] = compare(scope);
  if (!trace.empty()) {
    const Result<OddsScore> score = score_first_attempts(trace);
    if (!score) {
      std::cerr << score.error().message << "\n";
      return 1;
    }
    out["first_attempts"] = score_json(*score);
  }
  std::cout << json::serialize(out) << "\n";
  return 0;
}
