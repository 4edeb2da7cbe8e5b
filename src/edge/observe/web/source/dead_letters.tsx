import { useEffect, useState } from "preact/hooks";
import { call } from "./api";
import { count } from "./format";

const kRefreshMs = 3000;

interface Group {
  fingerprint: string;
  source: string;
  messages: number;
  first: string;
  last: string;
  error: string;
  error_type: string;
  error_message: string;
  cause: string;
  why: string;
  success_odds: number | null;
  odds_from: string;
  samples: string[];
}

interface Redrive {
  id: number;
  fingerprint: string;
  status: string;
  reason: string;
  moved: number;
  to_move: number;
  testing: boolean;
  succeeded: number;
  failed: number;
  under_way: number;
}

interface Triage {
  messages: number;
  not_recorded: number;
  groups_in_all: number;
  groups: Group[];
  redrives: Redrive[];
}

/** Why a queue's messages are dead letters, by error. Nothing where the queue holds none. */
export function DeadLetters({ queue }: { queue: string }) {
  const [triage, setTriage] = useState<Triage | null>(null);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    let stopped = false;
    const ask = async () => {
      const answer = await call<Triage>("GET", `${pathOf(queue)}/groups`);
      if (!stopped && answer.ok) setTriage(answer.body);
    };
    void ask();
    const timer = window.setInterval(ask, kRefreshMs);
    return () => {
      stopped = true;
      window.clearInterval(timer);
    };
  }, [queue]);

  if (!triage || (triage.groups.length === 0 && triage.redrives.length === 0)) return null;
  const running = triage.redrives.some(({ status }) => status === "RUNNING" || status === "CANCELLING");
  const start = async (group: Group) => {
    const answer = await call("POST", `${pathOf(queue)}/groups/${group.fingerprint}/redrive`, {});
    setProblem(answer.ok ? "" : answer.detail);
  };
  const cancel = async (redrive: Redrive) => {
    const answer = await call("DELETE", `${pathOf(queue)}/redrives/${redrive.id}`);
    setProblem(answer.ok ? "" : answer.detail);
  };
  return (
    <section class="card letters" aria-label="Dead letters">
      <h2>
        Dead letters by error <span class="muted">{count(triage.messages)}</span>
      </h2>
      {problem !== "" && <p class="problem" role="alert">{problem}</p>}
      {triage.redrives.slice(0, 1).map((redrive) => (
        <Progress key={redrive.id} redrive={redrive} onCancel={() => void cancel(redrive)} />
      ))}
      <ul>
        {triage.groups.map((group) => (
          <li key={group.fingerprint + group.source}>
            <div class="letters-head">
              <b>{count(group.messages)}</b>
              <span class={`tag ${tone(group.cause)}`}>{group.cause.replace(/_/g, " ")}</span>
              <span class="muted">from {group.source}, {shortTime(group.first)} to {shortTime(group.last)}</span>
              <button type="button" disabled={running} onClick={() => void start(group)}>Redrive</button>
            </div>
            <p class="error-text">
              {group.error_type || group.error}{group.error_message && <>: {group.error_message}</>}
            </p>
            <p class="muted">
              {group.why}. {odds(group)} <code>{group.fingerprint}</code>
            </p>
          </li>
        ))}
      </ul>
      {triage.groups_in_all > triage.groups.length && (
        <p class="muted">The {triage.groups.length} largest of {count(triage.groups_in_all)} errors.</p>
      )}
      {triage.not_recorded > 0 && <p class="muted">{count(triage.not_recorded)} messages without a record of why they are here.</p>}
    </section>
  );
}

function Progress({ redrive, onCancel }: { redrive: Redrive; onCancel: () => void }) {
  const running = redrive.status === "RUNNING";
  return (
    <div class="letters-progress" role="status">
      <p>
        Redrive of <code>{redrive.fingerprint}</code>:{" "}
        {running ? (redrive.testing ? "waiting for the canaries" : "running") : redrive.status.toLowerCase()}, {count(redrive.moved)} of{" "}
        {count(redrive.to_move)} sent back, {count(redrive.succeeded)} succeeded, {count(redrive.failed)} failed again
        {redrive.reason && <>. {redrive.reason}</>}
      </p>
      {running && <button type="button" onClick={onCancel}>Stop</button>}
    </div>
  );
}

function pathOf(queue: string): string {
  return `/v1/dead-letter-queues/${encodeURIComponent(queue)}`;
}

function odds(group: Group): string {
  if (group.success_odds === null) return `Odds not known: ${group.odds_from}.`;
  return `${Math.round(100 * group.success_odds)} % would succeed now.`;
}

function tone(cause: string): string {
  return cause.endsWith("_over") ? "start" : cause === "unknown" || cause === "unhandled" ? "" : "move";
}

function shortTime(time: string): string {
  return time.slice(0, 19).replace("T", " ");
}
