#include "app/metric_reader.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr Duration kFirstLook = 10min;  ///< beyond the lag
constexpr Duration kLookBackMost = 3h;  ///< after an outage; what is older the next start asks for
constexpr double kCountMost = 1e15;     ///< whole numbers are exact below it
constexpr Duration kAskAgainFirst = 1s;
constexpr Duration kAskAgainLast = 1min;

std::optional<std::uint64_t> whole(const std::optional<double>& number) {
  if (!number) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(std::clamp(*number, 0.0, kCountMost)));
}

QueueReading reading_of(const MetricPeriod& period) {
  QueueReading reading;
  reading.waiting = whole(period.waiting);
  reading.in_flight = whole(period.in_flight);
  if (period.oldest_wait_seconds) reading.oldest_wait = from_seconds(*period.oldest_wait_seconds);
  reading.period =
      ReadingPeriod{.from = period.start, .to = period.end(), .arrived = period.arrived, .done = period.done};
  return reading;
}

class MetricReader : public QueueReader {
 public:
  MetricReader(std::unique_ptr<MetricSource> source, const ControlMetrics& metrics, const std::string& queue,
               std::function<TimePoint()> now)
      : source_(std::move(source)),
        cloud_(*cloud_metrics_of(metrics)),
        settled_(settled_of(metrics, true)),
        now_(std::move(now)),
        random_(std::hash<std::string>()(queue)) {}

  Result<QueueReadings> read(const std::stop_token& stop) override {
    const TimePoint now = now_();
    if (now < ask_at_) return failure_ ? Result<QueueReadings>(std::unexpected(*failure_)) : QueueReadings();
    Result<QueueReadings> found = ask(now, stop);
    if (!found) {
      // Again no answer, after another number of milliseconds, is no news.
      const auto no_answer = [](const Error& why) { return why.code == ErrorCode::Io; };
      if (!failure_ || !no_answer(*failure_) || !no_answer(found.error())) failure_ = found.error();
      const double first = std::min(seconds(kAskAgainFirst), seconds(cloud_.every));
      const double pause = std::min(seconds(kAskAgainLast), first * std::exp2(failures_));
      failures_ = std::min(failures_ + 1, 20U);
      ask_at_ = now_() + from_seconds(pause * (0.75 + 0.5 * random_.uniform()));
      return std::unexpected(*failure_);
    }
    failures_ = 0;
    failure_.reset();
    ask_at_ = now + cloud_.every;
    // Nothing new is a failure too, once it should be there.
    if (!told_until_ || now - *told_until_ > cloud_.lag) {
      failure_ =
          Error{ErrorCode::NotFound,
                cloud_.system + std::string(told_until_ ? " has had nothing new of the queue for longer "
                                                          "than metrics.lag"
                                                        : " knows nothing of the queue: is its name "
                                                          "right, and has it been used of late?")};
      if (found->empty()) return std::unexpected(*failure_);
    }
    return found;
  }

 private:
  Result<QueueReadings> ask(TimePoint now, const std::stop_token& stop) {
    const auto whole_minute = [](TimePoint at) { return at - at.time_since_epoch() % Duration(1min); };
    const TimePoint to = whole_minute(now);
    const TimePoint from = told_until_ ? std::max(*told_until_, whole_minute(now - kLookBackMost))
                                       : whole_minute(now - cloud_.lag - kFirstLook);
    QueueReadings readings;
    if (from >= to) return readings;
    const auto periods = source_->read({.from = from, .to = to}, stop);
    if (!periods) return std::unexpected(periods.error());
    SettledPeriods settled = settled_;
    settled.next = told_until_;
    for (const MetricPeriod& period : settled_periods(*periods, now, settled)) {
      if (told_until_ && period.start < *told_until_) continue;
      readings.push_back(reading_of(period));
      told_until_ = period.end();
    }
    return readings;
  }

  std::unique_ptr<MetricSource> source_;
  const CloudMetrics cloud_;
  const SettledPeriods settled_;
  const std::function<TimePoint()> now_;
  Random random_;
  std::optional<TimePoint> told_until_{};
  std::optional<Error> failure_{};
  std::uint32_t failures_ = 0;
  TimePoint ask_at_{};
};

}  // namespace

std::unique_ptr<QueueReader> make_metric_reader(std::unique_ptr<MetricSource> source,
                                                const ControlMetrics& metrics, const std::string& queue,
                                                std::function<TimePoint()> now) {
  return std::make_unique<MetricReader>(std::move(source), metrics, queue, std::move(now));
}

}  // namespace forewarm
