import uPlot from "uplot";
import { clock, plain } from "./format";
import { arrivalColumns, instanceColumns } from "./series";
import type { Theme } from "./theme";
import type { QueueDetail } from "./types";

const kSync = "forewarm";
const kAxisWidth = 46;
const kFont = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

export interface Window {
  pastSeconds: number;
  futureSeconds: number;
}

/** What stands under the pointer, or the newest where there is none. */
export interface Reading {
  arrivals: (number | null)[];
  instances: (number | null)[];
  at: number | null;
}

/** Two plots on one time axis: arrivals with the forecast above, instances with the plan below. */
export class Charts {
  private readonly top: uPlot;
  private readonly bottom: uPlot;
  private queue: QueueDetail;
  private now: number;

  private readonly resize: ResizeObserver;

  constructor(
    private readonly topHost: HTMLElement,
    private readonly bottomHost: HTMLElement,
    private readonly theme: Theme,
    queue: QueueDetail,
    now: number,
    window: Window,
    private readonly onRead: (reading: Reading) => void,
  ) {
    this.queue = queue;
    this.now = now;

    this.top = new uPlot(this.topOptions(), arrivalColumns(queue, now), topHost);
    this.bottom = new uPlot(this.bottomOptions(), instanceColumns(queue), bottomHost);
    this.resize = new ResizeObserver(() => this.fit());
    this.resize.observe(topHost);
    this.resize.observe(bottomHost);
    this.update(queue, now, window);
  }

  update(queue: QueueDetail, now: number, window: Window): void {
    this.queue = queue;
    this.now = now;

    const range = { min: now - window.pastSeconds, max: now + window.futureSeconds };
    for (const [plot, data] of [[this.top, arrivalColumns(queue, now)], [this.bottom, instanceColumns(queue)]] as const) {
      plot.batch(() => {
        plot.setData(data, false);
        plot.setScale("x", range);
      });
    }
    this.read();
  }

  destroy(): void {
    this.resize.disconnect();
    this.top.destroy();
    this.bottom.destroy();
  }

  private fit(): void {
    this.top.setSize({ width: this.topHost.clientWidth, height: this.topHost.clientHeight });
    this.bottom.setSize({ width: this.bottomHost.clientWidth, height: this.bottomHost.clientHeight });
  }

  /** Steps hold their value until the next one begins, so the reading is that of the last point before the pointer. */
  private read(): void {
    const left = this.top.cursor.left ?? -1;
    const at = left >= 0 ? this.top.posToVal(left, "x") : null;
    const of = (plot: uPlot, time: number): (number | null)[] => {
      const x = plot.data[0];
      let i = x.length - 1;
      while (i > 0 && (x[i] as number) > time) --i;
      return plot.data.slice(1).map((column) => column[i] ?? null);
    };
    const time = at ?? this.now;
    this.onRead({ at, arrivals: of(this.top, time), instances: of(this.bottom, time) });
  }

  private common(host: HTMLElement): Pick<uPlot.Options, "width" | "height" | "legend" | "cursor" | "padding"> {
    return {
      width: Math.max(host.clientWidth, 200),
      height: Math.max(host.clientHeight, 100),
      legend: { show: false },
      padding: [10, 10, 0, 0],
      cursor: {
        sync: { key: kSync, setSeries: false },
        drag: { x: false, y: false },
        points: { show: false },
        y: false,
      },
    };
  }

  private axes(unit: string, withTimes: boolean, values: (value: number) => string): uPlot.Axis[] {
    const line = { stroke: this.theme.grid, width: 1 };
    return [
      {
        stroke: this.theme.muted,
        font: kFont,
        grid: line,
        ticks: { show: false },
        size: withTimes ? 26 : 8,
        space: 80,
        values: (_plot, splits) =>
          splits.map((split) => (withTimes ? clock(split).slice(0, split % 60 === 0 ? 5 : 8) : "")),
      },
      {
        stroke: this.theme.muted,
        font: kFont,
        grid: line,
        ticks: { show: false },
        size: kAxisWidth,
        space: 36,
        label: unit,
        labelFont: kFont,
        labelSize: 18,
        labelGap: 0,
        values: (_plot, splits) => splits.map(values),
      },
    ];
  }

