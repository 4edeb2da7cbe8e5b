// What predicted retries save in incidents, beside the best fixed maxReceiveCount and backoff, through the
// real core in a simulated world; and how true the odds are.
//   bench_retry [--seeds FIRST COUNT] [--own-only] [--trace FILE]
// --own-only leaves the fixed policies out, but for the patient exponential one.
// --trace: rows with queue, tenant, bytes, status and model (see docs/formats/trace.md); the odds of first
// attempts are learnt and scored in the order of the file.
#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "retry/first_attempts.h"
#include "retry/trial.h"

using namespace forewarm;

namespace {

namespace json = boost::json;

constexpr double kWronglyMax = 0.005;
/// Seeds that the policy was made with are below.
constexpr std::uint64_t kScoredFrom = 5001;
constexpr std::uint64_t kScored = 4;
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
  for (std::size_t i = 0; i < mine.drains.size(); ++i)
    ratios.push_back(std::max(1.0, mine.drains[i]) / std::max(1.0, theirs.drains[i]));
  return median(ratios);
}

/// Stops where so many are wrongly dead-lettered that the rest does not matter; `wrongly_max` below 0: never.
Totals run_all(const std::vector<Incident>& incidents, const FixedPolicy* policy, double wrongly_max = -1) {
  Totals totals;
  for (const Incident& incident : incidents) {
    totals.add(incident, run_trial(incident, policy));
    if (wrongly_max >= 0 && totals.all.wrongly_dead > wrongly_max) break;
  }
  return totals;
}

json::object compare(const std::vector<Incident>& incidents, bool own_only) {
  const Totals own = run_all(incidents, nullptr);
  std::cerr << "forewarm done\n";
  const FixedPolicy patient = patient_exponential();
  const Totals patient_totals = run_all(incidents, &patient);
  const FixedPolicy* best = nullptr;
  Totals best_totals;
  const std::vector<FixedPolicy> policies = own_only ? std::vector<FixedPolicy>{} : fixed_policies();
  for (const FixedPolicy& policy : policies) {
    Totals totals = run_all(incidents, &policy, kWronglyMax * own.all.good);
    std::cerr << policy.name() << ": doomed " << totals.all.doomed << ", wrongly " << totals.wrongly()
              << "\n";
    if (totals.wrongly() > kWronglyMax || (best != nullptr && totals.all.doomed >= best_totals.all.doomed))
      continue;
    best = &policy;
    best_totals = std::move(totals);
  }
  json::object by_kind;
  for (const auto& [kind, result] : own.by_kind) {
    json::object of_kind = result_json(result);
    of_kind["doomed_of_patient_exponential"] = patient_totals.by_kind.at(kind).doomed;
    if (best != nullptr) of_kind["doomed_of_best_fixed"] = best_totals.by_kind.at(kind).doomed;
    by_kind[name_of(kind)] = std::move(of_kind);
  }
  const TrialResult& deploys = own.by_kind.at(IncidentKind::BadDeploy);
  json::object out{{"forewarm", result_json(own.all)},
                   {"best_fixed", nullptr},
                   {"doomed_saved", nullptr},
                   {"patient_exponential", result_json(patient_totals.all)},
                   {"drain_ratio_to_patient_exponential", drain_ratio(own, patient_totals)},
                   {"bad_deploy_dead_lettered_share", deploys.wrongly_dead / deploys.good},
                   {"odds", score_json(own.all.odds)},
                   {"odds_of_retries", score_json(own.all.retries)},
                   {"by_incident", std::move(by_kind)}};
  if (best != nullptr) {
    out["best_fixed"] = result_json(best_totals.all);
    out["best_fixed"].as_object()["policy"] = best->name();
    out["doomed_saved"] = 1 - own.all.doomed / best_totals.all.doomed;
    out["drain_ratio_to_best_fixed"] = drain_ratio(own, best_totals);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = kScoredFrom;
  std::uint64_t count = kScored;
  std::string trace;
  bool own_only = false;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--seeds" && i + 2 < argc) {
      first = std::strtoull(argv[++i], nullptr, 10);
      count = std::strtoull(argv[++i], nullptr, 10);
    } else if (option == "--trace" && i + 1 < argc) {
      trace = argv[++i];
    } else if (option == "--own-only") {
      own_only = true;
    } else {
      std::cerr << "usage: bench_retry [--seeds FIRST COUNT] [--own-only] [--trace FILE.csv.gz]\n";
      return 2;
    }
  }
  json::object out{{"seeds", json::array{first, first + count - 1}}};
  if (count > 0) {
    std::vector<Incident> incidents;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
      for (std::size_t kind = 0; kind < kIncidentKinds; ++kind)
        incidents.emplace_back(static_cast<IncidentKind>(kind), seed);
    }
    out["incidents"] = compare(incidents, own_only);
  }
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
