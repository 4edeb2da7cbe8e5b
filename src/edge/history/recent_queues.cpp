// The queues' newest history on the grid of the forecasts, for a server that starts.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <unordered_map>

#include "base/random.h"
#include "edge/history/history_database.h"

namespace forewarm {

namespace {

constexpr std::int64_t kCellsMax = 20'000'000;  ///< over all queues; 240 MB
constexpr std::int64_t kCellsLeast = 64;
constexpr std::size_t kServiceIntervals = 64;  ///< enough for a distribution, few enough to be recent
constexpr std::uint64_t kThrownOneByOne = 100'000;

std::uint64_t seed_of(std::string_view name, std::int64_t start) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return mix_bits(hash ^ static_cast<std::uint64_t>(start));
}

float or_zero(double value) {
  return static_cast<float>(std::isnan(value) ? 0 : value);
}

/// What is given back of an interval; NaN where it was not measured.
struct Seen {
  double arrivals = 0;
  double bytes = 0;
  double work_seconds = 0;
};

/// One queue's history while it is put together from rows of any step.
class RegularSeries {
 public:
  RegularSeries(std::string name, Span bounds, std::int64_t step)
      : name_(std::move(name)), bounds_(bounds), step_(step) {}

  void cover(Span span) { covered_.add(clipped(span, bounds_)); }
  bool empty() const { return covered_.empty(); }

  void add(std::int64_t start, std::int64_t length, const Seen& row) {
    if (arrivals_.empty()) {
      const auto cells = static_cast<std::size_t>(bounds_.length() / step_);
      for (auto* values : {&arrivals_, &bytes_, &work_}) values->assign(cells, 0);
    }
    if (length <= step_)
      add_to(start, row.arrivals, row.bytes, row.work_seconds);
    else
      spread(start, length, row);
  }

  /// `text` as ServiceTimes writes it. What cannot be read is left out: it is only a first guess.
  void add_service_times(std::int64_t start, std::string_view text) {
    if (text.empty()) return;
    if (service_times_.size() == kServiceIntervals) {
      if (start <= service_times_.begin()->first) return;
      service_times_.erase(service_times_.begin());
    }
    service_times_.emplace_hint(service_times_.end(), start, text);
  }

  RecentQueue take() {
    const auto cells = static_cast<std::size_t>(bounds_.length() / step_);
    for (auto* values : {&arrivals_, &bytes_, &work_}) values->resize(cells, 0);
    std::size_t first = cells;
    for (std::size_t i = 0; i < cells; ++i) {
      const std::int64_t start = bounds_.start + static_cast<std::int64_t>(i) * step_;
      if (covered_.overlap({start, start + step_}) == step_) {
        first = std::min(first, i);
      } else {
        for (auto* values : {&arrivals_, &bytes_, &work_})
          (*values)[i] = std::numeric_limits<float>::quiet_NaN();
      }
    }
    for (auto* values : {&arrivals_, &bytes_, &work_})
      values->erase(values->begin(), values->begin() + static_cast<std::ptrdiff_t>(first));
    ServiceTimes times;
    for (const auto& [start, text] : service_times_) {
      if (const Result<ServiceTimes> read = ServiceTimes::parse(text)) times.add(*read);
    }
    return {std::move(name_),     time_point_ms(bounds_.start + static_cast<std::int64_t>(first) * step_),
            std::move(arrivals_), std::move(bytes_),
            std::move(work_),     std::move(times)};
  }

 private:
  void add_to(std::int64_t at, double arrivals, double bytes, double work) {
    if (at < bounds_.start || at >= bounds_.until) return;
    const auto cell = static_cast<std::size_t>((at - bounds_.start) / step_);
    arrivals_[cell] += or_zero(arrivals);
    bytes_[cell] += or_zero(bytes);
    work_[cell] += or_zero(work);
  }

  /// Whole arrivals fall where they like, as those of a Poisson process do; what is more than that (very
  /// many, or the fraction that joining leaves) is laid out evenly.
  void spread(std::int64_t start, std::int64_t length, const Seen& row) {
    const auto cells = static_cast<std::uint64_t>(length / step_);
    const double arrivals = std::isnan(row.arrivals) ? 0 : std::max(0.0, row.arrivals);
    const auto thrown = static_cast<std::uint64_t>(
        arrivals > static_cast<double>(kThrownOneByOne) ? 0 : std::floor(arrivals));
    std::vector<double> share(cells, (arrivals - static_cast<double>(thrown)) / static_cast<double>(cells));
    Random random(seed_of(name_, start));
    for (std::uint64_t i = 0; i < thrown; ++i) share[random.below(cells)] += 1;
    for (std::uint64_t i = 0; i < cells; ++i) {
      const double part = arrivals > 0 ? share[i] / arrivals : 1 / static_cast<double>(cells);
      add_to(start + static_cast<std::int64_t>(i) * step_, share[i], row.bytes * part,
             row.work_seconds * part);
    }
  }

