#include <boost/json.hpp>
#include <charconv>
#include <cmath>

#include "edge/history/remote_series.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr double kStampMax = 1e11;

std::unexpected<Error> not_an_answer(const std::string& why) {
  return error(ErrorCode::Invalid,
               "the answer is not that of Prometheus' /api/v1/query_range: " + why +
                   ". Give the address of Prometheus itself, for example http://prometheus:9090");
}

const json::value* member(const json::value& of, std::string_view name) {
  const json::object* object = of.if_object();
  return object != nullptr ? object->if_contains(name) : nullptr;
}

std::string text_of(const json::value* value) {
  const json::string* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string(*text) : std::string();
}

/// [1435781430.781, "12"]; false when it is something else.
bool read_sample(const json::value& sample, std::vector<RemotePoint>& points) {
  const json::array* pair = sample.if_array();
  if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_number() || !(*pair)[1].is_string())
    return false;
  const double at = (*pair)[0].to_number<double>();
  if (!(at >= 0 && at <= kStampMax)) return false;
  const json::string& text = (*pair)[1].get_string();
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() && text != "NaN" && text != "+Inf" && text != "-Inf") return false;
  if (code == std::errc() && std::isfinite(value) && end == text.data() + text.size())
    points.push_back({TimePoint(from_seconds(at)), value});
  return true;
}

}  // namespace

Result<std::vector<PrometheusSeries>> parse_prometheus_range(std::string_view body) {
  boost::system::error_code code;
  const json::value root = json::parse(body, code);
  if (code) return not_an_answer("it is not JSON (" + code.message() + ")");
  const std::string status = text_of(member(root, "status"));
  if (status == "error") {
    return error(ErrorCode::Invalid, "Prometheus refuses the query: " + text_of(member(root, "error")) +
                                         " (" + text_of(member(root, "errorType")) + ")");
  }
  const json::value* data = member(root, "data");
  if (status != "success" || data == nullptr) return not_an_answer("it has no data");
  if (const std::string type = text_of(member(*data, "resultType")); type != "matrix")
    return not_an_answer("its resultType is '" + type + "', not 'matrix'");
  const json::value* result = member(*data, "result");
  if (result == nullptr || !result->is_array()) return not_an_answer("it has no result");
  std::vector<PrometheusSeries> all;
  for (const json::value& one : result->get_array()) {
    PrometheusSeries series;
    const json::value* labels = member(one, "metric");
    if (labels == nullptr || !labels->is_object()) return not_an_answer("a series has no metric");
    for (const auto& label : labels->get_object())
      series.labels[std::string(label.key())] = text_of(&label.value());
    const json::value* values = member(one, "values");
    if (values == nullptr || !values->is_array())
      return not_an_answer("a series has no values (native histograms are not read)");
    for (const json::value& sample : values->get_array()) {
      if (!read_sample(sample, series.points)) return not_an_answer("a value is not [time, \"number\"]");
    }
    all.push_back(std::move(series));
  }
  return all;
}

}  // namespace forewarm
