#include "edge/observe/schemas.h"

#include <array>

namespace forewarm {
namespace {

constexpr std::string_view kInstances = R"({
  "type": "object", "description": "Instances of a function by state",
  "required": ["starting", "idle", "busy", "frozen", "stopping"], "additionalProperties": false,
  "properties": {"starting": {"type": "integer"}, "idle": {"type": "integer"}, "busy": {"type": "integer"},
    "frozen": {"type": "integer"}, "stopping": {"type": "integer"}}})";

constexpr std::string_view kQueue = R"({
  "type": "object", "description": "A queue; counts run since the server's start, times are seconds since 1970",
  "required": ["name", "function", "ready", "delayed", "in_flight", "oldest_wait_seconds", "step_start", "step_seconds",
    "arrivals_last_step", "arrived", "started", "late", "retries", "dead_letters", "paused",
    "dead_letter_errors", "objective_seconds", "planned",
    "scaling", "instances"],
  "properties": {
    "name": {"type": "string"},
    "function": {"type": "string", "description": "Empty where the queue is mapped to none"},
    "ready": {"type": "integer"}, "delayed": {"type": "integer"}, "in_flight": {"type": "integer"},
    "oldest_wait_seconds": {"type": "number"},
    "step_start": {"type": "number", "description": "Of the newest closed step"},
    "step_seconds": {"type": "number"},
    "arrivals_last_step": {"type": ["number", "null"], "description": "Messages; null where nothing was measured"},
    "arrived": {"type": "integer"}, "started": {"type": "integer", "description": "First starts"},
    "late": {"type": "integer", "description": "First starts past the deadline"},
    "retries": {"type": "integer"}, "dead_letters": {"type": "integer"},
    "paused": {"type": "boolean", "description": "Nothing is handed out"},
    "dead_letter_errors": {"type": "integer", "description": "Different ones that its messages have failed with"},
    "objective_seconds": {"type": "number", "description": "A message should start within this; 0: none"},
    "planned": {"type": "integer", "description": "Instances that the plan wants"},
    "scaling": {"type": ["object", "null"], "description": "What an operator has told it instead of planning; null: nothing",
      "required": ["order", "instances", "until"], "additionalProperties": false,
      "properties": {"order": {"type": "string", "enum": ["pause_in", "pause_out", "force"]},
        "instances": {"type": "integer", "description": "Forced"},
        "until": {"type": ["number", "null"], "description": "Null: until it is resumed"}}},
    "instances": {"$ref": "#/components/schemas/Instances"}}})";

constexpr std::string_view kForecast = R"({
  "type": ["object", "null"], "description": "Quantiles of arrivals, messages a step; one value a step from start on",
  "required": ["start", "step_seconds", "model", "p5", "p25", "p50", "p75", "p95"], "additionalProperties": false,
  "properties": {
    "start": {"type": "number"}, "step_seconds": {"type": "number"},
    "model": {"type": "string", "enum": ["none", "seasonal_quantiles", "exponential_smoothing", "ensemble"]},
    "p5": {"$ref": "#/components/schemas/Series"}, "p25": {"$ref": "#/components/schemas/Series"},
    "p50": {"$ref": "#/components/schemas/Series"}, "p75": {"$ref": "#/components/schemas/Series"},
    "p95": {"$ref": "#/components/schemas/Series"}}})";

constexpr std::string_view kSeries = R"({"type": "array", "items": {"type": ["number", "null"]}})";

constexpr std::string_view kLevels = R"({
  "type": "array", "description": "By level, a value a step; empty where it was not measured",
  "items": {"$ref": "#/components/schemas/Series"}})";

