#include "core/forecast/models/batch_combs.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kCombsMax = 8;
constexpr std::size_t kLagsMax = 1500;
constexpr std::size_t kLagsTried = 20;
constexpr std::size_t kBurstsMin = 4;
constexpr double kBurstShareMax = 0.45;
constexpr double kCyclesToSee = 3;
constexpr double kHitShareMin = 0.4;
constexpr double kLogChance = 6.9;  // once in a thousand
constexpr Duration kClockPeriods[] = {60s,   120s,  180s,   240s,   300s,   600s,   900s,   1200s, 1800s,
                                      3600s, 7200s, 10800s, 14400s, 21600s, 28800s, 43200s, 86400s};

/// Logarithm of a bound on the odds of `hits` or more of `tries` at `chance` each (Chernoff 1952).
double log_tail(double hits, double tries, double chance) {
  const double share = hits / tries;
  if (share <= chance) return 0;
  double divergence = share * log(share / chance);
  if (share < 1) divergence += (1 - share) * log((1 - share) / (1 - chance));
  return -tries * divergence;
}

/// What a series has above its base, and which steps of it are bursts.
class Bursts {
 public:
  explicit Bursts(const SeriesView& series) : series_(series) {
    BatchBase base = batch_base(series.values);
    limit_ = std::move(base.limit);
    above_ = std::move(base.base);
    for (std::size_t t = 0; t < above_.size(); ++t) {
      const float value = series.values[t];
      above_[t] = std::isfinite(value) ? std::clamp<double>(value, 0, 1e15) - above_[t] : 0;
      if (std::isfinite(value)) total_ += std::clamp<double>(value, 0, 1e15);
    }
    list();
  }

  std::size_t steps() const { return above_.size(); }
  bool is_burst(std::size_t t) const { return above_[t] > limit_[t]; }
  double above(std::size_t t) const { return above_[t]; }
  double total() const { return total_; }
  const std::vector<std::uint32_t>& steps_of_bursts() const { return bursts_; }
  const SeriesView& series() const { return series_; }

  /// The step of the burst within one step of `at`, the largest if there are several; steps() if none.
  std::size_t near(double at) const {
    const double middle = std::floor(at + 0.5);
    std::size_t found = steps();
    for (const double offset : {0.0, -1.0, 1.0}) {
      if (middle + offset < 0 || middle + offset >= static_cast<double>(steps())) continue;
      const auto t = static_cast<std::size_t>(middle + offset);
      if (is_burst(t) && (found == steps() || above_[t] > 1.5 * above_[found])) found = t;
    }
    return found;
  }
  /// Takes a comb's typical size out of its bursts: what is left may be a burst of another comb.
  void explain(const std::vector<std::uint32_t>& at, double size, double scatter) {
    for (const std::uint32_t t : at) {
      above_[t] -= size;
      limit_[t] += std::max(scatter, 0.2 * size);
    }
    list();
  }

 private:
  void list() {
    bursts_.clear();
    for (std::size_t t = 0; t < above_.size(); ++t) {
      if (is_burst(t)) bursts_.push_back(static_cast<std::uint32_t>(t));
    }
  }

  const SeriesView& series_;
  std::vector<double> above_;
  std::vector<double> limit_;
  std::vector<std::uint32_t> bursts_;
  double total_ = 0;
};

/// Bits that are set, by sums of ever wider fields: the instruction is not on every processor, and what the
/// compiler calls instead is not the core's.
std::uint32_t ones(std::uint64_t bits) {
  bits -= bits >> 1 & 0x5555555555555555U;
  bits = (bits & 0x3333333333333333U) + (bits >> 2 & 0x3333333333333333U);
  bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0FU;
  return static_cast<std::uint32_t>(bits * 0x0101010101010101U >> 56);
}