  std::string name_;
  Span bounds_;
  std::int64_t step_;
  SpanSet covered_;
  std::vector<float> arrivals_, bytes_, work_;
  std::map<std::int64_t, std::string> service_times_;  ///< by start
};

}  // namespace

Result<std::optional<RecentQueue>> HistoryDatabase::recent_queue(const std::string& name, TimePoint from,
                                                                 TimePoint to, Duration step) {
  const std::int64_t width = count_ms(step);
  const Span bounds{widened({count_ms(from), count_ms(from)}, width).until,
                    widened({count_ms(to), count_ms(to)}, width).start};
  RegularSeries series(name, bounds, width);
  const auto take = [&](const Measured<QueueMeasures>& row) {
    const std::int64_t start = count_ms(row.start);
    series.cover({start, start + count_ms(row.step)});
    series.add(start, count_ms(row.step),
               {row.measures.arrivals, row.measures.bytes, row.measures.service_seconds});
    series.add_service_times(start, row.measures.service_times.text());
  };
  // An interval that begins earlier may reach in here.
  const Result<void> done = read<QueueMeasures>(name, from - options_.tiers.back().step, to, take);
  if (!done) return std::unexpected(done.error());
  if (series.empty()) return std::nullopt;
  RecentQueue taken = series.take();
  return taken.arrivals.empty() ? std::nullopt : std::optional(std::move(taken));
}

Result<std::vector<RecentQueue>> HistoryDatabase::recent_queues(TimePoint from, TimePoint to, Duration step) {
  const std::int64_t width = count_ms(step);
  Span bounds{widened({count_ms(from), count_ms(from)}, width).until,
              widened({count_ms(to), count_ms(to)}, width).start};
  struct Stretch {
    SeriesNumber series;
    std::string name;
    Span span;
  };
  std::vector<Stretch> stretches;
  std::int64_t queues = 0;
  while (all_coverage_->next()) {
    const Span span{all_coverage_->integer(3), all_coverage_->integer(4)};
    if (all_coverage_->text(0) != kSeriesKinds[0] || clipped(span, bounds).length() == 0) continue;
    const SeriesNumber series = all_coverage_->integer(5);
    if (stretches.empty() || stretches.back().series != series) ++queues;
    stretches.push_back({series, std::string(all_coverage_->text(1)), span});
  }
  SqlCode code = all_coverage_->code();
  if (queues > 0)
    bounds.start = std::max(bounds.start, bounds.until - width * std::max(kCellsLeast, kCellsMax / queues));
  std::unordered_map<SeriesNumber, RegularSeries> series;
  for (const Stretch& each : stretches) {
    series.try_emplace(each.series, each.name, bounds, width).first->second.cover(each.span);
  }
  // Only what is needed of each row: there may be very many, and the server is not ready before they are
  // read.
  const auto& rows = recent_rows_;
  for (std::int64_t kept = series.empty() ? 0 : tables_.step_above<QueueMeasures>(0);
       code == kSqlOk && kept > 0; kept = tables_.step_above<QueueMeasures>(kept)) {
    rows->bind(1, kept).bind(2, widened(bounds, kept).start).bind(3, bounds.until);
    while (rows->next()) {
      const auto found = series.find(rows->integer(1));
      const auto real = [&rows](int column) {
        return rows->is_null(column) ? kNotMeasured : rows->real(column);
      };
      if (found == series.end()) continue;
      found->second.add(rows->integer(0), kept, {real(2), real(3), real(4)});
      found->second.add_service_times(rows->integer(0), rows->text(5));
    }
    code = rows->code();
  }
  if (code != kSqlOk) return std::unexpected(failed(code, "reading"));
  std::vector<RecentQueue> result;
  for (auto& [number, one] : series) {
    if (!one.empty()) result.push_back(one.take());
  }
  std::erase_if(result, [](const RecentQueue& one) { return one.arrivals.empty(); });
  std::ranges::sort(result, {}, &RecentQueue::name);
  return result;
}

}  // namespace forewarm
