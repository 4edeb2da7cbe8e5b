import type { Decision, History, Message, Queue, QueueDetail, Series } from "./types";

export const kKeptSeconds = 600;
const kSparklinePoints = 60;
const kDecisionsKept = 200;

/** All that the page shows, put together from the stream's "hello" and "tick" events. */
export interface View extends Message {
  sparklines: Map<string, number[]>;
  /** What is forecast of the selected queue's next steps, by their start. */
  expected: Map<number, Expected>;
}

interface Expected {
  p5: number | null;
  p25: number | null;
  p50: number | null;
  p75: number | null;
  p95: number | null;
}

export function fromHello(message: Message): View {
  const sparklines = new Map<string, number[]>();
  for (const queue of message.queues) sparklines.set(queue.name, queue.sparkline ?? []);
  const expected = new Map<number, Expected>();
  // The step that is open now too, since its forecast from before it began is not to be had any more.
  if (message.queue) expect(expected, message.queue, message.server.at - message.queue.step_seconds);
  return { ...message, sparklines, expected };
}

export function withTick(view: View, tick: Message): View {
  return {
    ...tick,
    expected: view.expected,
    sparklines: nextSparklines(view, tick.queues),
    queue: nextDetail(view, tick),
    decisions: [...view.decisions, ...tick.decisions].slice(-kDecisionsKept) as Decision[],
  };
}

function nextSparklines(view: View, queues: Queue[]): Map<string, number[]> {
  const before = new Map(view.queues.map((queue) => [queue.name, queue.arrived]));
  const sparklines = new Map<string, number[]>();
  for (const queue of queues) {
    const arrived = Math.max(0, queue.arrived - (before.get(queue.name) ?? queue.arrived));
    const points = [...(view.sparklines.get(queue.name) ?? []), arrived];
    sparklines.set(queue.name, points.slice(-kSparklinePoints));
  }
  return sparklines;
}

function nextDetail(view: View, tick: Message): QueueDetail | null {
  const before = view.queue;
  const now = tick.queue;
  if (!now) return null;
  if (!before || before.name !== now.name) return now;
  const history = before.history;
  append(history, before, now, tick.server.at);
  closeStep(history, view.expected, now);
  expect(view.expected, now, tick.server.at);
  trim(history, tick.server.at - kKeptSeconds);
  return { ...now, history };
}

function append(history: History, before: Queue, now: QueueDetail, at: number): void {
  history.at.push(at);
  history.ready.push(now.ready);
  history.in_flight.push(now.in_flight);
  history.arrived.push(Math.max(0, now.arrived - before.arrived));
  history.late.push(Math.max(0, now.late - before.late));
  history.starting.push(now.instances.starting);
  history.idle.push(now.instances.idle);
  history.busy.push(now.instances.busy);
  history.frozen.push(now.instances.frozen);
  history.planned.push(now.planned);
}

/** When a step has closed, adds it with what had been forecast of it before it began. */
function closeStep(history: History, expected: Map<number, Expected>, now: QueueDetail): void {
  const steps = history.steps;
  const last = steps.start[steps.start.length - 1] ?? 0;
  if (now.step_start <= last || now.step_start === 0) return;
  const said = expected.get(now.step_start);
  steps.start.push(now.step_start);
  steps.step_seconds.push(now.step_seconds);
  steps.arrivals.push(now.arrivals_last_step);
  steps.p5.push(said?.p5 ?? null);
  steps.p25.push(said?.p25 ?? null);
  steps.p50.push(said?.p50 ?? null);
  steps.p75.push(said?.p75 ?? null);
  steps.p95.push(said?.p95 ?? null);
}

function expect(expected: Map<number, Expected>, queue: QueueDetail, at: number): void {
  for (const start of expected.keys()) if (start < at - kKeptSeconds) expected.delete(start);
  const forecast = queue.forecast;
  if (!forecast) return;
  for (let h = 0; h < forecast.p50.length; ++h) {
    const start = Math.round((forecast.start + h * forecast.step_seconds) * 1000) / 1000;
    if (start <= at) continue;
    if (start > at + 2 * Math.max(1, forecast.step_seconds)) break;
    const value = (series: number[]): number | null => series[h] ?? null;
    expected.set(start, {
      p5: value(forecast.p5),
      p25: value(forecast.p25),
      p50: value(forecast.p50),
      p75: value(forecast.p75),
      p95: value(forecast.p95),
    });
  }
}

function trim(history: History, from: number): void {
  const { steps, ...columns } = history;
  dropBefore(history.at, from, Object.values(columns) as Series[]);
  dropBefore(steps.start, from, Object.values(steps) as Series[]);
}

function dropBefore(times: number[], from: number, columns: Series[]): void {
  let old = 0;
  while (old < times.length && (times[old] as number) < from) ++old;
  if (old > 0) for (const column of columns) column.splice(0, old);
}