/// How many bursts are `lag` steps after another, for all lags below kLagsMax: by words of 64 steps.
std::vector<std::uint32_t> pairs_by_lag(const Bursts& bursts, std::size_t lag_max) {
  const std::size_t words = bursts.steps() / 64 + 1;
  std::vector<std::uint64_t> bits(words + lag_max / 64 + 2, 0);
  for (const std::uint32_t t : bursts.steps_of_bursts()) bits[t / 64] |= std::uint64_t{1} << (t % 64);
  std::vector<std::uint32_t> pairs(lag_max + 1, 0);
  for (std::size_t lag = 2; lag <= lag_max; ++lag) {
    const std::size_t skip = lag / 64, shift = lag % 64;
    std::uint32_t count = 0;
    for (std::size_t w = 0; w < words; ++w) {
      std::uint64_t later = bits[w + skip] >> shift;
      if (shift > 0) later |= bits[w + skip + 1] << (64 - shift);
      count += ones(bits[w] & later);
    }
    pairs[lag] = count;
  }
  return pairs;
}

/// Periods to try: those of clocks, the seasons found, and the lags at which bursts come again most surely.
std::vector<std::size_t> periods_to_try(const Bursts& bursts) {
  const auto longest = static_cast<std::size_t>(static_cast<double>(bursts.steps()) / kCyclesToSee);
  std::vector<std::size_t> periods;
  const auto add = [&](std::size_t period) {
    const bool known = std::find(periods.begin(), periods.end(), period) != periods.end();
    if (period >= 2 && period <= longest && !known) periods.push_back(period);
  };
  for (const Duration period : kClockPeriods) {
    if (period % bursts.series().step == Duration(0))
      add(static_cast<std::size_t>(period / bursts.series().step));
  }
  for (const std::uint32_t season : bursts.series().seasons) add(season);
  const std::size_t lag_max = std::min(longest, kLagsMax);
  const std::vector<std::uint32_t> pairs = pairs_by_lag(bursts, lag_max);
  const double count = static_cast<double>(bursts.steps_of_bursts().size());
  const double chance = std::min(0.99, count / static_cast<double>(bursts.steps()));
  std::vector<std::pair<double, std::size_t>> lags;
  double surest = 0;
  for (std::size_t lag = 2; lag <= lag_max; ++lag) {
    const double tries = count * (1 - static_cast<double>(lag) / static_cast<double>(bursts.steps()));
    const double odds = log_tail(std::min<double>(pairs[lag], tries), tries, chance);
    if (odds < -2) lags.emplace_back(odds, lag);
    surest = std::min(surest, odds);
  }
  // The shortest of the lags that are about as sure as any: the others are their multiples.
  std::size_t short_ones = 0;
  for (const auto& [odds, lag] : lags) {
    if (odds <= 0.4 * surest && ++short_ones <= kLagsTried) add(lag);
  }
  const std::size_t tried = std::min(kLagsTried / 2, lags.size());
  std::partial_sort(lags.begin(), lags.begin() + static_cast<std::ptrdiff_t>(tried), lags.end());
  for (std::size_t i = 0; i < tried; ++i) add(lags[i].second);
  return periods;
}

/// A comb that bursts may follow.
struct Candidate {
  std::size_t period = 0;
  std::size_t phase = 0;
  double log_odds = 0;
};