  private topOptions(): uPlot.Options {
    const theme = this.theme;
    const steps = uPlot.paths.stepped!({ align: 1 });
    const bars = uPlot.paths.bars!({ size: [0.86, 64], align: 1, gap: 1, radius: 0.12 });
    const edge = (): uPlot.Series => ({ paths: steps, stroke: "transparent", width: 0, points: { show: false } });
    return {
      ...this.common(this.topHost),
      scales: { x: { time: true, auto: false }, y: { range: (_plot, _min, max) => [0, Math.max(1, (max || 0) * 1.12)] } },
      axes: this.axes("messages / s", false, plain),
      series: [
        {},
        edge(),
        edge(),
        edge(),
        edge(),
        { paths: steps, stroke: theme.median, width: 2, points: { show: false } },
        { paths: bars, fill: theme.arrivals, stroke: theme.arrivals, width: 0, points: { show: false } },
        { paths: bars, fill: theme.arrivalsOpen, stroke: theme.arrivalsOpen, width: 0, points: { show: false } },
      ],
      bands: [
        { series: [1, 4], fill: theme.bandWide },
        { series: [2, 3], fill: theme.band },
      ],
      hooks: {
        drawClear: [(plot) => this.drawFuture(plot)],
        // The forecast stays readable over the bars.
        draw: [(plot) => this.drawMedianOver(plot), (plot) => this.drawLate(plot), (plot) => this.drawNow(plot, true)],
        setCursor: [() => this.read()],
      },
    };
  }

  private bottomOptions(): uPlot.Options {
    const theme = this.theme;
    const steps = uPlot.paths.stepped!({ align: 1 });
    const area = (colour: string): uPlot.Series => ({
      paths: steps, fill: colour, stroke: colour, width: 0, points: { show: false },
    });
    return {
      ...this.common(this.bottomHost),
      scales: {
        x: { time: true, auto: false },
        y: { range: (_plot, _min, max) => [0, Math.max(4, Math.ceil((max || 0) * 1.15))] },
      },
      axes: this.axes("instances", true, (value) => (Number.isInteger(value) ? String(value) : "")),
      series: [
        {},
        area(theme.frozen),
        area(theme.starting),
        area(theme.idle),
        area(theme.busy),
        { paths: steps, stroke: theme.plan, width: 2, dash: [6, 4], points: { show: false } },
      ],
      hooks: {
        drawClear: [(plot) => this.drawFuture(plot)],
        draw: [(plot) => this.drawNow(plot, false)],
      },
    };
  }

  private drawFuture(plot: uPlot): void {
    const { left, top, width, height } = plot.bbox;
    const x = Math.max(left, plot.valToPos(this.now, "x", true));
    plot.ctx.fillStyle = this.theme.future;
    plot.ctx.fillRect(x, top, Math.max(0, left + width - x), height);
  }

  private drawNow(plot: uPlot, withWord: boolean): void {
    const { left, top, width, height } = plot.bbox;
    const x = Math.round(plot.valToPos(this.now, "x", true));
    if (x < left || x > left + width) return;
    const { ctx } = plot;
    const pixel = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = this.theme.now;
    ctx.lineWidth = pixel;
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    if (withWord) {
      ctx.fillStyle = this.theme.now;
      ctx.font = `600 ${11 * pixel}px system-ui, sans-serif`;
      ctx.textAlign = "left";
      ctx.textBaseline = "top";
      ctx.fillText("now", x + 5 * pixel, top + 2 * pixel);
    }
    ctx.restore();
  }

  private drawMedianOver(plot: uPlot): void {
    const x = plot.data[0];
    const median = plot.data[5];
    if (!median) return;
    const { ctx } = plot;
    const { left, top, width, height } = plot.bbox;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    ctx.strokeStyle = this.theme.median;
    ctx.setLineDash([]);
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath();
    let drawing = false;
    for (let i = 0; i + 1 < x.length; ++i) {
      const value = median[i];
      if (value === null || value === undefined) {
        drawing = false;
        continue;
      }
      const y = plot.valToPos(value, "y", true);
      const from = plot.valToPos(x[i] as number, "x", true);
      const to = plot.valToPos(x[i + 1] as number, "x", true);
      if (drawing) ctx.lineTo(from, y);
      else ctx.moveTo(from, y);
      ctx.lineTo(to, y);
      drawing = true;
    }
    ctx.stroke();
    ctx.restore();
  }

  /** A red mark on the axis for each second in which messages started late, larger for more. */
  private drawLate(plot: uPlot): void {
    const { at, late } = this.queue.history;
    const { ctx } = plot;
    const { left, top, width, height } = plot.bbox;
    const pixel = devicePixelRatio;
    ctx.save();
    ctx.fillStyle = this.theme.late;
    for (let i = 0; i < at.length; ++i) {
      const number = late[i] as number;
      if (number === 0) continue;
      const x = plot.valToPos(at[i] as number, "x", true);
      if (x < left || x > left + width) continue;
      const size = (3 + Math.min(7, 2 * Math.log2(1 + number))) * pixel;
      ctx.beginPath();
      ctx.moveTo(x, top + height - size * 1.6);
      ctx.lineTo(x + size * 0.7, top + height);
      ctx.lineTo(x - size * 0.7, top + height);
      ctx.fill();
    }
    ctx.restore();
  }
}
