#include <expat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <memory>

#include "edge/history/remote_series.h"

namespace forewarm {
namespace {

constexpr std::size_t kDepthMax = 32;

/// The whole of `text` as a number with this many digits at `at`.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = -1;
  const char* begin = text.data() + at;
  const auto [end, code] = std::from_chars(begin, begin + count, value);
  return code == std::errc() && end == begin + count ? value : -1;
}

/// Follows the elements and gathers what stands in those that matter.
class AnswerReader {
 public:
  Result<MetricData> read(std::string_view body) {
    const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(XML_ParserCreate(nullptr),
                                                                         &XML_ParserFree);
    XML_SetUserData(parser.get(), this);
    XML_SetElementHandler(
        parser.get(),
        [](void* self, const XML_Char* name, const XML_Char**) {
          static_cast<AnswerReader*>(self)->open(name);
        },
        [](void* self, const XML_Char*) { static_cast<AnswerReader*>(self)->close(); });
    XML_SetCharacterDataHandler(parser.get(), [](void* self, const XML_Char* text, int size) {
      static_cast<AnswerReader*>(self)->text_.append(text, static_cast<std::size_t>(size));
    });
    if (body.size() > INT32_MAX) return not_metric_data("it is too large");
    if (XML_Parse(parser.get(), body.data(), static_cast<int>(body.size()), 1) != XML_STATUS_OK) {
      return not_metric_data("line " + std::to_string(XML_GetCurrentLineNumber(parser.get())) + ": " +
                             XML_ErrorString(XML_GetErrorCode(parser.get())));
    }
    if (!error_code_.empty())
      return error(ErrorCode::Invalid,
                   "CloudWatch refuses the request: " + error_message_ + " (" + error_code_ + ")");
    if (!problem_.empty()) return not_metric_data(problem_);
    if (!seen_) return not_metric_data("it has no GetMetricDataResult");
    return std::move(data_);
  }

 private:
  static std::unexpected<Error> not_metric_data(const std::string& why) {
    return error(ErrorCode::Invalid, "the answer is not that of CloudWatch's GetMetricData: " + why);
  }

  void open(std::string_view name) {
    text_.clear();
    lengths_.push_back(path_.size());
    // What is deeper than any answer is not looked at, and cannot grow the path.
    if (lengths_.size() <= kDepthMax) path_ += "/" + std::string(name);
    if (path_ == "/GetMetricDataResponse/GetMetricDataResult") seen_ = true;
    if (path_ == kResult) {
      data_.results.emplace_back();
      stamps_.clear();
      values_.clear();
    }
  }

  void close() {
    if (lengths_.size() <= kDepthMax) take();
    path_.resize(lengths_.back());
    lengths_.pop_back();
    text_.clear();
  }

  void take() {
    const std::string_view path = path_;
    if (path.ends_with("/Error/Code")) error_code_ = text_;
    if (path.ends_with("/Error/Message")) error_message_ = text_;
    if (path == "/GetMetricDataResponse/GetMetricDataResult/NextToken") data_.next_token = text_;
    if (!path.starts_with(kResult)) return;
    const std::string_view rest = path.substr(kResult.size());
    MetricDataResult& result = data_.results.back();
    if (rest == "/Id") result.id = text_;
    if (rest == "/StatusCode") result.complete = text_ == "Complete";
    if (rest == "/Timestamps/member") {
      TimePoint at;
      if (!parse_utc_stamp(text_, at)) problem_ = "'" + text_.substr(0, 40) + "' is not a time";
      stamps_.push_back(at);
    }
    if (rest == "/Values/member") {
      double value = 0;
      const auto [end, code] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
      if (code != std::errc() || end != text_.data() + text_.size())
        problem_ = "'" + text_.substr(0, 40) + "' is not a number";
      values_.push_back(value);
    }
    if (rest.empty()) finish(result);
  }

  void finish(MetricDataResult& result) {
    if (stamps_.size() != values_.size()) problem_ = "a result has not as many times as values";
    for (std::size_t i = 0; i < std::min(stamps_.size(), values_.size()); ++i) {
      if (std::isfinite(values_[i])) result.points.push_back({stamps_[i], values_[i]});
    }
  }

  static constexpr std::string_view kResult =
      "/GetMetricDataResponse/GetMetricDataResult/MetricDataResults/member";

  MetricData data_;
  bool seen_ = false;
  std::string path_;
  std::vector<std::size_t> lengths_;
  std::string text_;
  std::vector<TimePoint> stamps_;
  std::vector<double> values_;
  std::string error_code_, error_message_, problem_;
};

}  // namespace

bool parse_utc_stamp(std::string_view text, TimePoint& at) {
  constexpr std::string_view kUtc = "+00:00";
  std::string with_z;
  if (text.ends_with(kUtc)) text = with_z = std::string(text.substr(0, text.size() - kUtc.size())) + "Z";
  const bool shape = text.size() >= 20 && text[4] == '-' && text[7] == '-' && text[10] == 'T' &&
                     text[13] == ':' && text[16] == ':' && text.back() == 'Z';
  if (!shape) return false;
  const std::chrono::year_month_day date(std::chrono::year(digits(text, 0, 4)),
                                         std::chrono::month(static_cast<unsigned>(digits(text, 5, 2))),
                                         std::chrono::day(static_cast<unsigned>(digits(text, 8, 2))));
  const int hours = digits(text, 11, 2);
  const int minutes = digits(text, 14, 2);
  const int whole_seconds = digits(text, 17, 2);
  const bool fraction_fits = text.size() == 20 || (text[19] == '.' && text.size() > 21 && text.size() < 32);
  if (!date.ok() || digits(text, 0, 4) < 1970 || hours < 0 || hours > 23 || minutes < 0 || minutes > 59 ||
      whole_seconds < 0 || whole_seconds > 60 || !fraction_fits)
    return false;
  at = TimePoint(std::chrono::duration_cast<Duration>(std::chrono::sys_days(date).time_since_epoch()) +
                 hours * 1h + minutes * 1min + whole_seconds * 1s);
  return true;
}

Result<MetricData> parse_metric_data(std::string_view body) {
  return AnswerReader().read(body);
}

}  // namespace forewarm
