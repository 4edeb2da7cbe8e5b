import uPlot from "uplot";
import { clock, plain } from "./format";
import { drawSignals } from "./signal_lanes";
import type { Theme } from "./theme";
import type { Series, Signal } from "./types";

const kFont = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const kLevels = [7, 5, 3, 1, 4]; // 95, 75, 25, 5 and 50 %

/** One quantity over hours: what it was, as far as that is known, and what it will be. */
export interface Fan {
  start: number;
  step_seconds: number;
  quantiles: Series[];
  history: Series;
  came: Series;
  signals: Signal[];
  /** Its unit at the axis, and how many of what the series count make one. */
  unit: string;
  divisor: number;
}

/** Columns: x, p95, p75, p25, p5, median, what came; all in the fan's unit. */
export function longColumns(fan: Fan): uPlot.AlignedData {
  const { start, step_seconds: step, history, quantiles } = fan;
  const inUnits = (value: number | null | undefined): number | null =>
    value === null || value === undefined ? null : value / fan.divisor;
  const steps = quantiles[0]?.length ?? 0;
  // As much past as future, and at least a bit, is what one needs to judge the future by.
  const past = history.slice(-Math.max(steps, 24));
  const x: number[] = [];
  const rows: (number | null)[][] = [[], [], [], [], [], []];
  const push = (at: number, bands: (number | null)[], arrivals: number | null): void => {
    x.push(at);
    [...bands, arrivals].forEach((value, i) => rows[i]!.push(value));
  };
  past.forEach((value, i) => push(start - (past.length - i) * step, [null, null, null, null, null], inUnits(value)));
  for (let h = 0; h < steps; ++h) {
    push(start + h * step, kLevels.map((level) => inUnits(quantiles[level]?.[h])), inUnits(fan.came[h]));
  }
  // The last step lasts as long as the others.
  if (steps > 0) push(start + steps * step, kLevels.map((level) => inUnits(quantiles[level]?.[steps - 1])), null);
  return [x, ...rows];
}

/** What was seen and is expected over hours: the same picture as the live one, on a coarser grid. */
export class LongChart {
  private readonly plot: uPlot;
  private readonly resize: ResizeObserver;

  constructor(
    host: HTMLElement,
    theme: Theme,
    private fan: Fan,
    onRead: (values: (number | null)[], at: number | null) => void,
  ) {
    const steps = uPlot.paths.stepped!({ align: 1 });
    const bars = uPlot.paths.bars!({ size: [0.86, 64], align: 1, gap: 1, radius: 0.12 });
    const edge = (): uPlot.Series => ({ paths: steps, stroke: "transparent", width: 0, points: { show: false } });
    const axis = { stroke: theme.muted, font: kFont, grid: { stroke: theme.grid, width: 1 }, ticks: { show: false } };
    const options: uPlot.Options = {
      width: Math.max(host.clientWidth, 200),
      height: Math.max(host.clientHeight, 100),
      legend: { show: false },
      padding: [10, 10, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
      scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, Math.max(1e-3, (max || 0) * 1.08)] } },
      axes: [
        { ...axis, size: 26, space: 80, values: (_plot, splits) => splits.map((split) => clock(split).slice(0, 5)) },
        { ...axis, size: 46, space: 36, label: fan.unit, labelFont: kFont, labelSize: 18, labelGap: 0,
          values: (_plot, splits) => splits.map(plain) },
      ],
      series: [
        {}, edge(), edge(), edge(), edge(),
        { paths: steps, stroke: theme.median, width: 2, points: { show: false } },
        { paths: bars, fill: theme.arrivals, stroke: theme.arrivals, width: 0, points: { show: false } },
      ],
      bands: [
        { series: [1, 4], fill: theme.bandWide },
        { series: [2, 3], fill: theme.band },
      ],
      hooks: {
        drawClear: [(plot) => {
          this.drawFuture(plot, theme);
          drawSignals(plot, theme, this.fan.signals, this.fan.start, this.fan.step_seconds);
        }],
        setCursor: [(plot) => {
          const at = plot.cursor.idx;
          onRead(plot.data.slice(1).map((column) => (at == null ? null : column[at] ?? null)),
            at == null ? null : plot.data[0][at] as number);
        }],
      },
    };
    this.plot = new uPlot(options, longColumns(fan), host);
    this.resize = new ResizeObserver(() => this.plot.setSize({ width: host.clientWidth, height: host.clientHeight }));
    this.resize.observe(host);
  }

  destroy(): void {
    this.resize.disconnect();
    this.plot.destroy();
  }

  private drawFuture(plot: uPlot, theme: Theme): void {
    const { left, top, width, height } = plot.bbox;
    const x = Math.max(left, plot.valToPos(this.fan.start, "x", true));
    plot.ctx.fillStyle = theme.future;
    plot.ctx.fillRect(x, top, Math.max(0, left + width - x), height);
    plot.ctx.fillStyle = theme.now;
    plot.ctx.fillRect(Math.round(x), top, devicePixelRatio, height);
  }
}
