#include "edge/cloud/metrics/metric_source.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <mutex>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr std::size_t kMetricAnswerBytesMax = 64U << 20;
constexpr std::chrono::milliseconds kPauseFirst(250);

bool says_any(const std::string& body, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words,
                             [&](std::string_view word) { return body.find(word) != std::string::npos; });
}

/// AWS has no status of its own for it.
bool is_of_credentials(const HttpResponse& answer) {
  return answer.status == 401 ||
         ((answer.status == 400 || answer.status == 403) &&
          says_any(answer.body, {"ExpiredToken", "RequestExpired", "InvalidClientTokenId",
                                 "UnrecognizedClientException"}));
}

bool is_throttled(const HttpResponse& answer) {
  return answer.status == 400 && says_any(answer.body, {"Throttl", "RequestLimitExceeded"});
}

Result<std::string> ask_once(const MetricAccess& access, const FetchRequest& request,
                             const std::stop_token& stop) {
  for (bool renewed = false;; renewed = true) {
    FetchRequest allowed = request;
    if (access.authorise) {
      if (const Result<void> let_in = access.authorise(allowed); !let_in)
        return std::unexpected(let_in.error());
    }
    Result<HttpResponse> answer = fetch(allowed, {.timeout = access.timeout,
                                                  .body_max_bytes = kMetricAnswerBytesMax,
                                                  .ca_file = access.ca_file,
                                                  .stop = stop});
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == 200) return std::move(answer->body);
    if (is_of_credentials(*answer) && access.renew) {
      access.renew();
      if (!renewed) continue;
    }
    const Error refusal = refusal_of(*answer).error();
    return error(is_throttled(*answer) ? ErrorCode::Exhausted : refusal.code, refusal.message);
  }
}

/// False: it is over before.
bool pause_for(std::chrono::milliseconds pause, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any over;
  std::unique_lock lock(mutex);
  over.wait_for(lock, stop, pause, [] { return false; });
  return !stop.stop_requested();
}

/// The number that begins at `at` and is so many digits long; -1 where it is none.
int digits_at(std::string_view text, std::size_t at, std::size_t length) {
  int number = -1;
  if (text.size() < at + length) return -1;
  const char* begin = text.data() + at;
  const auto [end, failed] = std::from_chars(begin, begin + length, number);
  return failed == std::errc() && end == begin + length && *begin != '-' ? number : -1;
}

}  // namespace

void MetricPeriods::put(TimePoint start, Duration length, Field field, double value) {
  MetricPeriod& period = by_start_.try_emplace(start, MetricPeriod{.start = start}).first->second;
  period.length = length;
  period.*field = value;
}

std::vector<MetricPeriod> MetricPeriods::all() const {
  std::vector<MetricPeriod> periods;
  periods.reserve(by_start_.size());
  for (const auto& [start, period] : by_start_) periods.push_back(period);
  return periods;
}

std::vector<MetricPeriod> MetricPeriods::within(const MetricRange& range) const {
  std::vector<MetricPeriod> periods = all();
  std::erase_if(periods, [&](const MetricPeriod& period) {
    return period.start < range.from || period.end() > range.to;
  });
  return periods;
}

Result<std::string> ask_metrics(const MetricAccess& access, const FetchRequest& request, int tries,
                                const std::stop_token& stop) {
  Random random(static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
  std::chrono::milliseconds pause = kPauseFirst;
  while (true) {
    Result<std::string> answer = ask_once(access, request, stop);
    const bool may_pass =
        !answer && (answer.error().code == ErrorCode::Exhausted || answer.error().code == ErrorCode::Io);
    if (!may_pass || --tries <= 0) return answer;
    const auto by_chance = static_cast<std::chrono::milliseconds::rep>(static_cast<double>(pause.count()) *
                                                                       (0.5 + random.uniform()));
    if (!pause_for(std::chrono::milliseconds(by_chance), stop)) return answer;
    pause *= 2;
  }
}

std::vector<MetricPeriod> settled_periods(const std::vector<MetricPeriod>& periods, TimePoint now,
                                          const SettledPeriods& how) {
  const auto counted = [&](const MetricPeriod& period) { return (period.*how.count).has_value(); };
  const auto last = std::ranges::find_if(periods.rbegin(), periods.rend(), counted);
  const TimePoint counted_until = last == periods.rend() ? TimePoint() : last->start;
  std::vector<MetricPeriod> settled;
  TimePoint before = how.next.value_or(periods.empty() ? TimePoint() : periods.front().start);
  for (const MetricPeriod& period : periods) {
    // A hole before it may yet be filled.
    if (how.hold && period.start > before && now - period.start < how.settle) break;
    const bool sure = now - period.end() >= how.settle;
    const bool whole = period.waiting && (counted(period) || sure || period.start <= counted_until);
    if (!whole && how.hold && !sure) break;
    before = period.end();
    if (!whole) continue;
    MetricPeriod& one = settled.emplace_back(period);
    one.*how.count = (period.*how.count).value_or(0);
    one.done = one.done.value_or(0);
  }
  return settled;
}

std::string metric_stamp(TimePoint at) {
  const std::chrono::sys_time<Duration> time(at.time_since_epoch());
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 64> text{};
  const int length =
      std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                    static_cast<int>(clock.seconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<TimePoint> parse_metric_stamp(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() <= kForm.size() || !text.ends_with('Z')) return std::nullopt;
  for (const std::size_t at : {4U, 7U, 10U, 13U, 16U})
    if (text[at] != kForm[at]) return std::nullopt;
  const std::string_view fraction = text.substr(kForm.size(), text.size() - kForm.size() - 1);
  const bool plain = fraction.empty() ||
                     (fraction.size() > 1 && fraction.front() == '.' &&
                      std::ranges::all_of(fraction.substr(1), [](char c) { return c >= '0' && c <= '9'; }));
  const int year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), day = digits_at(text, 8, 2);
  const int hour = digits_at(text, 11, 2), minute = digits_at(text, 14, 2), second = digits_at(text, 17, 2);
  if (!plain || year < 1970 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0)
    return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch();
  return TimePoint(std::chrono::duration_cast<Duration>(days) + hour * 1h + minute * 1min + second * 1s);
}

}  // namespace forewarm