/// Folds the bursts at a period, and takes the phase that chance would hit least.
Candidate best_phase(const Bursts& bursts, std::size_t period) {
  const auto& at = bursts.steps_of_bursts();
  std::vector<double> exact(period, 0), around(period, 0);
  std::vector<std::size_t> seen(period, bursts.steps());
  for (const std::uint32_t t : at) {
    exact[t % period] += 1;
    for (const std::size_t side : {period - 1, period, period + 1}) {
      // A cycle in which the phase and its neighbours were hit counts once.
      const std::size_t phase = (t + side) % period;
      const std::size_t cycle = (t + side - period + 1) / period;
      if (seen[phase] != cycle) around[phase] += 1;
      seen[phase] = cycle;
    }
  }
  const double all = static_cast<double>(at.size());
  const double n = static_cast<double>(bursts.steps());
  Candidate best{.period = period};
  for (std::size_t phase = 0; phase < period; ++phase) {
    const double tries = std::floor((n - static_cast<double>(phase) - 1) / static_cast<double>(period)) + 1;
    if (around[phase] < kHitShareMin * tries) continue;
    double chance = (all - exact[phase] + 0.5) / (n - tries + 1);
    if (period >= 12) {
      // Where bursts are at home at this time of the cycle, a hit says little.
      double hits = 0.5;
      for (const std::size_t side : {2U, 3U, 4U})
        hits += exact[(phase + side) % period] + exact[(phase + period - side) % period];
      chance = std::max(chance, hits / (6 * tries + 1));
    }
    chance = std::min(chance, 0.99);
    const double miss = 1 - chance;
    double odds = exact[phase] >= kHitShareMin * tries ? log_tail(exact[phase], tries, chance) : 0;
    if (period > 6)
      odds = std::min(odds, log_tail(std::min(around[phase], tries), tries, 1 - miss * miss * miss));
    if (odds < best.log_odds) {
      best.phase = phase;
      best.log_odds = odds;
    }
  }
  return best;
}

/// Bursts of a comb, from the newest to the oldest, and where each was due.
struct Hit {
  double due = 0;
  std::size_t step = 0;  ///< steps() of the series where none came
};

/// Follows the comb back from the end; each burst that comes corrects a little when the one before is due.
std::vector<Hit> follow(const Bursts& bursts, double period, double last, double correction) {
  std::vector<Hit> hits;
  double due = last;
  while (due > -0.5) {
    const std::size_t step = bursts.near(due);
    hits.push_back({.due = due, .step = step});
    if (step < bursts.steps()) due += correction * (static_cast<double>(step) - due);
    due -= period;
  }
  return hits;
}

/// The period as bursts have it, by least squares of their steps on their number; 0 for too few.
struct Line {
  double period = 0;
  double last = 0;
};
Line fit_line(const std::vector<Hit>& hits, std::size_t none) {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (std::size_t k = 0; k < hits.size(); ++k) {
    if (hits[k].step == none) continue;
    const double number = -static_cast<double>(k), step = static_cast<double>(hits[k].step);
    n += 1, x += number, y += step, xx += number * number, xy += number * step;
  }
  const double spread = xx - x * x / std::max(n, 1.0);
  if (n < 6 || !(spread > 0)) return {};
  const double period = (xy - x * y / n) / spread;
  return {.period = period, .last = y / n - period * x / n};
}

std::size_t count_hits(const std::vector<Hit>& hits, std::size_t none) {
  return static_cast<std::size_t>(
      std::count_if(hits.begin(), hits.end(), [&](const Hit& hit) { return hit.step != none; }));
}

/// Days of the week on which a comb that else comes does not.
std::uint8_t days_of(const Bursts& bursts, const std::vector<Hit>& hits) {
  std::array<double, 7> due{}, came{};
  const SeriesView& series = bursts.series();
  for (const Hit& hit : hits) {
    const auto day =
        static_cast<std::size_t>(weekday_of(series.start, series.step, std::floor(hit.due + 0.5)));
    due[day] += 1;
    came[day] += hit.step < bursts.steps() ? 1 : 0;
  }
  double due_on = 0, came_on = 0;
  for (std::size_t day = 0; day < 7; ++day) {
    if (came[day] < 0.15 * due[day] || came[day] == 0) continue;
    due_on += due[day];
    came_on += came[day];
  }
  const double missing = (due_on - came_on + 1) / (due_on + 2);
  std::uint8_t days = BatchComb::kEveryDay;
  for (std::size_t day = 0; day < 7; ++day) {
    const bool never = came[day] == 0 && due[day] * log(missing) < -4.6;
    const bool hardly = due[day] >= 10 && came[day] < 0.15 * due[day] && missing < 0.5;
    const bool off = due[day] > 0 && (never || hardly);
    if (off) days = static_cast<std::uint8_t>(days & ~(1U << day));
  }
  return days;
}

