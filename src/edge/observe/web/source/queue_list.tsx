import { useState } from "preact/hooks";
import { count, rate } from "./format";
import type { View } from "./store";
import type { Queue } from "./types";

const kFilterFrom = 8;
const kWidth = 96;
const kHeight = 26;

type State = { word: string; tone: string };

function stateOf(queue: Queue, recentArrivals: number): State {
  if (queue.paused) return { word: "paused", tone: "warm" };
  if (queue.objective_seconds > 0 && queue.oldest_wait_seconds > queue.objective_seconds) return { word: "late", tone: "bad" };
  if (queue.instances.starting > 0) return { word: "warming", tone: "warm" };
  if (queue.in_flight > 0 || recentArrivals > 0) return { word: "working", tone: "good" };
  if (queue.ready > 0) return { word: "waiting", tone: "warm" };
  return { word: "quiet", tone: "" };
}

function Sparkline({ points }: { points: number[] }) {
  if (points.length < 2) return <svg class="spark" viewBox={`0 0 ${kWidth} ${kHeight}`} aria-hidden="true" />;
  // Three seconds smoothed: the shape matters, not each second.
  const smooth = points.map((_, i) => ((points[i - 1] ?? points[i]!) + points[i]! + (points[i + 1] ?? points[i]!)) / 3);
  const most = Math.max(1, ...smooth);
  const x = (i: number) => ((i / (smooth.length - 1)) * kWidth).toFixed(1);
  const y = (value: number) => (kHeight - 2 - (value / most) * (kHeight - 4)).toFixed(1);
  const line = smooth.map((value, i) => `${i === 0 ? "M" : "L"}${x(i)} ${y(value)}`).join("");
  return (
    <svg class="spark" viewBox={`0 0 ${kWidth} ${kHeight}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="spark-area" d={`${line}L${kWidth} ${kHeight}L0 ${kHeight}Z`} />
      <path class="spark-line" d={line} />
    </svg>
  );
}

function Row({ queue, points, selected, onSelect }: { queue: Queue; points: number[]; selected: boolean; onSelect: () => void }) {
  const recent = points.slice(-10);
  const perSecond = recent.reduce((sum, value) => sum + value, 0) / Math.max(1, recent.length);
  const state = stateOf(queue, perSecond);
  return (
    <li>
      <button type="button" class="queue" aria-current={selected ? "true" : undefined} onClick={onSelect}>
        <span class="queue-name">{queue.name}</span>
        <Sparkline points={points} />
        <span class={`queue-state ${state.tone}`}>
          {state.word}, {queue.ready > 0 ? `${count(queue.ready)} ready` : `${rate(perSecond)}/s`}
        </span>
      </button>
    </li>
  );
}

export function QueueList({ view, selected, onSelect }: { view: View; selected: string; onSelect: (name: string) => void }) {
  const [filter, setFilter] = useState("");
  const wanted = filter.toLowerCase();
  const shown = view.queues.filter((queue) => queue.name.toLowerCase().includes(wanted));
  return (
    <nav class="card queues" aria-label="Queues">
      <h2>
        Queues <span class="muted">{count(view.queues_in_all)}</span>
      </h2>
      {view.queues.length >= kFilterFrom && (
        <input type="search" placeholder="Find a queue" aria-label="Find a queue" value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)} />
      )}
      <ul>
        {shown.map((queue) => (
          <Row key={queue.name} queue={queue} points={view.sparklines.get(queue.name) ?? []}
            selected={queue.name === selected} onSelect={() => onSelect(queue.name)} />
        ))}
      </ul>
      {shown.length === 0 && <p class="muted">No queue matches.</p>}
      {view.queues_in_all > view.queues.length && (
        <p class="muted">The {view.queues.length} busiest of {count(view.queues_in_all)}.</p>
      )}
    </nav>
  );
}
