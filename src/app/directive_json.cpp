#include "app/directive_json.h"

#include "edge/observe/clock_text.h"
#include "edge/observe/decision_record.h"

namespace forewarm {

const char* const kDirectiveSchema =
    R"({"type":"object","required":["set_at","from","until","instances","before","cost_instance_seconds","late_messages_saved","why"],"properties":{)"
    R"("set_at":{"type":"string","format":"date-time","description":"when to tell the target"},)"
    R"("from":{"type":"string","format":"date-time","description":"when the instances are needed"},)"
    R"("until":{"type":"string","format":"date-time"},)"
    R"("instances":{"type":"integer","minimum":0},"before":{"type":"integer","minimum":0},)"
    R"("cost_instance_seconds":{"type":"number","description":"beside leaving what was set; below zero: saved"},)"
    R"("late_messages_saved":{"type":"number","description":"expected, beside leaving what was set"},)"
    R"("why":{"type":"string"}}})";

namespace {

std::string why(const std::string& queue, const Directive& directive) {
  ScalingPlan plan;
  plan.at = directive.from;
  plan.until = directive.until;
  plan.instances = directive.instances;
  plan.reason = directive.reason;
  return explain({directive.from, queue, PlanDecision{plan, directive.before}});
}

}  // namespace

void write_directive(const std::string& queue, const Directive& directive, JsonWriter& json) {
  json.open_object().member("set_at", utc_text(directive.set_at)).member("from", utc_text(directive.from));
  json.member("until", utc_text(directive.until)).member("instances", directive.instances);
  json.member("before", directive.before).member("cost_instance_seconds", directive.cost_seconds);
  json.member("late_messages_saved", directive.late_messages_saved).member("why", why(queue, directive));
  json.close_object();
}

}  // namespace forewarm
