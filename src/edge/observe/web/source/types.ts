// What the server sends; its OpenAPI document is the reference. Times are seconds since 1970.

export interface Instances {
  starting: number;
  idle: number;
  busy: number;
  frozen: number;
  stopping: number;
}

export interface Queue {
  name: string;
  function: string;
  ready: number;
  delayed: number;
  in_flight: number;
  oldest_wait_seconds: number;
  step_start: number;
  step_seconds: number;
  arrivals_last_step: number | null;
  arrived: number;
  started: number;
  late: number;
  retries: number;
  dead_letters: number;
  paused: boolean;
  dead_letter_errors: number;
  objective_seconds: number;
  planned: number;
  instances: Instances;
  sparkline?: number[];
}

export type Series = (number | null)[];

export interface Forecast {
  start: number;
  step_seconds: number;
  model: string;
  p5: number[];
  p25: number[];
  p50: number[];
  p75: number[];
  p95: number[];
}

/** The answer of /v1/queues/NAME/forecast. */
export interface LongForecast {
  model: string;
  start: number;
  step_seconds: number;
  quantiles: Series[];
  history: Series;
  came: Series;
  reasons: { kind: "newest" | "season" | "model" | "signal" | "batch"; share: number; text: string }[];
  signals: Signal[];
  demand: Demand;
}

/** An external series that carries the forecast, on its grid; no future where that is not known. */
export interface Signal {
  name: string;
  past: Series;
  future: Series;
}

/** What a forecast needs: by level, a value a step; empty where it was not measured. */
export interface Demand {
  concurrency: Series[];
  cores: Series[];
  memory_bytes: Series[];
  priorities: { priority: number; share: number; messages: Series[]; concurrency: Series[] }[];
}

export interface Plan {
  at: number;
  until: number;
  instances: number;
  warm_floor: number;
  explanation: string;
}

export interface Steps {
  start: number[];
  step_seconds: number[];
  arrivals: Series;
  p5: Series;
  p25: Series;
  p50: Series;
  p75: Series;
  p95: Series;
}

export interface History {
  at: number[];
  ready: number[];
  in_flight: number[];
  arrived: number[];
  late: number[];
  starting: number[];
  idle: number[];
  busy: number[];
  frozen: number[];
  planned: number[];
  steps: Steps;
}

export interface QueueDetail extends Queue {
  forecast: Forecast | null;
  plan: Plan | null;
  history: History;
}

export interface Decision {
  at_us: number;
  time: string;
  queue: string;
  kind: "plan" | "start" | "stop" | "retry" | "move";
  explanation: string;
  instances?: number;
  instances_before?: number;
}

export interface Server {
  version: string;
  at: number;
  ready: boolean;
  uptime_seconds: number;
  memory_bytes: number;
  functions_memory_bytes: number;
}

export interface Totals {
  arrived: number;
  started: number;
  late: number;
  retries: number;
  dead_letters: number;
  cold_starts: number;
  warm_starts: number;
  cold_starts_avoided: number;
  instance_seconds: number;
  instances: Instances;
}

export interface Progress {
  title: string;
  share: number;
  left_seconds: number;
}

export interface Message {
  server: Server;
  totals: Totals;
  progress: Progress | null;
  queues_in_all: number;
  queues: Queue[];
  queue: QueueDetail | null;
  decisions: Decision[];
}
