"use strict";

function kept() {
  return one().forecasts ?? [];
}
function fan() {
  const s = series(),
    list = kept();
  $("fan-card").style.display = list.length ? "" : "none";
  if (!list.length) return;
  state.o = Math.min(state.o, list.length - 1);
  const { origin, q } = list[state.o],
    h = s.horizon,
    from = Math.max(s.shown_from, origin - Math.max(2 * h, Math.min(4 * h, s.season))),
    to = origin + h,
    value = (t) => s.shown[t - s.shown_from];
  $("origin").max = list.length - 1;
  $("origin").value = state.o;
  $("when").textContent = stamp(timeOf(s, origin)) + "  (" + (state.o + 1) + " / " + list.length + ")";
  let top = 0;
  for (let t = from; t < to; t++) top = Math.max(top, value(t) ?? 0);
  const sorted = [...q[4]].sort((a, b) => a - b);
  top = Math.max(top, Math.min(sorted[sorted.length - 1], 4 * Math.max(top, sorted[sorted.length >> 1])));
  let low = 0;
  for (let t = from; t < to; t++) low = Math.min(low, value(t) ?? 0);
  const f = frame($("fan"), timeOf(s, from), timeOf(s, to), low, top * 1.06 || 1, { time: true, nx: 10, left: 54 }),
    svg = $("fan"),
    mid = (t) => timeOf(s, t + 0.5),
    xs = q[0].map((_, i) => mid(origin + i));
  el(svg, "rect", {
    x: f.x(timeOf(s, origin)),
    y: f.t,
    width: f.x(timeOf(s, to)) - f.x(timeOf(s, origin)),
    height: f.h - f.t - f.b,
    fill: "var(--future)",
  });
  const clip = (v) => v.map((x) => Math.min(x, top * 1.06));
  el(svg, "path", { d: area(f, xs, clip(q[0]), clip(q[4])), fill: "var(--wide)" });
  el(svg, "path", { d: area(f, xs, clip(q[1]), clip(q[3])), fill: "var(--band)" });
  const past = [],
    came = [];
  for (let t = from; t <= origin && t < to; t++) past.push([mid(t), value(t)]);
  for (let t = origin - (origin > from ? 1 : 0); t < to; t++) came.push([mid(t), value(t)]);
  el(svg, "path", {
    d: line(f, past.slice(0, origin - from)),
    fill: "none",
    stroke: "var(--past)",
    "stroke-width": 1.6,
  });
  el(svg, "path", {
    d: line(
      f,
      xs.map((x, i) => [x, Math.min(q[2][i], top * 1.06)]),
    ),
    fill: "none",
    stroke: "var(--median)",
    "stroke-width": 2.2,
  });
  el(svg, "path", { d: line(f, came), fill: "none", stroke: "var(--came)", "stroke-width": 1.8 });
  if (h <= 80)
    for (let t = origin; t < to; t++)
      if (value(t) != null) el(svg, "circle", { cx: f.x(mid(t)), cy: f.y(value(t)), r: 2.6, fill: "var(--came)" });
  el(svg, "line", { x1: f.x(timeOf(s, origin)), x2: f.x(timeOf(s, origin)), y1: f.t, y2: f.h - f.b, class: "now" });
  el(svg, "text", { x: f.x(timeOf(s, origin)) - 6, y: f.t + 11, "text-anchor": "end" }, "known");
  el(svg, "text", { x: f.x(timeOf(s, origin)) + 6, y: f.t + 11 }, "forecast");
  const cross = el(svg, "line", { y1: f.t, y2: f.h - f.b, class: "cross", visibility: "hidden" });
  hover(
    f,
    (x, e) => {
      const t = Math.max(from, Math.min(to - 1, Math.floor((x - s.start) / s.step_seconds))),
        i = t - origin;
      cross.setAttribute("x1", f.x(mid(t)));
      cross.setAttribute("x2", f.x(mid(t)));
      cross.setAttribute("visibility", "visible");
      tip(e, stamp(timeOf(s, t)), [
        ["came", short(value(t)), true],
        ...(i >= 0
          ? [
              ["median", short(q[2][i])],
              ["50 %", short(q[1][i]) + " – " + short(q[3][i])],
              ["90 %", short(q[0][i]) + " – " + short(q[4][i])],
              ["ahead", duration((i + 1) * s.step_seconds)],
            ]
          : []),
      ]);
    },
    () => cross.setAttribute("visibility", "hidden"),
  );
  strip(origin);
}
function strip(origin) {
  const s = series(),
    svg = $("strip"),
    n = s.shown.length,
    to = s.shown_from + n,
    cells = Math.min(n, 900),
    top = Math.max(1e-9, ...s.shown.map((v) => v ?? 0)),
    f = frame(svg, timeOf(s, s.shown_from), timeOf(s, to), 0, top, {
      time: true,
      nx: 9,
      left: 54,
      top: 2,
      bottom: 18,
      yticks: [],
    });
  const lo = [],
    hi = [],
    xs = [];
  for (let c = 0; c < cells; c++) {
    let a = Infinity,
      b = -Infinity;
    for (let i = Math.floor((c * n) / cells); i < Math.floor(((c + 1) * n) / cells); i++) {
      const v = s.shown[i];
      if (v != null) {
        a = Math.min(a, v);
        b = Math.max(b, v);
      }
    }
    if (b > -Infinity) {
      xs.push(timeOf(s, s.shown_from + ((c + 0.5) * n) / cells));
      lo.push(Math.min(0, a));
      hi.push(b);
    }
  }
  if (xs.length) el(svg, "path", { d: area(f, xs, lo, hi), fill: "var(--past)", opacity: 0.75 });
  el(svg, "rect", {
    x: f.x(timeOf(s, origin)),
    y: 0,
    width: Math.max(2, f.x(timeOf(s, origin + s.horizon)) - f.x(timeOf(s, origin))),
    height: f.h - f.b,
    fill: "var(--median)",
    "fill-opacity": 0.35,
  });
  for (const k of kept())
    el(svg, "circle", {
      cx: f.x(timeOf(s, k.origin)),
      cy: f.h - f.b,
      r: k.origin === origin ? 3.5 : 1.8,
      fill: "var(--median)",
    });
  hover(f, (x, e) => tip(e, stamp(x), [["click", "to look there"]])).addEventListener("click", (e) => {
    const box = svg.getBoundingClientRect(),
      x = f.invert(((e.clientX - box.left) * f.w) / box.width);
    let best = 0;
    kept().forEach((k, i) => {
      if (Math.abs(timeOf(s, k.origin) - x) < Math.abs(timeOf(s, kept()[best].origin) - x)) best = i;
    });
    state.o = best;
    fan();
  });
}

