import { bytes, count, duration, share } from "./format";
import type { View } from "./store";
import type { Connection } from "./stream";
import type { Progress, Server } from "./types";

interface HeaderProps {
  server: Server;
  connection: Connection;
  progress: Progress | null;
}

export function Header({ server, connection, progress }: HeaderProps) {
  return (
    <header class="bar">
      <h1>
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
          <path class="mark-past" d="M4 23c5 0 6-5 10-5" />
          <path class="mark-band" d="M14 18c4 0 6-10 14-11v15c-6 0-10-4-14-4z" />
          <path class="mark-median" d="M14 18c4 0 8-5 14-5" />
        </svg>
        forewarm
      </h1>
      <span class="version">{server.version}</span>
      {progress ? <ProgressBar progress={progress} /> : <span class="spacer" />}
      {!server.ready && <span class="pill warn">recovering</span>}
      <span class="muted up">up {duration(server.uptime_seconds)}</span>
      <span class={connection === "live" ? "pill good" : "pill bad"} role="status">
        {connection === "live" ? "live" : "connection lost, trying again"}
      </span>
    </header>
  );
}

function ProgressBar({ progress }: { progress: Progress }) {
  const percent = Math.round(progress.share * 100);
  return (
    <div class="progress">
      <div class="progress-text">
        <span>{progress.title}</span>
        <span class="muted">
          {percent} %, {duration(progress.left_seconds)} left
        </span>
      </div>
      <progress max="100" value={percent} aria-label={progress.title} />
    </div>
  );
}

interface TileProps {
  label: string;
  value: string;
  note: string;
  tone?: string;
}

function Tile({ label, value, note, tone }: TileProps) {
  return (
    <div class={`tile ${tone ?? ""}`}>
      <dt>{label}</dt>
      <dd>
        <span class="value">{value}</span>
        <span class="note">{note}</span>
      </dd>
    </div>
  );
}

export function Tiles({ view }: { view: View }) {
  const { totals, server } = view;
  const { busy, idle, starting, frozen } = totals.instances;
  const perSecond = [...view.sparklines.values()].reduce((sum, points) => sum + lastSeconds(points), 0);
  return (
    <dl class="tiles">
      <Tile label="Messages" value={count(totals.arrived)} note={`${count(perSecond)} a second now`} />
      <Tile
        label="Started late"
        value={share(totals.late, totals.started)}
        note={`${count(totals.late)} of ${count(totals.started)}`}
        tone={totals.late * 100 > totals.started ? "bad" : "good"}
      />
      <Tile
        label="Cold starts avoided"
        value={count(totals.cold_starts_avoided)}
        note={`${count(totals.cold_starts)} not avoided`}
        tone="warm"
      />
      <Tile
        label="Instances"
        value={count(busy + idle + starting + frozen)}
        note={`${busy} busy, ${idle} idle, ${starting} starting`}
      />
      <Tile
        label="Failed, tried again"
        value={count(totals.retries)}
        note={`${count(totals.dead_letters)} dead-lettered`}
      />
      <Tile
        label="Memory"
        value={bytes(server.memory_bytes)}
        note={`functions ${bytes(server.functions_memory_bytes)}`}
      />
    </dl>
  );
}

/** A single second is too jumpy to read. */
function lastSeconds(points: number[]): number {
  const last = points.slice(-5);
  return last.length === 0 ? 0 : last.reduce((sum, value) => sum + value, 0) / last.length;
}
