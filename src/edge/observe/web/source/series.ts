import type uPlot from "uplot";
import type { QueueDetail, Series } from "./types";

type Column = (number | null)[];

/** Columns of the arrivals chart: x, p95, p75, p25, p5, median, arrivals of closed steps, arrivals of the open step. */
export function arrivalColumns(queue: QueueDetail, now: number): uPlot.AlignedData {
  const { steps, at, arrived } = queue.history;
  const x: number[] = [];
  const rows: Column[] = [[], [], [], [], [], [], []];
  const push = (time: number, values: Column): void => {
    x.push(time);
    rows.forEach((row, i) => row.push(values[i] ?? null));
  };
  const perSecond = (value: number | null | undefined, seconds: number): number | null =>
    value === null || value === undefined ? null : value / seconds;

  let end = 0;
  let width = queue.step_seconds;
  steps.start.forEach((start, i) => {
    const seconds = steps.step_seconds[i] as number;
    const of = (series: Series): number | null => perSecond(series[i], seconds);
    push(start, [of(steps.p95), of(steps.p75), of(steps.p25), of(steps.p5), of(steps.p50), of(steps.arrivals), null]);
    end = start + seconds;
    width = seconds;
  });

  const open = openStep(at, arrived, end, now, width);
  const forecast = queue.forecast;
  if (!forecast) {
    if (open !== null) push(end, [null, null, null, null, null, null, open]);
    return [x, ...rows];
  }
  for (let h = 0; h < forecast.p50.length; ++h) {
    const start = forecast.start + h * forecast.step_seconds;
    if (start < end - forecast.step_seconds / 2) continue;
    const of = (series: number[]): number | null => perSecond(series[h], forecast.step_seconds);
    const isOpen = start <= now && now < start + forecast.step_seconds;
    push(start, [of(forecast.p95), of(forecast.p75), of(forecast.p25), of(forecast.p5), of(forecast.p50), null,
      isOpen ? open : null]);
  }
  // The last step lasts as long as the others.
  if (x.length > 0) push((x[x.length - 1] as number) + forecast.step_seconds, rows.slice(0, 5).map((row) => row[row.length - 1] ?? null));
  return [x, ...rows];
}

/** Arrivals a second so far in the step that has not closed, or null where there is none. */
function openStep(at: number[], arrived: number[], from: number, now: number, width: number): number | null {
  if (from === 0 || now - from > 3 * width) return null;
  let sum = 0;
  for (let i = at.length - 1; i >= 0 && (at[i] as number) > from; --i) sum += arrived[i] as number;
  return sum / Math.max(1, width);
}

/** Columns of the instances chart: x, then stacked from the top (frozen, starting, idle, busy), then the plan. */
export function instanceColumns(queue: QueueDetail): uPlot.AlignedData {
  const { at, starting, idle, busy, frozen, planned } = queue.history;
  const rows: Column[] = [[], [], [], [], []];
  for (let i = 0; i < at.length; ++i) {
    const inUse = busy[i] as number;
    const warm = inUse + (idle[i] as number);
    const coming = warm + (starting[i] as number);
    rows[0]!.push(coming + (frozen[i] as number));
    rows[1]!.push(coming);
    rows[2]!.push(warm);
    rows[3]!.push(inUse);
    rows[4]!.push(planned[i] as number);
  }
  const x: number[] = [...at];
  const last = x[x.length - 1];
  if (queue.plan && last !== undefined && queue.plan.until > last) {
    x.push(queue.plan.until);
    for (let i = 0; i < 4; ++i) rows[i]!.push(null);
    rows[4]!.push(queue.plan.instances);
  }
  return [x, ...rows];
}