/** A line at the origin that is nearest to the pointer, and what rows(i) says of it. */
function atOrigins(f, svg, xs, rows) {
  const cross = el(svg, "line", { y1: f.t, y2: f.h - f.b, class: "cross", visibility: "hidden" });
  hover(
    f,
    (x, e) => {
      let i = 0;
      xs.forEach((v, k) => {
        if (Math.abs(v - x) < Math.abs(xs[i] - x)) i = k;
      });
      cross.setAttribute("x1", f.x(xs[i]));
      cross.setAttribute("x2", f.x(xs[i]));
      cross.setAttribute("visibility", "visible");
      tip(e, stamp(xs[i]), rows(i));
    },
    () => cross.setAttribute("visibility", "hidden"),
  );
}

function loss() {
  const s = series(),
    n = s.origins.length,
    reach = Math.max(0, Math.min(10, Math.round(n / 20))),
    smooth = (list) =>
      list.map((_, i) => {
        let sum = 0,
          c = 0;
        for (let k = Math.max(0, i - reach); k <= Math.min(n - 1, i + reach); k++)
          if (list[k] != null) {
            sum += list[k];
            c++;
          }
        return c ? sum / c : null;
      });
  const lines = Object.fromEntries(models.map((m) => [m, smooth(s.models[m].losses)])),
    all = models
      .flatMap((m) => lines[m])
      .filter((v) => v != null)
      .sort((a, b) => a - b),
    top = Math.min(all[all.length - 1] ?? 1, 3 * (all[Math.floor(all.length * 0.9)] ?? 1)) || 1,
    xs = s.origins.map((o) => timeOf(s, o));
  $("loss-note").textContent =
    `${s.name}: mean pinball loss at each origin` +
    (reach ? `, mean of ${2 * reach + 1} origins` : "") +
    ". Less is better.";
  const f = frame($("loss"), xs[0], xs[n - 1] === xs[0] ? xs[0] + 1 : xs[n - 1], 0, top * 1.05, {
      time: true,
      nx: 5,
    }),
    svg = $("loss");
  const order = [...models.filter((m) => m !== state.m), state.m];
  for (const m of order) {
    const on = m === state.m;
    el(svg, "path", {
      d: line(
        f,
        lines[m].map((v, i) => [xs[i], v == null ? null : Math.min(v, top * 1.05)]),
      ),
      fill: "none",
      stroke: on ? "var(--median)" : m === yard ? "var(--past)" : "var(--other)",
      "stroke-width": on ? 2.4 : 1.4,
      ...(m === yard ? { "stroke-dasharray": "5 4" } : {}),
    });
  }
  el(svg, "text", { x: f.w - f.r, y: f.t + 2, "text-anchor": "end" }, "dashed: seasonal naive");
  atOrigins(f, svg, xs, (i) =>
    models
      .filter((m) => lines[m][i] != null)
      .sort((a, b) => lines[a][i] - lines[b][i])
      .map((m) => [nice(m), short(lines[m][i]), m === state.m]),
  );
}