/// The comb of a candidate, its bursts taken out of `bursts`.
BatchComb take_comb(Bursts& bursts, const Candidate& candidate, std::vector<bool>& of_a_comb) {
  const std::size_t none = bursts.steps();
  const std::size_t cycles = (none - 1 - candidate.phase) / candidate.period;
  const auto period = static_cast<double>(candidate.period);
  const auto last = static_cast<double>(candidate.phase + cycles * candidate.period);
  BatchComb comb;
  comb.period = period;
  comb.next = last + period;
  comb.log_odds = candidate.log_odds;
  std::vector<Hit> hits = follow(bursts, period, last, 0);
  const Line line = fit_line(follow(bursts, period, last, 0.5), none);
  const bool drifts = std::abs(line.period - period) * static_cast<double>(hits.size()) > 0.75;
  if (drifts && std::abs(line.period - period) < 0.5) {
    std::vector<Hit> drifting = follow(bursts, line.period, line.last, 0);
    if (count_hits(drifting, none) > count_hits(hits, none)) {
      hits = std::move(drifting);
      comb.period = line.period;
      comb.next = line.last + line.period;
    }
  }
  comb.weekdays = days_of(bursts, hits);
  std::vector<std::uint32_t> at;
  double weight = 0, came = 0;
  for (std::size_t k = hits.size(); k-- > 0;) {
    const Hit& hit = hits[k];
    const SeriesView& series = bursts.series();
    if (!comb.on_day(weekday_of(series.start, series.step, std::floor(hit.due + 0.5)))) continue;
    weight = 0.95 * weight + 1;
    came = 0.95 * came + (hit.step != none ? 1 : 0);
    if (hit.step == none) continue;
    at.push_back(static_cast<std::uint32_t>(hit.step));
    of_a_comb[hit.step] = true;
    const double offset = static_cast<double>(hit.step) - std::floor(hit.due + 0.5);
    comb.offsets[static_cast<std::size_t>(offset + 1)] += 1;
    comb.sizes.push_back(bursts.above(hit.step));
    comb.share += bursts.above(hit.step) / std::max(bursts.total(), 1e-9);
  }
  comb.came = weight > 0 ? came / weight : 0;
  if (at.empty()) return comb;
  std::vector<double> sizes = comb.sizes;
  const double typical = median_of(sizes);
  for (double& size : sizes) size = std::abs(size - typical);
  bursts.explain(at, typical, kBatchScatter * median_of(sizes));
  if (comb.sizes.size() > BatchComb::kSizesKept)
    comb.sizes.erase(comb.sizes.begin(), comb.sizes.end() - BatchComb::kSizesKept);
  return comb;
}

}  // namespace

std::vector<BatchComb> find_combs(const SeriesView& series, std::vector<bool>* of_a_comb) {
  std::vector<bool> marked(series.values.size(), false);
  std::vector<BatchComb> combs;
  Bursts bursts(series);
  std::vector<std::size_t> periods;
  while (combs.size() < kCombsMax) {
    const std::size_t count = bursts.steps_of_bursts().size();
    const bool burst_is_rare =
        static_cast<double>(count) < kBurstShareMax * static_cast<double>(bursts.steps());
    if (count < kBurstsMin || !burst_is_rare) break;
    if (periods.empty()) periods = periods_to_try(bursts);
    Candidate best;
    double tried = 1;
    for (const std::size_t period : periods) {
      const Candidate candidate = best_phase(bursts, period);
      if (candidate.log_odds < best.log_odds) best = candidate;
      tried += 2 * static_cast<double>(period);
    }
    best.log_odds += log(tried);
    if (best.log_odds > -kLogChance) break;
    BatchComb comb = take_comb(bursts, best, marked);
    if (comb.sizes.size() < kBurstsMin - 1) break;
    combs.push_back(std::move(comb));
  }
  if (of_a_comb) *of_a_comb = std::move(marked);
  return combs;
}

}  // namespace forewarm
