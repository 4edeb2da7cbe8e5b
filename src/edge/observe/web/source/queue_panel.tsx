import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Charts, type Reading } from "./charts";
import { DeadLetters } from "./dead_letters";
import { clock, count, duration, rate, share } from "./format";
import { LongForecast } from "./long_forecast";
import { TestMessage } from "./test_message";
import { readTheme } from "./theme";
import type { Decision, QueueDetail } from "./types";

const kRanges = [
  { label: "2 min", past: 120, future: 60 },
  { label: "5 min", past: 300, future: 120 },
  { label: "10 min", past: 600, future: 240 },
];
const kHorizons = ["1h", "6h", "24h"];
const kDecisionsShown = 60;

export function QueuePanel({ queue, decisions, now }: { queue: QueueDetail; decisions: Decision[]; now: number }) {
  // Once shown it stays: when the last was sent back, what became of them is what one looks for.
  const hadDeadLetters = useRef(false);
  hadDeadLetters.current ||= queue.dead_letter_errors > 0;
  return (
    <main class="panel">
      <section class="card picture" aria-label={`Queue ${queue.name}`}>
        <Picture queue={queue} now={now} />
      </section>
      <div class="side">
        {hadDeadLetters.current && <DeadLetters queue={queue.name} />}
        <Decisions decisions={decisions} />
        <TestMessage queue={queue.name} />
      </div>
    </main>
  );
}

function Title({ queue, children }: { queue: QueueDetail; children: ComponentChildren }) {
  return (
    <div class="title">
      <h2>
        {queue.name} {queue.paused && <span class="pill warn">paused</span>}
      </h2>
      {children}
      <p class="muted">
        {queue.function ? <>runs on <b>{queue.function}</b></> : "no function: clients receive from it"}
        {queue.objective_seconds > 0 && <>, to start within <b>{duration(queue.objective_seconds)}</b></>}
      </p>
      <dl class="facts">
        <Fact label="ready" value={count(queue.ready)} />
        <Fact label="in flight" value={count(queue.in_flight)} />
        {queue.delayed > 0 && <Fact label="delayed" value={count(queue.delayed)} />}
        <Fact label="late" value={share(queue.late, queue.started)} tone={queue.late * 100 > queue.started ? "bad" : ""} />
        <Fact label="retries" value={count(queue.retries)} />
        <Fact label="dead" value={count(queue.dead_letters)} />
      </dl>
    </div>
  );
}

