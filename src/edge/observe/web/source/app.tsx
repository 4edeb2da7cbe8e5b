import { useEffect, useState } from "preact/hooks";
import { Header, Tiles } from "./header";
import { QueueList } from "./queue_list";
import { QueuePanel } from "./queue_panel";
import { fromHello, withTick, type View } from "./store";
import { Stream, type Connection } from "./stream";

/** The selected queue is in the address, so that a link or a reload shows the same. */
function queueInAddress(): string {
  return new URLSearchParams(location.hash.slice(1)).get("queue") ?? "";
}

export function App() {
  const [view, setView] = useState<View | null>(null);
  const [connection, setConnection] = useState<Connection>("connecting");
  const [selected, setSelected] = useState(queueInAddress());

  useEffect(() => {
    const follow = () => setSelected(queueInAddress());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);

  useEffect(() => {
    const stream = new Stream(
      selected,
      (kind, message) => setView((old) => (kind === "hello" || !old ? fromHello(message) : withTick(old, message))),
      setConnection,
    );
    return () => stream.stop();
  }, [selected]);

  const select = (name: string) => {
    location.hash = new URLSearchParams({ queue: name }).toString();
  };
  if (!view) {
    return (
      <main class="empty" role="status">
        {connection === "lost" ? "The server does not answer. Trying again…" : "Connecting…"}
      </main>
    );
  }
  const shown = view.queue?.name ?? selected;
  return (
    <>
      <Header server={view.server} connection={connection} progress={view.progress} />
      <div class={connection === "lost" ? "page stale" : "page"}>
        <Tiles view={view} />
        <div class="columns">
          <QueueList view={view} selected={shown} onSelect={select} />
          {view.queue ? (
            <QueuePanel key={view.queue.name} queue={view.queue} decisions={view.decisions} now={view.server.at} />
          ) : (
            <main class="card empty">
              {view.queues.length === 0
                ? "There are no queues yet. The first message that is sent makes the first one appear here."
                : `There is no queue “${shown}”. Choose one from the list.`}
            </main>
          )}
        </div>
      </div>
    </>
  );
}
