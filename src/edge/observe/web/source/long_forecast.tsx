import { useEffect, useRef, useState } from "preact/hooks";
import { bytes, count, plain, rate } from "./format";
import { type Fan, LongChart } from "./long_chart";
import { isSpans, kSignalsShown, signalAt } from "./signal_lanes";
import type { Theme } from "./theme";
import type { LongForecast as Data } from "./types";

const kRefreshMs = 60_000;
const kReasonsShown = 5;

const kShown = [
  { key: "messages", label: "messages" },
  { key: "concurrency", label: "at a time" },
  { key: "cores", label: "processors" },
  { key: "memory_bytes", label: "memory" },
] as const;
type Shown = (typeof kShown)[number]["key"];

/** What a picture of one quantity needs: arrivals by the second, or what they need. */
function fanOf(data: Data, shown: Shown): Fan {
  const { start, step_seconds, quantiles, history, came, signals } = data;
  if (shown === "messages") return { start, step_seconds, quantiles, history, came, signals, unit: "messages / s", divisor: step_seconds };
  const unit = { concurrency: "messages at a time", cores: "processors", memory_bytes: "MB" }[shown];
  return { start, step_seconds, quantiles: data.demand[shown], history: [], came: [], signals, unit,
    divisor: shown === "memory_bytes" ? 1 << 20 : 1 };
}

/** A reading in the words of what is shown; none where there is nothing. */
function figureOf(shown: Shown, value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (shown === "messages") return `${rate(value)}/s`;
  return shown === "memory_bytes" ? bytes(value * (1 << 20)) : plain(value);
}

/** The server's forecast over hours, asked for when it is looked at and once a minute from then on. */
export function LongForecast({ queue, horizon, theme }: { queue: string; horizon: string; theme: Theme }) {
  const [data, setData] = useState<Data | null>(null);
  const [problem, setProblem] = useState("");
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<LongChart | null>(null);
  const [shown, setShown] = useState<Shown>("messages");
  const [reading, setReading] = useState<{ values: (number | null)[]; at: number | null }>({ values: [], at: null });

  useEffect(() => {
    let stopped = false;
    setData(null);
    const ask = async () => {
      try {
        const answer = await fetch(`/v1/queues/${encodeURIComponent(queue)}/forecast?horizon=${horizon}`);
        const body = await answer.json();
        if (stopped) return;
        setProblem(answer.ok ? "" : body.detail);
        if (answer.ok) setData(body as Data);
      } catch {
        if (!stopped) setProblem("The server does not answer.");
      }
    };
    void ask();
    const timer = window.setInterval(ask, kRefreshMs);
    return () => {
      stopped = true;
      window.clearInterval(timer);
    };
  }, [queue, horizon]);

  useEffect(() => {
    if (!data || !host.current) return;
    setReading({ values: [], at: null });
    chart.current = new LongChart(host.current, theme, fanOf(data, shown), (values, at) => setReading({ values, at }));
    return () => chart.current?.destroy();
  }, [data, theme, shown]);

  const [high, , , low, median, arrivals] = reading.values;
  const figure = (value: number | null | undefined) => figureOf(shown, value);
  const measured = kShown.filter(({ key }) => key === "messages" || (data?.demand[key].length ?? 0) > 0);
  return (
    <>
      <div class="chart-head">
        <h3>Forecast</h3>
        {shown === "messages" && <span class="key"><i class="swatch arrivals" />arrived <b>{figure(arrivals)}</b></span>}
        <span class="key"><i class="swatch median" />median <b>{figure(median)}</b></span>
        <span class="key"><i class="swatch band" />5–95 % <b>{low == null || high == null ? "–" : `${figure(low)} – ${figure(high)}`}</b></span>
        {data?.signals.slice(0, kSignalsShown).map((signal, i) => {
          const value = reading.at === null ? null : signalAt(signal, data.start, data.step_seconds, reading.at);
          return (
            <span class="key signal" key={signal.name}>
              <i class={`swatch signal signal-${i}${isSpans(signal) ? " spans" : ""}`} />{signal.name} <b>{value === null ? "–" : plain(value)}</b>
            </span>
          );
        })}
        {data && <span class="key">by {data.model.replace(/_/g, " ")}</span>}
        {measured.length > 1 && (
          <span class="ranges" role="group" aria-label="What is shown">
            {measured.map(({ key, label }) => (
              <button key={key} type="button" aria-pressed={shown === key} onClick={() => setShown(key)}>{label}</button>
            ))}
          </span>
        )}
      </div>
      {problem !== "" && <p class="muted long-problem" role="status">{problem}</p>}
      {problem === "" && !data && <p class="muted long-problem" role="status">Forecasting…</p>}
      {data && problem === "" && (
        <div class="chart chart-long" ref={host} role="img" aria-label={spoken(data)}>
          {reading.at !== null && <span class="reading">{new Date(reading.at * 1000).toLocaleString("en-GB")}</span>}
        </div>
      )}
      {data && problem === "" && <Reasons reasons={data.reasons} />}
      {data && problem === "" && data.demand.priorities.length > 0 && <Priorities data={data} />}
    </>
  );
}

/** What carries the forecast: bars for what is mixed, a line for each scheduled batch. */
function Reasons({ reasons }: { reasons: Data["reasons"] }) {
  const signals = reasons.filter((reason) => reason.kind === "signal").slice(0, kSignalsShown);
  const mixed = reasons.filter((reason) => reason.kind !== "batch" && reason.kind !== "signal").slice(0, kReasonsShown);
  const batches = reasons.filter((reason) => reason.kind === "batch");
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  return (
    <div class="reasons" aria-label="What carries the forecast">
      <h3>Carried by</h3>
      <ul>
        {[...mixed, ...signals].map((reason) => (
          <li key={reason.text}>
            <b>{percent(reason.share)}</b>
            <i style={{ width: `${Math.round(100 * reason.share)}%` }} />
            <span>{reason.text}</span>
          </li>
        ))}
      </ul>
      {batches.map((reason) => (
        <p class="muted" key={reason.text}>
          Scheduled: {reason.text}; {percent(reason.share)} of all messages.
        </p>
      ))}
    </div>
  );
}

/** How much of what comes has which priority, over the whole horizon. */
function Priorities({ data }: { data: Data }) {
  const peak = (series: Data["quantiles"][number] | undefined) =>
    (series ?? []).reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  return (
    <div class="reasons priorities">
      <h3>By priority</h3>
      <ul>
        {data.demand.priorities.map((one) => (
          <li key={one.priority}>
            <b>{Math.round(100 * one.share)} %</b>
            <i style={{ width: `${Math.round(100 * one.share)}%` }} />
            <span>
              priority {one.priority}: up to {count(peak(one.messages[4]))} a step (95 %: {count(peak(one.messages[7]))})
              {one.concurrency.length > 0 && `, ${plain(peak(one.concurrency[7]))} at a time`}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What the picture shows, for those who do not see it. */
function spoken(data: Data): string {
  const median = data.quantiles[4] ?? [];
  const total = median.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const hours = (median.length * data.step_seconds) / 3600;
  return `About ${Math.round(total)} messages are expected in the next ${hours} hours.`;
}
