#include <boost/json.hpp>
#include <fstream>

#include "edge/net/fetch.h"
#include "edge/signal/json_items.h"
#include "edge/signal/source.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kAnswerBytesMax = 4U << 20;

const json::value* member(const json::value& in, const char* pointer) {
  boost::system::error_code code;
  return in.find_pointer(pointer, code);
}

std::string text_at(const json::value& in, const char* pointer) {
  const json::value* found = member(in, pointer);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

class PollSource : public SignalSource {
 public:
  explicit PollSource(PollSourceOptions options) : options_(std::move(options)) {}

  Reading read(TimePoint now, const std::stop_token& stop) override {
    Reading reading;
    FetchRequest request{.method = "GET", .url = options_.url, .headers = options_.headers, .body = {}};
    if (!options_.prometheus_query.empty()) {
      while (request.url.ends_with('/')) request.url.pop_back();
      request.url += "/api/v1/query?query=" + percent_encode(options_.prometheus_query);
    }
    if (Result<void> added = add_token(request); !added) {
      reading.failure = added.error().message;
      return reading;
    }
    const Result<HttpResponse> answer =
        fetch(request, {.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout),
                        .body_max_bytes = kAnswerBytesMax,
                        .stop = stop});
    if (!answer) {
      reading.failure = answer.error().message;
      return reading;
    }
    Result<Points> points = points_of(*answer, now);
    if (points)
      reading.points = std::move(*points);
    else
      reading.failure = options_.url + ": " + points.error().message;
    return reading;
  }
  Duration pause() const override { return options_.every; }

 private:
  Result<void> add_token(FetchRequest& request) const {
    if (options_.bearer_token_file.empty()) return {};
    std::ifstream file(options_.bearer_token_file);
    std::string token;
    if (!std::getline(file, token) || token.empty())
      return error(ErrorCode::NotFound, options_.bearer_token_file + ": there is no token in it");
    request.headers.emplace_back("Authorization", "Bearer " + token);
    return {};
  }

  Result<Points> points_of(const HttpResponse& answer, TimePoint now) const {
    // Prometheus says what is wrong with a query in the body of a 400.
    if (!options_.prometheus_query.empty() && answer.status != 404)
      return read_prometheus_answer(answer.body, now);
    if (answer.status != 200)
      return error(ErrorCode::Io, "answered with HTTP status " + std::to_string(answer.status));
    return read_json_points(answer.body, options_.shape, now);
  }

  PollSourceOptions options_;
};

}  // namespace

Result<Points> read_prometheus_answer(std::string_view body, TimePoint now) {
  const Result<json::value> document = parse_json(body);
  if (!document) return std::unexpected(document.error());
  if (text_at(*document, "/status") != "success") {
    const std::string reason = text_at(*document, "/error");
    return error(ErrorCode::Invalid, reason.empty() ? "expected a Prometheus server's answer to /api/v1/query"
                                                    : "the query is refused: " + reason.substr(0, 300));
  }
  const std::string type = text_at(*document, "/data/resultType");
  const json::value* result = member(*document, "/data/result");
  if (type == "scalar" && result != nullptr)
    return json_points(json::array{*result}, {.items = "", .value = "/1", .time = "/0"}, now);
  if ((type != "vector" && type != "matrix") || result == nullptr || !result->is_array())
    return error(ErrorCode::Invalid,
                 "expected a scalar, vector or matrix, found '" + type.substr(0, 20) + "'");
  const json::array& series = result->get_array();
  if (series.empty())
    return error(ErrorCode::Invalid, "the query gives no series; is the metric's name right?");
  if (series.size() > 1) {
    return error(ErrorCode::Invalid, "the query gives " + std::to_string(series.size()) +
                                         " series; a signal is one: aggregate them, for example with sum()");
  }
  if (type == "matrix") return json_points(series[0], {.items = "/values", .value = "/1", .time = "/0"}, now);
  const json::value* sample = member(series[0], "/value");
  if (sample == nullptr) return error(ErrorCode::Invalid, "expected a value in the only series");
  return json_points(json::array{*sample}, {.items = "", .value = "/1", .time = "/0"}, now);
}

std::unique_ptr<SignalSource> make_poll_source(PollSourceOptions options) {
  return std::make_unique<PollSource>(std::move(options));
}

}  // namespace forewarm