constexpr std::string_view kPlan = R"({
  "type": ["object", "null"],
  "required": ["at", "until", "instances", "warm_floor", "keep_idle_seconds", "constraint", "level", "lead_seconds",
    "explanation"], "additionalProperties": false,
  "properties": {
    "at": {"type": "number"}, "until": {"type": "number"}, "instances": {"type": "integer"},
    "warm_floor": {"type": "integer"}, "keep_idle_seconds": {"type": "number"},
    "constraint": {"type": "string", "enum": ["cost", "backlog", "minimum", "maximum", "budget", "baseline",
      "no_forecast", "trust", "no_lead", "hazard", "rule", "override", "forced", "paused",
      "silence"]},
    "level": {"type": "number"}, "lead_seconds": {"type": "number"}, "explanation": {"type": "string"}}})";

constexpr std::string_view kHistory = R"({
  "type": "object", "description": "Columns: one value a second, and one a closed step",
  "required": ["at", "ready", "in_flight", "arrived", "late", "starting", "idle", "busy", "frozen", "planned", "steps"],
  "additionalProperties": false,
  "properties": {
    "at": {"$ref": "#/components/schemas/Series"}, "ready": {"$ref": "#/components/schemas/Series"},
    "in_flight": {"$ref": "#/components/schemas/Series"}, "arrived": {"$ref": "#/components/schemas/Series"}, "late": {"$ref": "#/components/schemas/Series"},
    "starting": {"$ref": "#/components/schemas/Series"}, "idle": {"$ref": "#/components/schemas/Series"},
    "busy": {"$ref": "#/components/schemas/Series"}, "frozen": {"$ref": "#/components/schemas/Series"},
    "planned": {"$ref": "#/components/schemas/Series"},
    "steps": {"type": "object",
      "description": "Arrivals, and what had been forecast of the step just before it began",
      "required": ["start", "step_seconds", "arrivals", "p5", "p25", "p50", "p75", "p95"],
      "additionalProperties": false,
      "properties": {
        "start": {"$ref": "#/components/schemas/Series"}, "step_seconds": {"$ref": "#/components/schemas/Series"},
        "arrivals": {"$ref": "#/components/schemas/Series"}, "p5": {"$ref": "#/components/schemas/Series"},
        "p25": {"$ref": "#/components/schemas/Series"}, "p50": {"$ref": "#/components/schemas/Series"},
        "p75": {"$ref": "#/components/schemas/Series"}, "p95": {"$ref": "#/components/schemas/Series"}}}}})";

constexpr std::string_view kQueueDetail = R"({
  "allOf": [{"$ref": "#/components/schemas/Queue"}, {"type": "object",
    "required": ["forecast", "plan", "history"],
    "properties": {
      "forecast": {"$ref": "#/components/schemas/Forecast"}, "plan": {"$ref": "#/components/schemas/Plan"},
      "history": {"$ref": "#/components/schemas/History"}}}]})";

constexpr std::string_view kFunction = R"({
  "type": "object",
  "required": ["name", "version", "instances", "instances_wanted", "workers", "cold_starts", "warm_starts", "runs",
    "start_time_mean_seconds", "start_time_p95_seconds", "service_time_mean_seconds", "service_time_p95_seconds",
    "memory_bytes", "memory_need_p99_bytes", "memory_measured_runs"],
  "additionalProperties": false,
  "properties": {
    "name": {"type": "string"}, "version": {"type": "integer"},
    "instances": {"$ref": "#/components/schemas/Instances"},
    "instances_wanted": {"type": "integer", "description": "Those that there are to be; for who scales workers"},
    "workers": {"type": "object", "required": ["used", "unused"], "additionalProperties": false,
      "description": "Connected, of functions with runtime = \"workers\"",
      "properties": {"used": {"type": "integer"}, "unused": {"type": "integer"}}},
    "cold_starts": {"type": "integer", "description": "Instances started because messages already waited"},
    "warm_starts": {"type": "integer", "description": "Instances started ahead of need"},
    "runs": {"type": "integer"},
    "start_time_mean_seconds": {"type": "number"}, "start_time_p95_seconds": {"type": "number"},
    "service_time_mean_seconds": {"type": "number"}, "service_time_p95_seconds": {"type": "number"},
    "memory_bytes": {"type": "array", "items": {"type": "integer"}, "description": "Declared, of each variant"},
    "memory_need_p99_bytes": {"type": ["number", "null"],
      "description": "What 99 of 100 messages of the class that needs most need at most, as learned from measured runs"},
    "memory_measured_runs": {"type": "integer"}}})";