function Fact({ label, value, tone }: { label: string; value: string; tone?: string }) {
  return (
    <div class={`fact ${tone ?? ""}`}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function useDark(): boolean {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const follow = () => setDark(query.matches);
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, []);
  return dark;
}

/** The last minutes as they happen, or a forecast over hours. */
function Picture({ queue, now }: { queue: QueueDetail; now: number }) {
  const [range, setRange] = useState(1);
  const dark = useDark();
  const theme = useMemo(readTheme, [dark]);
  const horizon = kHorizons[range - kRanges.length];
  return (
    <>
      <Title queue={queue}>
        <Ranges range={range} onRange={setRange} />
      </Title>
      {horizon === undefined ? (
        <TimeCharts queue={queue} now={now} range={range} dark={dark} />
      ) : (
        <LongForecast queue={queue.name} horizon={horizon} theme={theme} />
      )}
    </>
  );
}

function TimeCharts({ queue, now, range, dark }: { queue: QueueDetail; now: number; range: number; dark: boolean }) {
  const top = useRef<HTMLDivElement>(null);
  const bottom = useRef<HTMLDivElement>(null);
  const charts = useRef<Charts | null>(null);
  const [reading, setReading] = useState<Reading>({ at: null, arrivals: [], instances: [] });
  const { past, future } = kRanges[range]!;
  const window = { pastSeconds: past, futureSeconds: future };

  useEffect(() => {
    charts.current = new Charts(top.current!, bottom.current!, readTheme(), queue, now, window, setReading);
    return () => charts.current?.destroy();
  }, [dark]);
  useEffect(() => charts.current?.update(queue, now, window), [queue, now, range]);

  const [high, , , low, median, arrivals, open] = reading.arrivals;
  const [frozen, starting, idle, busy, planned] = reading.instances;
  return (
    <>
      <div class="chart-head">
        <h3>Arrivals</h3>
        <Key tone="arrivals" label="arrived" value={perSecond(arrivals ?? open)} />
        <Key tone="median" label="forecast" value={perSecond(median)} />
        <Key tone="band" label="5–95 %" value={between(low, high)} />
        <Key tone="late" label="late start" value="" />
      </div>
      <div class="chart chart-top" ref={top} role="img" aria-label={spoken(queue)} />
      <div class="chart-head">
        <h3>Instances</h3>
        <Key tone="busy" label="busy" value={whole(busy)} />
        <Key tone="idle" label="idle" value={difference(idle, busy)} />
        <Key tone="starting" label="starting" value={difference(starting, idle)} />
        <Key tone="frozen" label="frozen" value={difference(frozen, starting)} />
        <Key tone="plan" label="plan" value={whole(planned)} />
      </div>
      <div class="chart chart-bottom" ref={bottom} aria-hidden="true">
        {reading.at !== null && <span class="reading">{clock(reading.at)}</span>}
      </div>
      {queue.plan && <PlanText text={queue.plan.explanation} />}
    </>
  );
}

function PlanText({ text }: { text: string }) {
  const [what, why] = firstSentence(text);
  return (
    <details class="plan-text">
      <summary>{what}</summary>
      <p class="muted">{why}</p>
    </details>
  );
}

/** What the picture shows, for those who do not see it. */
function spoken(queue: QueueDetail): string {
  const { instances } = queue;
  const median = queue.forecast?.p50[0];
  const expected = median === undefined ? "There is no forecast yet" : `About ${rate(median)} are expected in the next step`;
  return (
    `${rate(queue.arrivals_last_step ?? 0)} messages arrived in the last ${duration(queue.step_seconds)}. ${expected}. ` +
    `${instances.busy} instances are busy, ${instances.idle} idle, ${instances.starting} starting; the plan wants ${queue.planned}.`
  );
}

type Maybe = number | null | undefined;
const perSecond = (value: Maybe): string => (value === null || value === undefined ? "–" : `${rate(value)}/s`);
const between = (low: Maybe, high: Maybe): string =>
  low === null || low === undefined || high === null || high === undefined ? "–" : `${rate(low)}–${rate(high)}/s`;
const whole = (value: Maybe): string => (value === null || value === undefined ? "–" : String(value));
const difference = (upper: Maybe, lower: Maybe): string =>
  upper === null || upper === undefined || lower === null || lower === undefined ? "–" : String(upper - lower);

function Key({ tone, label, value }: { tone: string; label: string; value: string }) {
  return (
    <span class="key">
      <i class={`swatch ${tone}`} />
      {label} {value !== "" && <b>{value}</b>}
    </span>
  );
}

function Ranges({ range, onRange }: { range: number; onRange: (range: number) => void }) {
  return (
    <div class="ranges" role="group" aria-label="Time shown">
      {[...kRanges.map(({ label }) => label), ...kHorizons.map((horizon) => `+${horizon.replace("h", " h")}`)].map((label, i) => (
        <button key={label} type="button" aria-pressed={i === range} onClick={() => onRange(i)}>
          {label}
        </button>
      ))}
    </div>
  );
}

function Decisions({ decisions }: { decisions: Decision[] }) {
  const newest = decisions.slice(-kDecisionsShown).reverse();
  return (
    <section class="card decisions" aria-label="Decisions">
      <h2>Decisions</h2>
      {newest.length === 0 && <p class="muted">Nothing was decided yet.</p>}
      <ol>
        {newest.map((decision) => (
          <li key={`${decision.at_us}${decision.kind}${decision.explanation}`}>
            <div class="decision-head">
              <time dateTime={decision.time}>{clock(decision.at_us / 1e6)}</time>
              <Kind decision={decision} />
            </div>
            <Sentence text={decision.explanation} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Kind({ decision }: { decision: Decision }): ComponentChildren {
  const { kind, instances, instances_before } = decision;
  const change = kind === "plan" ? `${instances_before} → ${instances}` : kind === "start" ? `+${instances}` : kind === "stop" ? `−${instances}` : "";
  return (
    <>
      <span class={`tag ${kind}`}>{kind}</span>
      {change && <b class="change">{change}</b>}
    </>
  );
}

function firstSentence(text: string): [string, string] {
  const end = text.indexOf(". ");
  return end < 0 ? [text, ""] : [text.slice(0, end + 1), text.slice(end + 2)];
}

/** The first sentence says what; the others say why. */
function Sentence({ text }: { text: string }) {
  const [what, why] = firstSentence(text);
  return (
    <p>
      {what} <span class="muted">{why}</span>
    </p>
  );
}
