// Signals that follow a plan: a calendar file, a cron expression.

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "edge/signal/calendar.h"
#include "edge/signal/cron.h"
#include "edge/signal/source.h"

namespace forewarm {
namespace {

/// The plan is made again before less than half of what is wanted ahead is left.
bool is_used_up(TimePoint plan_end, const PlanWindow& window, TimePoint now) {
  return plan_end < now + window.ahead + window.ahead / 2;
}

void plan_from(std::vector<Occurrence> spans, const PlanWindow& window, TimePoint now, Reading& reading) {
  reading.plan_end = now + 2 * window.ahead;
  reading.plan = count_spans(spans, now - window.past, reading.plan_end);
}

/// What tells that a file is another one than before, without reading it.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = -1;
  std::int64_t changed_ns = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

Result<FileStamp> stamp_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0)
    return error(ErrorCode::NotFound, path + ": there is no such file, or it may not be read");
  return FileStamp{found.st_dev, found.st_ino, found.st_size,
                   found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec};
}

class CalendarSource : public SignalSource {
 public:
  explicit CalendarSource(CalendarSourceOptions options) : options_(std::move(options)) {}

  Reading read(TimePoint now, const std::stop_token&) override {
    Reading reading;
    const Result<FileStamp> stamp = stamp_of(options_.path);
    if (!stamp) {
      reading.failure = stamp.error().message;
    } else if (*stamp != stamp_) {
      if (Result<Calendar> parsed = load(); parsed) {
        calendar_.emplace(std::move(*parsed));
        stamp_ = *stamp;
        plan_end_ = TimePoint();
      } else {
        reading.failure = parsed.error().message;
      }
    }
    reading.unchanged = !calendar_ || !is_used_up(plan_end_, options_.window, now);
    if (reading.unchanged) return reading;
    plan_from(calendar_->spans(now - options_.window.past, now + 2 * options_.window.ahead), options_.window,
              now, reading);
    plan_end_ = reading.plan_end;
    reading.notes = calendar_->notes();
    if (calendar_->events() == 0) reading.notes.push_back("There is no event in it that counts.");
    return reading;
  }
  Duration pause() const override { return options_.every; }

 private:
  Result<Calendar> load() const {
    CalendarOptions calendar{.zone = options_.zone, .filter = options_.filter, .length = options_.length};
    std::ifstream file(options_.path, std::ios::binary);
    std::string text(calendar.bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad() || (file.fail() && !file.eof()))
      return error(ErrorCode::Io, options_.path + ": cannot be read");
    text.resize(static_cast<std::size_t>(file.gcount()));
    Result<Calendar> parsed = Calendar::parse(text, std::move(calendar));
    if (!parsed) return error(parsed.error().code, options_.path + ": " + parsed.error().message);
    return parsed;
  }

  CalendarSourceOptions options_;
  FileStamp stamp_;
  std::optional<Calendar> calendar_;
  TimePoint plan_end_;
};

class CronSource : public SignalSource {
 public:
  CronSource(Cron cron, CronSourceOptions options) : cron_(cron), options_(std::move(options)) {}

  Reading read(TimePoint now, const std::stop_token&) override {
    Reading reading;
    reading.unchanged = !is_used_up(plan_end_, options_.window, now);
    if (reading.unchanged) return reading;
    const PlanWindow window{.past = past(now), .ahead = options_.window.ahead};
    plan_from(firings(now - window.past - options_.length, now + 2 * window.ahead), window, now, reading);
    plan_end_ = reading.plan_end;
    return reading;
  }
  Duration pause() const override { return std::max<Duration>(options_.window.ahead / 4, 1s); }

 private:
  /// Half a day of seconds, or a month of minutes: more firings than that are no signal.
  static constexpr std::size_t kSpansMax = 50'000;

  std::vector<Occurrence> firings(TimePoint from, TimePoint to) const {
    return cron_.spans(from, to, options_.length, kSpansMax);
  }
  /// As much of the past as is wanted and leaves room for what is to come.
  Duration past(TimePoint now) const {
    Duration past = options_.window.past;
    while (past > 1h && firings(now - past, now).size() >= kSpansMax / 2) past /= 4;
    return past;
  }

  Cron cron_;
  CronSourceOptions options_;
  TimePoint plan_end_;
};

}  // namespace

std::unique_ptr<SignalSource> make_calendar_source(CalendarSourceOptions options) {
  return std::make_unique<CalendarSource>(std::move(options));
}

Result<std::unique_ptr<SignalSource>> make_cron_source(CronSourceOptions options) {
  const Result<Cron> cron = Cron::parse(options.expression, options.zone);
  if (!cron) return std::unexpected(cron.error());
  return std::make_unique<CronSource>(*cron, std::move(options));
}

}  // namespace forewarm
