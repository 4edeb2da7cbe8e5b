function league() {
  const cols = [
    ["wQL", (s) => s.wql, 4, "weighted quantile loss, mean of nine levels: the headline, less is better"],
    ["rel", (s) => s.rel, 3, "wQL against seasonal naive, geometric mean over queues; below 1 is better"],
    ["MASE", (s) => s.mase, 3, "error of the median over seasonal naive's in the history"],
    ["sMAPE", (s) => s.smape, 1, "symmetric percentage error of the median"],
    ["wQL50", (s) => s.wql_by_level[4], 4, "loss of the median"],
    ["wQL90", (s) => s.wql_by_level[6], 4, "loss of the 90 % quantile"],
    ["wQL95", (s) => s.wql_by_level[7], 4, "loss of the 95 % quantile"],
    ["wQL99", (s) => s.wql_by_level[8], 4, "loss of the 99 % quantile"],
    ["cov90", (s) => 100 * s.coverage[6], 1, "per cent of values at or below the 90 % quantile"],
    ["cov99", (s) => 100 * s.coverage[8], 1, "per cent of values at or below the 99 % quantile"],
    ["calerr", (s) => s.calerr, 1, "percentage points that quantiles are off, as far as counts can tell"],
    ["CPU/fit", (s) => 1000 * s.cpu_seconds_per_fit, 1, "milliseconds of CPU for a fit and its forecast"],
  ];
  const table = $("league"),
    head = html("tr");
  head.append(html("th", "model"));
  for (const [n, , , t] of cols) {
    const th = html("th", n);
    th.title = t;
    head.append(th);
  }
  const thead = html("thead");
  thead.append(head);
  const body = html("tbody");
  const best = cols.map(([n, g]) =>
      n.startsWith("cov")
        ? null
        : Math.min(...D.league.filter((l) => l.model !== yard || n !== "CPU/fit").map((l) => g(l.score))),
    ),
    most = Math.max(...D.league.map((l) => l.score.wql));
  for (const l of D.league) {
    const tr = html("tr");
    tr.tabIndex = 0;
    tr.dataset.model = l.model;
    tr.append(html("td", nice(l.model)));
    cols.forEach(([n, g, d], i) => {
      const v = g(l.score),
        td = html("td", null, v === best[i] ? "best" : "");
      if (n === "wQL") {
        const bar = html("span", null, "bar");
        bar.style.width = ((70 * v) / most).toFixed(0) + "px";
        td.append(bar);
      }
      td.append(v.toFixed(d) + (n === "CPU/fit" ? " ms" : ""));
      tr.append(td);
    });
    if (l.score.stand_ins) tr.title = `no forecast at ${l.score.stand_ins} origins: seasonal naive stood in`;
    const go = () => {
      state.m = l.model;
      draw();
    };
    tr.addEventListener("click", go);
    tr.addEventListener("keydown", (e) => (e.key === "Enter" || e.key === " ") && (e.preventDefault(), go()));
    body.append(tr);
  }
  table.replaceChildren(thead, body);
}

function words() {
  const s = D.series[0],
    all = D.league[0].score,
    best = D.league.find((l) => l.model.startsWith("ensemble")) ?? D.league[0];
  $("lead").textContent =
    `${D.source.split("/").filter(Boolean).slice(-2).join("/")} · ${D.series.length} ${D.series.length === 1 ? "queue" : "queues"} · ${all.origins} origins · horizon ${duration(s.horizon * s.step_seconds)} in steps of ${duration(s.step_seconds)} · fitted every ${D.refit_every === 1 ? "origin" : D.refit_every + " origins"}`;
  const v = $("verdict"),
    gain = 100 * (1 - best.score.rel);
  v.append(best.model.startsWith("ensemble") ? "The engine loses " : nice(best.model) + " loses ");
  v.append(html("b", `${Math.abs(gain).toFixed(0)} % ${gain >= 0 ? "less" : "more"}`, gain >= 0 ? "" : "bad"));
  v.append(` than seasonal naive, and its quantiles are off by ${best.score.calerr.toFixed(1)} percentage points.`);
  $("foot").textContent =
    (D.left_out ? `The ${D.series.length} busiest queues; ${D.left_out} quieter ones were left out. ` : "") +
    "Every forecast was made from what lay before its origin, and from nothing else. Times as recorded.";
  for (const [i, x] of D.series.entries()) $("queue").append(new Option(x.name, i));
  for (const m of models) $("model").append(new Option(nice(m), m));
}
function draw() {
  hide();
  $("queue").value = state.q;
  $("model").value = state.m;
  for (const tr of document.querySelectorAll("#league tbody tr"))
    tr.classList.toggle("on", tr.dataset.model === state.m);
  fan();
  loss();
  weights();
  cover();
  pit();
  queues();
}
words();
league();
state.o = 1e9;
$("queue").addEventListener("change", (e) => {
  state.q = +e.target.value;
  state.o = 1e9;
  draw();
});
$("model").addEventListener("change", (e) => {
  state.m = e.target.value;
  draw();
});
$("origin").addEventListener("input", (e) => {
  state.o = +e.target.value;
  fan();
});
$("scope").addEventListener("change", (e) => {
  state.scope = e.target.value;
  draw();
});
if (D.series.length === 1) {
  $("scope-row").style.display = "none";
  $("queues-title").textContent = "Loss by quantile";
  $("queues-note").textContent = "Weighted quantile loss at each level. Grey: seasonal naive.";
}
let timer = 0;
$("play").addEventListener("click", () => {
  if (timer) {
    clearInterval(timer);
    timer = 0;
  } else {
    if (state.o >= kept().length - 1) state.o = -1;
    timer = setInterval(() => {
      state.o++;
      fan();
      if (state.o >= kept().length - 1) {
        clearInterval(timer);
        timer = 0;
        $("play").textContent = "▶";
      }
    }, 450);
  }
  $("play").textContent = timer ? "❚❚" : "▶";
});
draw();
