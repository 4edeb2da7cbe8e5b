#include "app/controlled.h"

#include <algorithm>
#include <utility>

#include "app/directive_json.h"
#include "app/target_models.h"
#include "edge/observe/clock_text.h"

namespace forewarm {
namespace {

void write_optional(std::string_view name, const std::optional<std::uint32_t>& number, JsonWriter& json) {
  json.key(name);
  if (number)
    json.value(*number);
  else
    json.null();
}

void write_schedule(const Controlled& c, JsonWriter& json) {
  json.key("schedule");
  if (c.target->schedule() == nullptr) {
    json.null();
    return;
  }
  json.open_object().key("levels").open_array();
  for (const PlannedLevel& level : c.schedule.levels)
    json.open_object().member("at", utc_text(level.at)).member("instances", level.instances).close_object();
  json.close_array().key("changes").open_array();
  for (const std::string& change : c.schedule.changes) json.value(change);
  json.close_array().member("problem", c.schedule.problem).close_object();
}

}  // namespace

const char* const kControlledSchema =
    R"({"type":"object","required":["queue","target","decided","apply","silent","set","instances","why","directives","order","schedule","reading_problem","target_problem","refusal"],"properties":{)"
    R"("queue":{"type":"string"},"target":{"type":"string"},)"
    R"("decided":{"type":"string","format":"date-time"},)"
    R"("apply":{"type":"boolean","description":"false: nothing is sent"},)"
    R"("silent":{"type":"boolean","description":"nothing is known of the queue: nothing is taken away"},)"
    R"("set":{"type":["integer","null"],"description":"instances set at the target"},)"
    R"("most":{"type":["integer","null"],"description":"that the target takes as it is set up now"},)"
    R"("held_from":{"type":["integer","null"],"description":"so many are wanted, more than the target takes; null: it takes what is wanted"},)"
    R"("instances":{"type":"integer","description":"that the plan asks for"},)"
    R"("why":{"type":"string"},)"
    R"("directives":{"type":"array","items":{"$ref":"#/components/schemas/Directive"}},)"
    R"("order":{"description":"what would be sent: in shadow mode, or if this copy led","type":["object","null"],"required":["instances","request"],"properties":{"instances":{"type":"integer"},"request":{"type":"string"}}},)"
    R"("schedule":{"description":"what the target is to set by itself; null: it keeps no numbers for times to come","type":["object","null"],"required":["levels","changes","problem"],"properties":{)"
    R"("levels":{"type":"array","items":{"type":"object","required":["at","instances"],"properties":{"at":{"type":"string","format":"date-time"},"instances":{"type":"integer"}}}},)"
    R"("changes":{"type":"array","description":"what would be sent, in shadow mode","items":{"type":"string"}},)"
    R"("problem":{"type":"string","description":"why the target does not keep it so"}}},)"
    R"("reading_problem":{"type":"string"},"target_problem":{"type":"string"},"refusal":{"type":"string"}}})";

Duration silent_after(const ControlFile& file, const ControlConfig& control) {
  return std::max(control.silent_after, 3 * file.every);
}

ControlledQueue::Settings queue_settings(const ControlFile& file, const ControlConfig& control, QueueId id,
                                         bool readable) {
  ControlledQueue::Settings settings;
  settings.watched.queue = id;
  settings.watched.scaling = control.scaling;
  settings.watched.forecast = file.forecast;
  settings.watched.target = actuator_of(control.target);
  settings.watched.service_time = control.service_time;
  settings.watched.silent_after = silent_after(file, control);
  settings.watched.lag = lag_of(control.metrics);
  const TargetModel* model = find_target_model(control.target.kind);
  settings.least = model->least;
  settings.most = model->most;
  settings.readable = readable;
  settings.scale_down_delay = control.scale_down_delay;
  return settings;
}

void note_problems(Controlled& c, const Error* unread, const std::optional<Result<TargetState>>& state,
                   Log& log) {
  const auto note = [&](std::string& before, const std::string& problem, const char* what, const char* back) {
    if (problem == before) return;
    if (problem.empty())
      log.info(back, {{"queue", c.config.queue}});
    else
      log.warning(what, {{"queue", c.config.queue}, {"reason", problem}});
    before = problem;
  };
  ++c.counts.readings;
  if (unread != nullptr) ++c.counts.readings_failed;
  note(c.reading_error, unread != nullptr ? unread->message : "",
       "there is no reading of the queue; what is there stays", "the queue's readings are back");
  if (!state) return;
  if (!*state) ++c.counts.target_readings_failed;
  note(c.target_error, *state ? "" : state->error().message,
       "the target does not say what it has; nothing is changed", "the target says what it has again");
}

void observe_readings(Controlled& c, const Result<QueueReadings>& readings,
                      const std::optional<Result<TargetState>>& state, TimePoint now) {
  if (state) c.queue.observe_target(*state);
  if (!readings) return c.queue.observe(now, std::unexpected(readings.error()));
  for (QueueReading each : *readings) {
    if (state && *state && !each.instances_ready) each.instances_ready = (*state)->ready;
    // Periods that are told together were not at once.
    const auto earlier = each.period ? readings->back().period->to - each.period->to : Duration(0);
    c.queue.observe(now - earlier, each);
    c.read_at = each.period ? each.period->to : now;
  }
}

void restore_past(Controlled& c, RecentQueue past, TimePoint now, Log& log) {
  const std::uint64_t steps = past.arrivals.size();
  c.queue.watched().restore(now,
                            HistoryRestored{c.id, past.start, std::move(past.arrivals), std::move(past.bytes),
                                            std::move(past.work_seconds), past.service_times.sample()});
  log.info("history is back", {{"queue", c.config.queue}, {"steps", steps}});
}

TimePoint record_from(const Controlled& c, TimePoint now) {
  const IntervalCounts& counted = c.queue.watched().history();
  if (cloud_metrics_of(c.config.metrics)) return counted.empty() ? TimePoint() : counted.open_start();
  return now - now.time_since_epoch() % counted.step();
}

DirectiveRecord directive_record(const Controlled& c, const TargetOrder& order, DirectiveOutcome outcome,
                                 const std::string& answer) {
  return {.target = c.config.target.kind,
          .outcome = outcome,
          .instances = order.instances,
          .before = order.before,
          .request = c.target->request_text(order.instances),
          .answer = answer};
}

std::optional<DirectiveRecord> note_held(Controlled& c) {
  const std::optional<std::uint32_t> held = c.queue.held_from();
  const bool said = held && c.held_from && *held <= *c.held_from;
  if (!said) c.held_from = held;
  if (said || !held) return std::nullopt;
  const bool scalable = c.config.target.kind == "application-auto-scaling";
  const std::string most = std::to_string(c.queue.most().value_or(0));
  return DirectiveRecord{.target = c.config.target.kind,
                         .outcome = DirectiveOutcome::Refused,
                         .instances = held,
                         .before = c.queue.set(),
                         .request = {},
                         .answer = "not sent: the target takes " + most +
                                   " at most as it is set up, and is told no more than that. " +
                                   (scalable ? "Raise its MaxCapacity, or let control do so with "
                                               "target.raise_maximum = true"
                                             : "Raise its maximum")};
}

void say(const Controlled& c, const DirectiveRecord& directive, Log& log) {
  const LogField instances =
      directive.instances ? LogField{"instances", *directive.instances} : LogField{"instances", "nothing"};
  const std::string at = directive.scheduled_for ? utc_text(*directive.scheduled_for) : "";
  log.write(directive.outcome == DirectiveOutcome::Refused ? LogLevel::Warning : LogLevel::Info, "directive",
            {{"queue", c.config.queue},
             {"target", directive.target},
             {"outcome", word(directive.outcome)},
             instances,
             {"before", directive.before ? std::to_string(*directive.before) : std::string("nothing")},
             {"scheduled_for", at},
             {"request", directive.request},
             {"answer", directive.answer}});
}

std::vector<HistoryBatch> take_closed_steps(Controlled& c) {
  const IntervalCounts& counted = c.queue.watched().history();
  const Duration step = counted.step();
  const TimePoint since = c.recorded_until;
  std::vector<HistoryBatch> batches;
  for (std::size_t age = 0; age < counted.closed(); ++age) {
    const TimePoint start = counted.open_start() - step * static_cast<Duration::rep>(age + 1);
    if (start < since) break;
    c.recorded_until = std::max(c.recorded_until, start + step);
    const IntervalCount count = counted.closed_at(age);
    if (count.arrivals != count.arrivals) continue;
    QueueMeasures measures;
    measures.arrivals = count.arrivals;
    measures.service_seconds = count.work_seconds;
    measures.bytes = measures.runs = kNotMeasured;
    measures.by_priority.fill(kNotMeasured);
    HistoryBatch batch{.start = start, .step = step};
    batch.queues.push_back({c.config.queue, std::move(measures)});
    batches.push_back(std::move(batch));
  }
  return batches;
}

ControlSample sample_of(const Controlled& c, TimePoint now) {
  ControlSample sample = c.counts;
  const WatchedQueue& watched = c.queue.watched();
  const QueueReading& reading = watched.reading();
  sample.queue = c.config.queue;
  sample.target = c.config.target.kind;
  sample.silent = watched.silent(now);
  if (!sample.silent) {
    sample.waiting = reading.waiting;
    sample.in_flight = reading.in_flight;
    if (reading.oldest_wait) sample.oldest_wait_seconds = seconds(*reading.oldest_wait);
    sample.instances_ready = reading.instances_ready;
  }
  sample.instances_set = c.queue.set();
  sample.instances_planned = c.queue.plan().instances;
  if (const ModelForecast* best = watched.forecast(now); best != nullptr && now >= best->forecast.start) {
    const auto row = static_cast<std::size_t>((now - best->forecast.start) / best->forecast.step);
    if (row < best->forecast.horizon()) {
      sample.forecast_median = best->forecast.quantile(row, 0.5);
      sample.forecast_high = best->forecast.quantile(row, 0.99);
    }
  }
  sample.reading_age_seconds = seconds(now - c.read_at);
  sample.refused_in_row = c.queue.refused_in_row();
  return sample;
}

void write_controlled(const Controlled& c, TimePoint now, bool apply, JsonWriter& json) {
  const ScalingPlan& plan = c.queue.plan();
  json.open_object().member("queue", c.config.queue).member("target", c.config.target.kind);
  json.member("decided", utc_text(plan.at)).member("apply", apply);
  json.member("silent", c.queue.watched().silent(now));
  write_optional("set", c.queue.set(), json);
  write_optional("most", c.queue.most(), json);
  write_optional("held_from", c.queue.held_from(), json);
  json.member("instances", plan.instances);
  json.member("why", explain({plan.at, c.config.queue, PlanDecision{plan, c.queue.set().value_or(0)}}));
  json.key("directives").open_array();
  for (const Directive& directive : c.queue.watched().directives(now).directives)
    write_directive(c.config.queue, directive, json);
  json.close_array().key("order");
  if (c.recommended) {
    json.open_object().member("instances", c.recommended->instances);
    json.member("request", c.target->request_text(c.recommended->instances)).close_object();
  } else {
    json.null();
  }
  write_schedule(c, json);
  json.member("reading_problem", c.reading_error).member("target_problem", c.target_error);
  json.member("refusal", c.refusal).close_object();
}

}  // namespace forewarm
