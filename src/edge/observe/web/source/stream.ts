import type { Message } from "./types";

export type Connection = "connecting" | "live" | "lost";

const kRetryMs = 2000;
const kSilentMs = 4000;

/** Follows /v1/stream for one queue until stopped; reconnects by itself, for ever. */
export class Stream {
  private source: EventSource | null = null;
  private timer = 0;
  private watchdog = 0;
  private stopped = false;

  constructor(
    private readonly queue: string,
    private readonly onMessage: (kind: "hello" | "tick", message: Message) => void,
    private readonly onConnection: (connection: Connection) => void,
  ) {
    this.open();
  }

  stop(): void {
    this.stopped = true;
    this.close();
  }

  private open(): void {
    const query = this.queue ? `?queue=${encodeURIComponent(this.queue)}` : "";
    const source = new EventSource(`/v1/stream${query}`);
    this.source = source;
    const take = (kind: "hello" | "tick") => (event: Event) => {
      this.watch();
      this.onConnection("live");
      this.onMessage(kind, JSON.parse((event as MessageEvent<string>).data) as Message);
    };
    source.addEventListener("hello", take("hello"));
    source.addEventListener("tick", take("tick"));
    source.onerror = () => this.lose();
    this.watch();
  }

  /** A server that hangs keeps the connection open: silence counts as loss too. */
  private watch(): void {
    clearTimeout(this.watchdog);
    this.watchdog = window.setTimeout(() => this.lose(), kSilentMs);
  }

  private lose(): void {
    this.close();
    if (this.stopped) return;
    this.onConnection("lost");
    this.timer = window.setTimeout(() => this.open(), kRetryMs);
  }

  private close(): void {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.source?.close();
    this.source = null;
  }
}
