import { useEffect, useRef, useState } from "preact/hooks";
import { rate } from "./format";
import { LongChart } from "./long_chart";
import type { Theme } from "./theme";
import type { LongForecast as Data } from "./types";

const kRefreshMs = 60_000;
const kReasonsShown = 5;

/** The server's forecast over hours, asked for when it is looked at and once a minute from then on. */
export function LongForecast({ queue, horizon, theme }: { queue: string; horizon: string; theme: Theme }) {
  const [data, setData] = useState<Data | null>(null);
  const [problem, setProblem] = useState("");
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<LongChart | null>(null);
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
    chart.current = new LongChart(host.current, theme, data, (values, at) => setReading({ values, at }));
    return () => chart.current?.destroy();
  }, [data, theme]);

  const [high, , , low, median, arrivals] = reading.values;
  const figure = (value: number | null | undefined) => (value === null || value === undefined ? "–" : `${rate(value)}/s`);
  return (
    <>
      <div class="chart-head">
        <h3>Forecast</h3>
        <span class="key"><i class="swatch arrivals" />arrived <b>{figure(arrivals)}</b></span>
        <span class="key"><i class="swatch median" />median <b>{figure(median)}</b></span>
        <span class="key"><i class="swatch band" />5–95 % <b>{low == null || high == null ? "–" : `${rate(low)}–${rate(high)}/s`}</b></span>
        {data && <span class="key">by {data.model.replace(/_/g, " ")}</span>}
      </div>
      {problem !== "" && <p class="muted long-problem" role="status">{problem}</p>}
      {problem === "" && !data && <p class="muted long-problem" role="status">Forecasting…</p>}
      {data && problem === "" && (
        <div class="chart chart-long" ref={host} role="img" aria-label={spoken(data)}>
          {reading.at !== null && <span class="reading">{new Date(reading.at * 1000).toLocaleString("en-GB")}</span>}
        </div>
      )}
      {data && problem === "" && <Reasons reasons={data.reasons} />}
    </>
  );
}

/** What carries the forecast: bars for what is mixed, a line for each scheduled batch. */
function Reasons({ reasons }: { reasons: Data["reasons"] }) {
  const mixed = reasons.filter((reason) => reason.kind !== "batch").slice(0, kReasonsShown);
  const batches = reasons.filter((reason) => reason.kind === "batch");
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  return (
    <div class="reasons" aria-label="What carries the forecast">
      <h3>Carried by</h3>
      <ul>
        {mixed.map((reason) => (
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

/** What the picture shows, for those who do not see it. */
function spoken(data: Data): string {
  const median = data.quantiles[4] ?? [];
  const total = median.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const hours = (median.length * data.step_seconds) / 3600;
  return `About ${Math.round(total)} messages are expected in the next ${hours} hours.`;
}
