import { useState } from "preact/hooks";
import { call } from "./api";

/** A form that sends one message to a queue. Where the page's token may only read, the server says so. */
export function TestMessage({ queue }: { queue: string }) {
  const [body, setBody] = useState('{"test": true}');
  const [outcome, setOutcome] = useState<{ ok: boolean; text: string } | null>(null);
  const fifo = queue.endsWith(".fifo");

  const send = async (event: Event) => {
    event.preventDefault();
    const group = fifo ? { group: "test", deduplication_id: `test-${Date.now()}` } : {};
    const answer = await call<{ message_id: string }>("POST", `/v1/queues/${encodeURIComponent(queue)}/messages`, { body, ...group });
    setOutcome(answer.ok ? { ok: true, text: `Sent as ${answer.body.message_id}` } : { ok: false, text: answer.detail });
  };
  return (
    <details class="card test-message">
      <summary>Send a test message</summary>
      <form onSubmit={(event) => void send(event)}>
        <textarea rows={3} aria-label="Body" value={body} onInput={(event) => setBody(event.currentTarget.value)} />
        <button type="submit" disabled={body === ""}>Send to {queue}</button>
        {outcome && <p class={outcome.ok ? "muted" : "problem"} role="status">{outcome.text}</p>}
      </form>
    </details>
  );
}
