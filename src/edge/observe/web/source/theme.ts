/** The style sheet's colours, for drawing on a canvas. */
export interface Theme {
  text: string;
  muted: string;
  grid: string;
  now: string;
  future: string;
  arrivals: string;
  arrivalsOpen: string;
  median: string;
  band: string;
  bandWide: string;
  busy: string;
  idle: string;
  starting: string;
  frozen: string;
  plan: string;
  late: string;
  signals: string[];
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of("text"),
    muted: of("muted"),
    grid: of("grid"),
    now: of("now"),
    future: of("future"),
    arrivals: of("arrivals"),
    arrivalsOpen: of("arrivals-open"),
    median: of("median"),
    band: of("band"),
    bandWide: of("band-wide"),
    busy: of("busy"),
    idle: of("idle"),
    starting: of("starting"),
    frozen: of("frozen"),
    plan: of("plan"),
    late: of("late"),
    signals: [of("signal-0"), of("signal-1"), of("signal-2")],
  };
}
