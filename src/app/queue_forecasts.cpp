#include "app/queue_forecasts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "app/config.h"
#include "app/forecast_reasons.h"
#include "app/own_program.h"
#include "base/time_text.h"
#include "edge/observe/clock_text.h"
#include "edge/observe/json_writer.h"
#include "edge/observe/snapshot_json.h"

namespace forewarm {
namespace {

constexpr std::size_t kRowsMax = 96;
constexpr std::size_t kStepsBeforeForecast = 8;
constexpr std::size_t kWaitingMax = 16;
constexpr Duration kHorizonDefault = 1h;
constexpr Duration kHorizonMax = 24h * 366;

/// Sums of `factor` steps, counted back from the end; a sum of which a part was not measured is not measured.
std::vector<float> coarser(std::span<const float> values, std::size_t factor) {
  std::vector<float> sums;
  for (std::size_t at = values.size() % factor; at < values.size(); at += factor) {
    double sum = 0;
    for (const float value : values.subspan(at, factor)) sum += static_cast<double>(value);
    sums.push_back(static_cast<float>(sum));
  }
  return sums;
}

/// The least multiple of the step that people count in and that is coarse enough.
std::size_t factor_for(Duration horizon, Duration step) {
  for (const Duration wanted : {step, Duration(1s), Duration(10s), Duration(30s), Duration(1min),
                                Duration(5min), Duration(10min), Duration(15min), Duration(30min),
                                Duration(1h), Duration(3h), Duration(6h), Duration(12h), Duration(24h)}) {
    if (wanted >= step && wanted % step == Duration(0) &&
        horizon <= wanted * static_cast<Duration::rep>(kRowsMax))
      return static_cast<std::size_t>(wanted / step);
  }
  return static_cast<std::size_t>((horizon / static_cast<Duration::rep>(kRowsMax)) / step) + 1;
}

Result<ForecastQuery> read_forecast_query(const RouteRequest& request) {
  ForecastQuery query{.horizon = kHorizonDefault};
  if (const std::string_view text = request.parameter("horizon"); !text.empty()) {
    const Result<Duration> horizon = parse_duration(text);
    if (!horizon || *horizon <= Duration(0) || *horizon > kHorizonMax)
      return error(ErrorCode::Invalid, "horizon: " + (horizon ? "must be above zero and at most a year"
                                                              : horizon.error().message));
    query.horizon = *horizon;
  }
  if (const std::string_view text = request.parameter("at"); !text.empty()) {
    const Result<TimePoint> at = parse_time(text);
    if (!at) return error(ErrorCode::Invalid, "at: " + at.error().message);
    query.at = *at;
  }
  return query;
}

/// seconds() multiplies, and 200 ms would be 0.19999999999999998.
double exact_seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

HttpResponse no_such_queue(std::string_view name) {
  return problem(404,
                 "There is no queue \"" + std::string(name.substr(0, 100)) + "\". /v1/queues lists them.");
}

/// By level, one value a step.
void write_quantiles(std::string_view name, const std::vector<float>& values, JsonWriter& json) {
  json.key(name).open_array();
  const std::size_t horizon = values.size() / kForecastLevelCount;
  for (std::size_t level = 0; level < kForecastLevelCount && horizon > 0; ++level) {
    json.open_array();
    for (std::size_t h = 0; h < horizon; ++h) json.value(values[h * kForecastLevelCount + level]);
    json.close_array();
  }
  json.close_array();
}

void write_demand(const DemandForecast& demand, JsonWriter& json) {
  json.key("demand").open_object();
  write_quantiles("work_seconds", demand.work_seconds, json);
  write_quantiles("concurrency", demand.concurrency, json);
  write_quantiles("cores", demand.cores, json);
  write_quantiles("memory_bytes", demand.memory_bytes, json);
  json.key("priorities").open_array();
  for (const DemandForecast::OfPriority& one : demand.priorities) {
    json.open_object().member("priority", std::uint64_t{one.priority}).member("share", one.share);
    write_quantiles("messages", one.messages, json);
    write_quantiles("concurrency", one.concurrency, json);
    json.close_object();
  }
  json.close_array().close_object();
}

constexpr double kShareShown = 0.02;

using SignalNames = std::map<SignalId, std::string>;

std::string_view signal_name(const ForecastReason& reason, const SignalNames& names) {
  const auto found = names.find(SignalId(reason.signal));
  if (reason.kind != ForecastReason::Kind::Signal || found == names.end()) return {};
  return found->second;
}

void write_reasons(const std::vector<ForecastReason>& reasons, const Forecast& forecast,
                   const SignalNames& names, JsonWriter& json) {
  json.key("reasons").open_array();
  for (const ForecastReason& reason : reasons) {
    if (reason.share < kShareShown) continue;
    const std::string_view signal = signal_name(reason, names);
    json.open_object().member("kind", reason_kind_name(reason.kind)).member("share", reason.share);
    if (!signal.empty()) json.member("signal", signal);
    json.member("text", reason_text(reason, forecast.start, forecast.step, signal)).close_object();
  }
  json.close_array();
}

/// Those that carry the forecast, beside the part of the history that is shown and over the horizon.
void write_carrying_signals(const std::vector<ForecastReason>& reasons,
                            const std::vector<Regressor>& regressors, const SignalNames& names,
                            std::size_t shown, JsonWriter& json) {
  json.key("signals").open_array();
  for (const ForecastReason& reason : reasons) {
    const std::string_view name = signal_name(reason, names);
    const auto found = std::ranges::find(regressors, SignalId(reason.signal), &Regressor::signal);
    if (name.empty() || found == regressors.end() || !(reason.share > 0)) continue;
    json.open_object().member("name", name);
    json.key("past").values(std::span(found->past).last(std::min(shown, found->past.size())));
    json.key("future").values(found->future).close_object();
  }
  json.close_array();
}

}  // namespace

Result<FitRequest> forecast_request(const QueueArrivals& arrivals, const ForecastQuery& query) {
  if (arrivals.values.empty() || arrivals.step <= Duration(0))
    return error(ErrorCode::Invalid, "nothing has arrived yet, so there is nothing to forecast from");
  std::span<const float> known = arrivals.values;
  const TimePoint end = arrivals.start + arrivals.step * static_cast<Duration::rep>(known.size());
  if (query.at && *query.at < end) {
    if (*query.at <= arrivals.start)
      return error(ErrorCode::Invalid,
                   "at: the history begins at " + utc_text(arrivals.start) + "; give a later time than that");
    known = known.first(static_cast<std::size_t>((*query.at - arrivals.start) / arrivals.step));
  } else if (query.at && *query.at > end + arrivals.step) {
    return error(ErrorCode::Invalid, "at: the history ends at " + utc_text(end) +
                                         "; give an earlier time, or a longer horizon to look further ahead");
  }
  const std::size_t factor = factor_for(query.horizon, arrivals.step);
  FitRequest request;
  request.step = arrivals.step * static_cast<Duration::rep>(factor);
  request.arrivals = coarser(known, factor);
  const Duration span = arrivals.step * static_cast<Duration::rep>(known.size());
  if (request.arrivals.size() < kStepsBeforeForecast || span < query.horizon)
    return error(ErrorCode::Invalid,
                 "the history known then is " + format_duration(span) + " long, too short for a horizon of " +
                     format_duration(query.horizon) + "; ask for a shorter horizon, or later");
  const auto length = static_cast<Duration::rep>(request.arrivals.size());
  const TimePoint known_end = arrivals.start + arrivals.step * static_cast<Duration::rep>(known.size());
  request.start = known_end - request.step * length;
  request.horizon = static_cast<std::uint16_t>((query.horizon + request.step - Duration(1)) / request.step);
  return request;
}

QueueForecasts::QueueForecasts(Loop& loop, Routes& routes, Sources sources)
    : sources_(std::move(sources)), signals_(loop, *sources_.signals, sources_.told) {
  fits_ = FitWorker::make(loop,
                          {.command = {own_program(), "fit-worker", "--explain"}, .waiting_max = kWaitingMax},
                          [this](const FitAnswer& fitted) { answer(fitted); });
  const RouteParameter name{"name", "The queue's name"};
  routes.add(
      {.path = "/v1/queues/{name}/arrivals",
       .id = "getArrivals",
       .summary = "What a queue has seen, step by step; null where nothing was measured",
       .parameters = {name},
       .schema = R"({"type":"object","required":["queue","start","step_seconds","values"],)"
                 R"("properties":{"queue":{"type":"string"},"start":{"type":"number"},)"
                 R"("step_seconds":{"type":"number"},"values":{"$ref":"#/components/schemas/Series"}}})",
       .problems = {404},
       .handle = [this](const RouteRequest& request, const Reply& reply) { send_arrivals(request, reply); }});
  routes.add(
      {.path = "/v1/queues/{name}/forecast",
       .id = "getForecast",
       .summary = "A forecast of a queue over any horizon, with the history before it and what came after it",
       .parameters = {name,
                      {.name = "horizon", .description = "How far ahead, such as 6h; 1h unless given"},
                      {.name = "at",
                       .description = "As it would have been made then: RFC 3339, or seconds since 1970"}},
       .schema =
           R"({"type":"object","required":["queue","model","at","start","step_seconds","levels","quantiles","history","came","reasons","signals","demand"],)"
           R"("properties":{"queue":{"type":"string"},"model":{"type":"string"},"at":{"type":"number"},"start":{"type":"number"},)"
           R"("step_seconds":{"type":"number"},"levels":{"type":"array","items":{"type":"number"}},)"
           R"("quantiles":{"type":"array","description":"By level, a value a step","items":{"$ref":"#/components/schemas/Series"}},)"
           R"("history":{"$ref":"#/components/schemas/Series"},"came":{"$ref":"#/components/schemas/Series"},)"
           R"("reasons":{"type":"array","description":"What carries it, by share of the mix, then batches by share of all messages",)"
           R"("items":{"type":"object","required":["kind","share","text"],"properties":{)"
           R"("kind":{"enum":["newest","season","model","signal","batch"]},"share":{"type":"number"},"signal":{"type":"string"},"text":{"type":"string"}}}},)"
           R"("signals":{"type":"array","description":"Those that carry it, beside the history and over the horizon where that is known",)"
           R"("items":{"type":"object","required":["name","past","future"],"properties":{"name":{"type":"string"},)"
           R"("past":{"$ref":"#/components/schemas/Series"},"future":{"$ref":"#/components/schemas/Series"}}}},)"
           R"("demand":{"type":"object","description":"What that needs, as quantiles has it; empty where it was not measured",)"
           R"("required":["work_seconds","concurrency","cores","memory_bytes","priorities"],"properties":{)"
           R"("work_seconds":{"$ref":"#/components/schemas/Levels"},"concurrency":{"$ref":"#/components/schemas/Levels"},)"
           R"("cores":{"$ref":"#/components/schemas/Levels"},"memory_bytes":{"$ref":"#/components/schemas/Levels"},)"
           R"("priorities":{"type":"array","items":{"type":"object","required":["priority","share","messages","concurrency"],)"
           R"("properties":{"priority":{"type":"integer"},"share":{"type":"number"},"messages":{"$ref":"#/components/schemas/Levels"},)"
           R"("concurrency":{"$ref":"#/components/schemas/Levels"}}}}}}}})",
       .problems = {400, 404, 503},
       .handle = [this](const RouteRequest& request, const Reply& reply) { ask(request, reply); }});
}

void QueueForecasts::send_arrivals(const RouteRequest& request, const Reply& reply) const {
  const std::string_view name = request.parameter("name");
  const std::optional<QueueArrivals> arrivals = sources_.arrivals(name);
  if (!arrivals) {
    reply->send(no_such_queue(name));
    return;
  }
  std::string text;
  JsonWriter json(text);
  json.open_object().member("queue", name).member("start", epoch_seconds(arrivals->start));
  json.member("step_seconds", exact_seconds(arrivals->step));
  json.key("values").values(arrivals->values);
  json.close_object();
  reply->send(json_response(std::move(text)));
}

void QueueForecasts::ask(const RouteRequest& request, const Reply& reply) {
  const std::string name(request.parameter("name"));
  std::optional<QueueArrivals> arrivals = sources_.arrivals(name);
  if (!arrivals) {
    reply->send(no_such_queue(name));
    return;
  }
  const Result<ForecastQuery> query = read_forecast_query(request);
  Result<FitRequest> made = query ? forecast_request(*arrivals, *query) : std::unexpected(query.error());
  if (!made) {
    reply->send(problem(400, made.error().message));
    return;
  }
  const Duration step = arrivals->step;
  signals_.add(
      name, step, std::move(*made),
      [this, name, arrivals = std::move(*arrivals), reply](FitRequest with_signals, SignalNames names) {
        fit({name, arrivals, std::move(with_signals), reply, std::move(names)});
      });
}

void QueueForecasts::fit(Waiting asked) {
  asked.request.serial = ++serial_;
  // A worker moves a queue's last fit on where it can; each of these stands for itself.
  asked.request.queue = QueueId(serial_);
  FitRequest request = asked.request;
  waiting_.emplace(request.serial, std::move(asked));
  fits_->fit(std::move(request));
}

void QueueForecasts::answer(const FitAnswer& fitted) {
  const auto found = waiting_.find(fitted.fitted.serial);
  if (found == waiting_.end()) return;
  Waiting asked = std::move(found->second);
  waiting_.erase(found);
  if (fitted.fitted.forecasts.empty() && !asked.request.regressors.empty()) {
    // A signal can only add to what is known: with too many of them there may be no time.
    asked.request.regressors.clear();
    fit(std::move(asked));
    return;
  }
  if (fitted.fitted.forecasts.empty()) {
    asked.reply->send(problem(503, "No model could be fitted in time. Ask again, or for a shorter horizon."));
    return;
  }
  const std::string queue = asked.queue;
  std::vector<float> before = asked.request.arrivals;
  sources_.demand(queue, fitted.fitted.forecasts.back().forecast, std::move(before),
                  [asked = std::move(asked), fitted](const DemandForecast& demand) {
                    asked.reply->send(json_response(forecast_json(asked, fitted, demand)));
                  });
}

std::string QueueForecasts::forecast_json(const Waiting& asked, const FitAnswer& fitted,
                                          const DemandForecast& demand) {
  const ModelForecast& made = fitted.fitted.forecasts.back();  // the ensemble, unless only what stands in
  const std::vector<float>& known = asked.request.arrivals;
  const std::size_t shown =
      std::min(known.size(), std::max<std::size_t>(kRowsMax, 2 * made.forecast.horizon()));
  std::string text;
  JsonWriter json(text);
  json.open_object()
      .member("queue", asked.queue)
      .member("model", kModelNames[static_cast<std::size_t>(made.model)]);
  json.member("at", epoch_seconds(made.forecast.start)).member("start", epoch_seconds(made.forecast.start));
  json.member("step_seconds", exact_seconds(made.forecast.step)).key("levels").open_array();
  for (const double level : kForecastLevels) json.value(level);
  json.close_array();
  write_quantiles("quantiles", made.forecast.values, json);
  json.key("history").values(std::span(known).last(shown));
  // What came since, where the forecast is one of the past.
  const auto factor = static_cast<std::size_t>(made.forecast.step / asked.arrivals.step);
  const auto passed =
      static_cast<std::size_t>((made.forecast.start - asked.arrivals.start) / asked.arrivals.step);
  const std::size_t rows =
      std::min((asked.arrivals.values.size() - passed) / factor, made.forecast.horizon());
  const std::span<const float> since = std::span(asked.arrivals.values).subspan(passed, rows * factor);
  json.key("came").values(coarser(since, factor));
  write_reasons(fitted.reasons, made.forecast, asked.signals, json);
  write_carrying_signals(fitted.reasons, asked.request.regressors, asked.signals, shown, json);
  write_demand(demand, json);
  json.close_object();
  return text;
}

}  // namespace forewarm
