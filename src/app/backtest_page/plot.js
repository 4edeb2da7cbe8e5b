const D = JSON.parse(document.getElementById("data").textContent),
  $ = (id) => document.getElementById(id),
  models = D.league.map((l) => l.model),
  yard = "seasonal_naive";
const state = {
  q: 0,
  m: models.find((m) => m.startsWith("ensemble")) ?? models.find((m) => m !== yard) ?? models[0],
  o: 0,
  scope: "all",
};
function short(v) {
  if (v == null) return "–";
  const size = Math.abs(v);
  if (size >= 1e6) return +(v / 1e6).toFixed(1) + "M";
  if (size >= 1e4) return +(v / 1e3).toFixed(1) + "k";
  return String(+v.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3));
}
const nice = (m) => m.replace(/_/g, " "),
  pct = (v, d = 1) => (100 * v).toFixed(d) + " %";
function el(parent, tag, attributes = {}, text) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const k in attributes) e.setAttribute(k, attributes[k]);
  if (text != null) e.textContent = text;
  parent.append(e);
  return e;
}
function html(tag, text, cls) {
  const e = document.createElement(tag);
  if (text != null) e.textContent = text;
  if (cls) e.className = cls;
  return e;
}
function duration(s) {
  for (const [u, n] of [
    ["d", 86400],
    ["h", 3600],
    ["min", 60],
  ])
    if (s >= n && s % n === 0) return s / n + " " + u;
  return s >= 3600 ? (s / 3600).toFixed(1) + " h" : s + " s";
}
const pad = (n) => String(n).padStart(2, "0");
function stamp(t) {
  const d = new Date(t * 1000),
    day = t > 1e8 ? d.toISOString().slice(0, 10) : "day " + Math.floor(t / 86400);
  return (
    day + " " + pad(d.getUTCHours()) + ":" + pad(d.getUTCMinutes()) + (t % 60 ? ":" + pad(d.getUTCSeconds()) : "")
  );
}
function tickText(t, step) {
  const d = new Date(t * 1000);
  if (step >= 86400 || t % 86400 === 0)
    return t > 1e8
      ? d.getUTCDate() + " " + "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")[d.getUTCMonth()]
      : "day " + Math.floor(t / 86400);
  return pad(d.getUTCHours()) + ":" + pad(d.getUTCMinutes()) + (step < 60 ? ":" + pad(d.getUTCSeconds()) : "");
}
function ticks(lo, hi, n) {
  const raw = (hi - lo) / n,
    p = 10 ** Math.floor(Math.log10(raw)),
    s = [1, 2, 5, 10].map((k) => k * p).find((k) => k >= raw) ?? p;
  const out = [];
  for (let v = Math.ceil(lo / s - 1e-9) * s; v <= hi + s * 1e-9; v += s) out.push(+v.toPrecision(10));
  return out;
}
function timeTicks(lo, hi, n) {
  const raw = (hi - lo) / n,
    s =
      [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
        1209600, 2592000,
      ].find((k) => k >= raw) ?? 2592000;
  const out = [];
  for (let v = Math.ceil(lo / s) * s; v <= hi; v += s) out.push(v);
  return [out, s];
}
/* A chart's frame: scales, grid and axes. */
function frame(svg, x0, x1, y0, y1, o = {}) {
  svg.replaceChildren();
  const [, , w, h] = svg.getAttribute("viewBox").split(" ").map(Number),
    l = o.left ?? 46,
    r = o.right ?? 10,
    t = o.top ?? 10,
    b = o.bottom ?? 22;
  const f = {
    svg,
    w,
    h,
    l,
    r,
    t,
    b,
    x: (v) => l + ((v - x0) / (x1 - x0 || 1)) * (w - l - r),
    y: (v) => h - b - ((v - y0) / (y1 - y0 || 1)) * (h - t - b),
    invert: (p) => x0 + ((p - l) / (w - l - r)) * (x1 - x0),
  };
  for (const v of o.yticks ?? ticks(y0, y1, o.ny ?? 5)) {
    el(svg, "line", { x1: l, x2: w - r, y1: f.y(v), y2: f.y(v), class: v === 0 ? "axis" : "grid" });
    el(svg, "text", { x: l - 7, y: f.y(v) + 4, "text-anchor": "end" }, (o.yfmt ?? short)(v));
  }
  if (o.time) {
    const [ts, s] = timeTicks(x0, x1, o.nx ?? 9);
    for (const v of ts) el(svg, "text", { x: f.x(v), y: h - 5, "text-anchor": "middle" }, tickText(v, s));
  }
  for (const [v, text] of o.xticks ?? []) el(svg, "text", { x: f.x(v), y: h - 5, "text-anchor": "middle" }, text);
  return f;
}
const line = (f, pts) => {
  let d = "",
    pen = false;
  for (const [x, y] of pts) {
    if (y == null) {
      pen = false;
      continue;
    }
    d += (pen ? "L" : "M") + f.x(x).toFixed(1) + " " + f.y(y).toFixed(1);
    pen = true;
  }
  return d;
};
const area = (f, xs, lo, hi) =>
  "M" +
  xs.map((x, i) => f.x(x).toFixed(1) + " " + f.y(hi[i]).toFixed(1)).join("L") +
  "L" +
  xs
    .map((x, i) => f.x(x).toFixed(1) + " " + f.y(lo[i]).toFixed(1))
    .reverse()
    .join("L") +
  "Z";
function tip(event, title, rows) {
  const t = $("tip");
  t.replaceChildren(html("b", title));
  const table = html("table");
  for (const [k, v, on] of rows) {
    const tr = html("tr", null, on ? "on" : "");
    tr.append(html("td", k), html("td", v));
    table.append(tr);
  }
  t.append(table);
  const w = t.offsetWidth,
    h = t.offsetHeight;
  t.style.left =
    Math.min(innerWidth - w - 8, event.clientX + w + 24 > innerWidth ? event.clientX - w - 14 : event.clientX + 14) +
    "px";
  t.style.top = Math.max(6, Math.min(innerHeight - h - 8, event.clientY - h / 2)) + "px";
  t.style.opacity = 1;
}
const hide = () => ($("tip").style.opacity = 0);
function hover(f, move, leave) {
  const r = el(f.svg, "rect", { x: 0, y: 0, width: f.w, height: f.h, fill: "transparent" });
  r.addEventListener("pointermove", (e) => {
    const box = f.svg.getBoundingClientRect();
    move(f.invert(((e.clientX - box.left) * f.w) / box.width), e);
  });
  r.addEventListener("pointerleave", () => {
    hide();
    leave?.();
  });
  return r;
}
const spot = (node, title, rows, click) => {
  node.addEventListener("pointermove", (e) => tip(e, title(), rows()));
  node.addEventListener("pointerleave", hide);
  if (click) {
    node.style.cursor = "pointer";
    node.addEventListener("click", click);
  }
};
const series = () => D.series[state.q],
  one = () => series().models[state.m],
  score = () =>
    D.series.length > 1 && state.scope === "all" ? D.league.find((l) => l.model === state.m).score : one().score;
const timeOf = (s, step) => s.start + step * s.step_seconds;