constexpr std::string_view kDecision = R"({
  "type": "object", "description": "A decision with everything that decided it",
  "required": ["at_us", "time", "queue", "kind", "explanation"],
  "properties": {
    "at_us": {"type": "integer", "description": "Microseconds since 1970"},
    "time": {"type": "string", "format": "date-time"}, "queue": {"type": "string"},
    "kind": {"type": "string", "enum": ["plan", "start", "stop", "retry", "move", "route", "directive"]},
    "explanation": {"type": "string", "description": "The decision in a sentence or a few"}}})";

constexpr std::string_view kLogLine = R"({
  "type": "object", "required": ["time", "function", "instance", "run", "request_id", "text"], "additionalProperties": false,
  "properties": {
    "time": {"type": "string", "format": "date-time"}, "function": {"type": "string"},
    "instance": {"type": "integer"}, "run": {"type": ["integer", "null"]},
    "request_id": {"type": ["string", "null"]}, "text": {"type": "string"}}})";

constexpr std::string_view kServer = R"({
  "type": "object",
  "required": ["version", "at", "ready", "uptime_seconds", "events", "memory_bytes", "functions_memory_bytes",
    "store_bytes"], "additionalProperties": false,
  "properties": {
    "version": {"type": "string"}, "at": {"type": "number"}, "ready": {"type": "boolean"},
    "uptime_seconds": {"type": "number"}, "events": {"type": "integer"}, "memory_bytes": {"type": "integer"},
    "functions_memory_bytes": {"type": "integer"}, "store_bytes": {"type": "integer"}}})";

constexpr std::string_view kTotals = R"({
  "type": "object",
  "required": ["arrived", "started", "late", "retries", "dead_letters", "cold_starts", "warm_starts",
    "cold_starts_avoided", "instance_seconds", "instances"], "additionalProperties": false,
  "properties": {
    "arrived": {"type": "integer"}, "started": {"type": "integer"}, "late": {"type": "integer"},
    "retries": {"type": "integer"}, "dead_letters": {"type": "integer"}, "cold_starts": {"type": "integer"},
    "warm_starts": {"type": "integer"}, "cold_starts_avoided": {"type": "integer"},
    "instance_seconds": {"type": "number"}, "instances": {"$ref": "#/components/schemas/Instances"}}})";

constexpr std::string_view kProgress = R"({
  "type": ["object", "null"], "required": ["title", "share", "left_seconds"], "additionalProperties": false,
  "properties": {
    "title": {"type": "string"}, "share": {"type": "number"}, "left_seconds": {"type": "number"}}})";

constexpr std::string_view kOverview = R"({
  "type": "object", "required": ["server", "totals", "progress", "queues"], "additionalProperties": false,
  "properties": {
    "server": {"$ref": "#/components/schemas/Server"}, "totals": {"$ref": "#/components/schemas/Totals"},
    "progress": {"$ref": "#/components/schemas/Progress"},
    "queues": {"type": "array", "items": {"$ref": "#/components/schemas/Queue"}}}})";

constexpr auto kSchemas = std::to_array<NamedSchema>({{"Instances", kInstances},
                                                      {"Queue", kQueue},
                                                      {"Forecast", kForecast},
                                                      {"Series", kSeries},
                                                      {"Levels", kLevels},
                                                      {"Plan", kPlan},
                                                      {"History", kHistory},
                                                      {"QueueDetail", kQueueDetail},
                                                      {"Function", kFunction},
                                                      {"Decision", kDecision},
                                                      {"LogLine", kLogLine},
                                                      {"Server", kServer},
                                                      {"Totals", kTotals},
                                                      {"Progress", kProgress},
                                                      {"Overview", kOverview}});

}  // namespace

std::span<const NamedSchema> api_schemas() {
  return kSchemas;
}

}  // namespace forewarm