function weights() {
  const s = series(),
    list = s.models[state.m].carriers ?? [];
  $("weights-card").style.display = list.length ? "" : "none";
  if (!list.length) return;
  const n = s.origins.length,
    xs = s.origins.map((o) => timeOf(s, o)),
    colour = (k) => `hsl(${(215 + 47 * k) % 360} 55% ${k % 2 ? 62 : 50}%)`;
  $("weights-note").textContent = `${s.name}: shares of the mix at each origin; white is all else together.`;
  const f = frame($("weights"), xs[0], xs[n - 1] === xs[0] ? xs[0] + 1 : xs[n - 1], 0, 1, {
      time: true,
      nx: 5,
      yfmt: (v) => Math.round(100 * v) + " %",
    }),
    svg = $("weights");
  let below = xs.map(() => 0);
  list.forEach(({ shares }, k) => {
    const above = below.map((v, i) => v + (shares[i] ?? 0));
    el(svg, "path", { d: area(f, xs, below, above), fill: colour(k) });
    below = above;
  });
  atOrigins(f, svg, xs, (i) => list.map(({ name, shares }) => [name, pct(shares[i], 0)]));
  const legend = $("weights-legend");
  legend.replaceChildren();
  list.forEach(({ name }, k) => {
    const entry = html("span"),
      swatch = html("i");
    swatch.style.background = colour(k);
    entry.append(swatch, name);
    legend.append(entry);
  });
}

