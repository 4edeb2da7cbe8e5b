const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(value: number): string {
  if (value < 100_000) return whole.format(value);
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

export function rate(perSecond: number): string {
  if (perSecond >= 100) return whole.format(perSecond);
  if (perSecond >= 10) return perSecond.toFixed(1);
  if (perSecond === 0) return "0";
  return perSecond >= 0.1 ? perSecond.toFixed(1) : "<0.1";
}

/** For an axis: no more decimals than needed. */
export function plain(value: number): string {
  return whole.format(value) === String(value) ? String(value) : String(Math.round(value * 100) / 100);
}

export function share(part: number, all: number): string {
  if (all === 0) return "–";
  const percent = (100 * part) / all;
  if (part > 0 && percent < 0.01) return "<0.01 %";
  return `${percent === 0 ? "0" : percent < 1 ? percent.toFixed(2) : percent.toFixed(1)} %`;
}

export function bytes(value: number): string {
  if (value < 1 << 20) return `${Math.round(value / 1024)} kB`;
  if (value < 1 << 30) return `${(value / (1 << 20)).toFixed(value < 100 << 20 ? 1 : 0)} MB`;
  return `${(value / (1 << 30)).toFixed(1)} GB`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1).replace(/\.0$/, "")} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function clock(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toLocaleTimeString("en-GB");
}
