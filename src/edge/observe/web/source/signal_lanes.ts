import type uPlot from "uplot";
import type { Theme } from "./theme";
import type { Series, Signal } from "./types";

/** As many as have colours: more would be a tangle. */
export const kSignalsShown = 3;
/** Of the picture's height, at its top: a lane a line. */
const kLane = 0.12;

/** Whether it is something that goes on or does not, as a calendar says: shown as shaded time, not as a line. */
export function isSpans(signal: Signal): boolean {
  const known = [...signal.past, ...signal.future].filter((value) => value !== null);
  return known.length > 0 && known.every((value) => value >= 0 && value <= 1);
}

/** Its value in the step that `at` lies in; null where that is not known. */
export function signalAt(signal: Signal, start: number, step: number, at: number): number | null {
  const index = Math.floor((at - start) / step + 1e-6);
  return (index < 0 ? signal.past[signal.past.length + index] : signal.future[index]) ?? null;
}

/** Draws the signals behind a fan that begins at `start`: spans over the whole height, lines in lanes with a scale of their own. */
export function drawSignals(plot: uPlot, theme: Theme, signals: Signal[], start: number, step: number): void {
  const { left, top, width, height } = plot.bbox;
  const { ctx } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  signals.slice(0, kSignalsShown).forEach((signal, i) => {
    const values: Series = [...signal.past, ...signal.future];
    const x = (at: number): number => plot.valToPos(start + (at - signal.past.length) * step, "x", true);
    const first = Math.max(0, Math.ceil(signal.past.length - (start - (plot.scales.x!.min ?? start)) / step));
    ctx.fillStyle = ctx.strokeStyle = theme.signals[i]!;
    const lane = { top: top + i * kLane * height, height: kLane * height };
    if (isSpans(signal)) fillSpans(ctx, values, first, x, { top, height }, lane.top);
    else strokeLine(ctx, values, first, x, lane);
  });
  ctx.restore();
}

function fillSpans(ctx: CanvasRenderingContext2D, values: Series, first: number, x: (at: number) => number,
    whole: { top: number; height: number }, markTop: number): void {
  for (let at = first; at < values.length; ++at) {
    const value = values[at] ?? 0;
    if (value <= 0) continue;
    const from = Math.round(x(at));
    const to = Math.round(x(at + 1));
    ctx.globalAlpha = 0.1 * value;
    ctx.fillRect(from, whole.top, to - from, whole.height);
    ctx.globalAlpha = 0.35 + 0.5 * value;
    ctx.fillRect(from, markTop, to - from, 4 * devicePixelRatio);
  }
  ctx.globalAlpha = 1;
}

function strokeLine(ctx: CanvasRenderingContext2D, values: Series, first: number, x: (at: number) => number,
    lane: { top: number; height: number }): void {
  const shown = values.slice(first).filter((value) => value !== null);
  const least = Math.min(...shown);
  const range = Math.max(...shown) - least || 1;
  ctx.lineWidth = 1.25 * devicePixelRatio;
  ctx.globalAlpha = 0.85;
  ctx.beginPath();
  let drawing = false;
  for (let at = first; at < values.length; ++at) {
    const value = values[at] ?? null;
    if (value !== null) {
      const y = lane.top + lane.height * (0.9 - (0.75 * (value - least)) / range);
      if (drawing) ctx.lineTo(x(at), y);
      else ctx.moveTo(x(at), y);
      ctx.lineTo(x(at + 1), y);
    }
    drawing = value !== null;
  }
  ctx.stroke();
  ctx.globalAlpha = 1;
}