function cover() {
  const sc = score(),
    L = D.levels,
    dev = sc.miss_by_third.map((t) => t.map((v) => 100 * v)),
    far = Math.max(5, Math.min(50, Math.max(...dev.flat().map(Math.abs)) * 1.1)),
    f = frame($("cover"), -0.5, L.length - 0.5, -far, far, {
      xticks: L.map((l, i) => [i, +(100 * l).toFixed(0) + " %"]),
      yfmt: (v) => (v > 0 ? "+" : "") + v,
    }),
    svg = $("cover");
  el(svg, "rect", { x: f.l, y: f.y(2), width: f.w - f.l - f.r, height: f.y(-2) - f.y(2), fill: "var(--ok)" });
  el(svg, "line", { x1: f.l, x2: f.w - f.r, y1: f.y(0), y2: f.y(0), stroke: "var(--good)", "stroke-opacity": 0.6 });
  const names = ["first third", "second third", "last third"];
  dev.forEach((t, k) =>
    t.forEach((v, i) => {
      const x = f.x(i) + (k - 1) * 11,
        y = f.y(Math.max(-far, Math.min(far, v)));
      el(svg, "line", { x1: x, x2: x, y1: f.y(0), y2: y, stroke: `var(--t${k + 1})`, "stroke-width": 2.5 });
      el(svg, "circle", { cx: x, cy: y, r: 4.2, fill: `var(--t${k + 1})` });
    }),
  );
  names.forEach((n, k) => {
    el(svg, "circle", { cx: f.w - f.r - 262 + k * 96, cy: 6, r: 4, fill: `var(--t${k + 1})` });
    el(svg, "text", { x: f.w - f.r - 253 + k * 96, y: 10 }, n);
  });
  hover(f, (x, e) => {
    const i = Math.max(0, Math.min(L.length - 1, Math.round(x)));
    tip(e, "quantile " + +(100 * L[i]).toFixed(0) + " %", [
      ...names.map((n, k) => [n, pct(sc.coverage_by_third[k][i])]),
      ["whole horizon", pct(sc.coverage[i]), true],
    ]);
  });
}
function pit() {
  const p = score().pit,
    n = p.length,
    top = Math.max(1.6, Math.min(5, Math.max(...p) * 1.1)),
    f = frame($("pit"), 0, 1, 0, top, { xticks: [0, 0.25, 0.5, 0.75, 1].map((v) => [v, 100 * v + " %"]), ny: 4 }),
    svg = $("pit");
  p.forEach((v, i) => {
    const y = f.y(Math.min(v, top));
    el(svg, "rect", {
      x: f.x(i / n) + 1,
      y,
      width: f.x(1 / n) - f.x(0) - 2,
      height: f.y(0) - y,
      rx: 2,
      fill: "var(--median)",
      "fill-opacity": 0.75,
    });
  });
  el(svg, "line", {
    x1: f.l,
    x2: f.w - f.r,
    y1: f.y(1),
    y2: f.y(1),
    stroke: "var(--good)",
    "stroke-width": 1.5,
    "stroke-dasharray": "5 4",
  });
  hover(f, (x, e) => {
    const i = Math.max(0, Math.min(n - 1, Math.floor(x * n)));
    tip(e, `${((100 * i) / n).toFixed(0)} – ${((100 * (i + 1)) / n).toFixed(0)} % of the forecast`, [
      ["share of values", pct(p[i] / n)],
      ["if calibrated", pct(1 / n)],
    ]);
  });
}
/** With one queue there is none to compare with: the loss of each quantile instead. */
function byLevel() {
  const wql = one().score.wql_by_level,
    other = series().models[yard].score.wql_by_level,
    top = Math.max(...wql, ...other) * 1.1 || 1,
    f = frame($("queues"), -0.5, wql.length - 0.5, 0, top, {
      left: 54,
      xticks: D.levels.map((l, i) => [i, +(100 * l).toFixed(0) + " %"]),
    });
  const bars = (list, shift, colour) =>
    list.forEach((v, i) =>
      el(f.svg, "rect", { x: f.x(i) + shift, y: f.y(v), width: 14, height: f.y(0) - f.y(v), rx: 2, fill: colour }),
    );
  bars(other, 1, "var(--other)");
  bars(wql, -15, "var(--median)");
  hover(f, (x, e) => {
    const i = Math.max(0, Math.min(wql.length - 1, Math.round(x)));
    tip(e, "quantile " + +(100 * D.levels[i]).toFixed(0) + " %", [
      [nice(state.m), short(wql[i]), true],
      [nice(yard), short(other[i])],
    ]);
  });
}
function queues() {
  if (D.series.length === 1) return byLevel();
  const list = D.series
      .map((s, i) => ({ i, name: s.name, rel: s.models[state.m].score.rel }))
      .sort((a, b) => a.rel - b.rel),
    svg = $("queues"),
    row = Math.max(13, Math.min(26, 216 / list.length)),
    h = Math.max(120, list.length * row + 34);
  svg.setAttribute("viewBox", `0 0 540 ${h}`);
  const lg = Math.log2,
    far = Math.max(1, ...list.map((l) => Math.abs(lg(Math.max(l.rel, 0.05))))) * 1.3,
    f = frame(svg, -far, far, 0, 1, {
      yticks: [],
      left: 170,
      right: 44,
      top: 4,
      xticks: [0.125, 0.25, 0.5, 1, 2, 4, 8].filter((v) => Math.abs(lg(v)) <= far).map((v) => [lg(v), v + "×"]),
    });
  el(svg, "line", { x1: f.x(0), x2: f.x(0), y1: 0, y2: h - f.b, stroke: "var(--past)" });
  list.forEach((l, k) => {
    const y = k * row + row / 2 + 4,
      x = f.x(lg(Math.max(l.rel, 0.05))),
      on = l.i === state.q,
      good = l.rel <= 1,
      g = el(svg, "g");
    el(g, "rect", { x: 0, y: y - row / 2, width: 540, height: row, fill: on ? "var(--select)" : "transparent" });
    el(
      g,
      "text",
      { x: 160, y: y + 4, "text-anchor": "end", style: on ? "font-weight:700;fill:var(--text)" : "" },
      l.name.length > 24 ? l.name.slice(0, 11) + "…" + l.name.slice(-12) : l.name,
    );
    el(g, "line", {
      x1: f.x(0),
      x2: x,
      y1: y,
      y2: y,
      stroke: good ? "var(--good)" : "var(--bad)",
      "stroke-width": 3,
    });
    el(g, "circle", { cx: x, cy: y, r: 4.5, fill: good ? "var(--good)" : "var(--bad)" });
    el(g, "text", { x: x + (good ? -9 : 9), y: y + 4, "text-anchor": good ? "end" : "start" }, l.rel.toFixed(2));
    spot(
      g,
      () => l.name,
      () => models.map((m) => [nice(m), D.series[l.i].models[m].score.wql.toFixed(4), m === state.m]),
      () => {
        state.q = l.i;
        state.o = 1e9;
        draw();
      },
    );
  });
}
