// What OpenTelemetry's own packages make of what forewarm sends and hands on: the generated definitions of the protocol, and the
// propagators of W3C Trace Context and AWS X-Ray. Prints JSON.
//   node otlp.mjs decode traces|metrics FILE   a JSON list of bodies; an error for anything that the definitions do not have
//   node otlp.mjs inject                       contexts of senders, with what they add to a message
//   node otlp.mjs extract TEXT                 what X-Amzn-Trace-Id says
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ROOT_CONTEXT, TraceFlags, defaultTextMapGetter, defaultTextMapSetter, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { AWSXRayPropagator } from "@opentelemetry/propagator-aws-xray";

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve("@opentelemetry/otlp-transformer/package.json"));
const root = require(join(folder, "build", "src", "generated", "root.js"));
const collector = root.opentelemetry.proto.collector;

const kIds = new Set(["traceId", "spanId", "parentSpanId"]);

/** Ids in base64, as protobuf's own JSON mapping would have them: the one thing in which OTLP's differs. */
function withBase64Ids(value, key) {
  if (kIds.has(key)) {
    assert.match(value, /^([0-9a-f]{16}|[0-9a-f]{32})$/, key);
    return Buffer.from(value, "hex").toString("base64");
  }
  if (Array.isArray(value)) return value.map((each) => withBase64Ids(each));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withBase64Ids(each, name)]));
}

/** An empty list is no list to protobuf. */
function withoutEmptyLists(value) {
  if (Array.isArray(value)) return value.map(withoutEmptyLists);
  if (value === null || typeof value !== "object") return value;
  const filled = Object.entries(value).filter(([, each]) => !(Array.isArray(each) && each.length === 0));
  return Object.fromEntries(filled.map(([name, each]) => [name, withoutEmptyLists(each)]));
}

/** Through the binary form and back. What the definitions do not know would not come back. */
function decode(type, body) {
  const sent = withoutEmptyLists(withBase64Ids(JSON.parse(body)));
  const read = type.decode(type.encode(type.fromObject(sent)).finish());
  const back = type.toObject(read, { longs: String, bytes: String, json: true });
  assert.deepEqual(withoutEmptyLists(back), sent);
  return sent;
}

function plain(value) {
  return Object.values(value)[0];
}

function attributes(of) {
  return Object.fromEntries((of.attributes ?? []).map(({ key, value }) => [key, plain(value)]));
}

const toHex = (id) => Buffer.from(id ?? "", "base64").toString("hex");

function decodeTraces(bodies) {
  const out = { spans: [], resource: {} };
  for (const body of bodies) {
    for (const { resource, scopeSpans } of decode(collector.trace.v1.ExportTraceServiceRequest, body).resourceSpans) {
      out.resource = attributes(resource);
      for (const span of scopeSpans.flatMap((each) => each.spans)) {
        out.spans.push({
          ...span, traceId: toHex(span.traceId), spanId: toHex(span.spanId), parentSpanId: toHex(span.parentSpanId),
          attributes: attributes(span), status: span.status ?? {},
          links: (span.links ?? []).map((link) => ({ traceId: toHex(link.traceId), spanId: toHex(link.spanId) })),
        });
      }
    }
  }
  return out;
}

function decodeMetrics(bodies) {
  const out = { metrics: {}, resource: {} };
  for (const { resource, scopeMetrics } of bodies.slice(-1).flatMap(
    (body) => decode(collector.metrics.v1.ExportMetricsServiceRequest, body).resourceMetrics)) {
    out.resource = attributes(resource);
    for (const metric of scopeMetrics.flatMap((each) => each.metrics)) {
      const kind = ["sum", "gauge", "histogram"].find((each) => metric[each]);
      if (kind !== "gauge") assert.equal(metric[kind].aggregationTemporality, 2);
      for (const point of metric[kind].dataPoints) {
        const labels = Object.entries(attributes(point)).map(([name, value]) => `${name}="${value}"`).sort().join(",");
        out.metrics[metric.name + (labels ? `{${labels}}` : "")] = {
          ...point, name: metric.name, kind, unit: metric.unit, value: point.asDouble };
      }
    }
  }
  return out;
}

function inject(propagator, traceFlags) {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  const spanContext = { traceId: seconds + randomBytes(12).toString("hex"), spanId: randomBytes(8).toString("hex"), traceFlags };
  const carrier = {};
  propagator.inject(trace.setSpanContext(ROOT_CONTEXT, spanContext), carrier, defaultTextMapSetter);
  return { traceId: spanContext.traceId, spanId: spanContext.spanId, carrier };
}

const [what, ...rest] = process.argv.slice(2);
let answer;
if (what === "decode") {
  const bodies = JSON.parse(readFileSync(rest[1], "utf8"));
  answer = rest[0] === "traces" ? decodeTraces(bodies) : decodeMetrics(bodies);
} else if (what === "inject") {
  const w3c = new W3CTraceContextPropagator();
  const xray = new AWSXRayPropagator();
  answer = {
    w3c: inject(w3c, TraceFlags.SAMPLED), xray: inject(xray, TraceFlags.SAMPLED), header: inject(xray, TraceFlags.SAMPLED),
    unsampled: inject(w3c, TraceFlags.NONE),
  };
} else {
  const context = new AWSXRayPropagator().extract(ROOT_CONTEXT, { "x-amzn-trace-id": rest[0] }, defaultTextMapGetter);
  const found = trace.getSpanContext(context);
  answer = { traceId: found.traceId, spanId: found.spanId, sampled: (found.traceFlags & TraceFlags.SAMPLED) !== 0 };
}
console.log(JSON.stringify(answer));
