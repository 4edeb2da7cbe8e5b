#!/usr/bin/env python3
"""Would boosted trees over many series earn a place in the ensemble (docs/decisions/0010)?

usage: trial.py run BENCHMARK FORECASTS [--held-out FOLDER FORECASTS] [--rounds N] [--rows N]
       trial.py held-out BENCHMARK OUT

run: learns one model, a booster a level, from all series of the folder BENCHMARK (docs/backtest.md; with its score.py), each cut
before its first origin; then prints each set's weighted quantile loss of the ensemble in FORECASTS (written by `forewarm
backtest --bench BENCHMARK --out FORECASTS`), of the trees, and of averages of both, with the change against the ensemble in per
cent. With --held-out, the same of those ends first, and then also averages whose shares follow from them: by the inverse square
of what the trees lost there against the ensemble.

held-out: writes BENCHMARK without its scored lines to OUT, with origins at the ends of what is left: to choose settings on.

Needs numpy and libxgboost0. Takes some six minutes and 1 GB.
"""
import argparse
import csv
import os
import shutil
import sys
import warnings

import numpy as np
from features import LEVELS, NORMAL, load, root, rows
from xgboost_library import Booster, Matrix

SEED = 1
ROWS_A_SET = 12000
LEADS_AN_ORIGIN = 3
TARGET_MAX, START_MAX = 20, 30  # spreads: one burst must not lead all trees
TREES = dict(max_bin=64, max_depth=5, eta=0.1, subsample=0.7, colsample_bytree=0.4, min_child_weight=10)
HELD_OUT = dict(
    azfn1m=(3, 71), nab5m=(6, 97), vm5m=(6, 97), web1m=(6, 491), web10s=(4, 1777), crane1m=(4, 491), m4h=(2, 29), exo1h=(5, 203)
)  # origins, and lines between them
SHARES = (0.2, 0.35, 0.5)
SHARE_MAX = 0.6


def examples(series, rows_a_set):
    """Rows of origins drawn before each series' first one, and what came."""
    random, parts, sets = np.random.default_rng(SEED), [], {}
    for s in series:
        sets.setdefault(s.set, []).append(s)
    for members in sets.values():
        for s in members:
            end = s.origins[0]
            known = s.cut(end)
            first = max(64, min(end // 4, 2 * s.m1 + 1), end - s.window)
            count = max(1, rows_a_set // len(members) // LEADS_AN_ORIGIN)
            o = np.repeat(random.integers(first, end - s.h, count), LEADS_AN_ORIGIN)
            lead = random.integers(1, s.h + 1, len(o))
            y = known.y[o + lead - 1]
            measured = ~np.isnan(y)
            o, lead, y = o[measured], lead[measured], y[measured]
            mean = np.nanmean(known.y[max(0, end - s.window) :])
            parts.append(rows(known, o, lead) + (y, np.full(len(y), mean)))
    return [np.concatenate([part[i] for part in parts]) for i in range(7)]


def matrix(x, levels, base, level):
    return np.concatenate([x, levels[:, level], base[:, [2, 4, 6]], base[:, [level]]], 1)


def start_of(base):
    return np.clip(base, -START_MAX, START_MAX).astype(np.float32)


def learn(x, levels, base, centre, spread, y, mean, rounds):
    """A booster a level. Pinball loss has no curvature: that of its mean over normal residuals stands in for it."""
    base = start_of(base)
    target = np.clip((root(y) - centre) / spread, -TARGET_MAX, TARGET_MAX)
    stake = spread * np.maximum(centre, spread) / np.maximum(mean, 1e-3)
    weight = np.clip(np.sqrt(stake / stake.mean()), 0.1, 5)
    weight /= weight.mean()
    boosters = []
    for level, q in enumerate(LEVELS):
        data = Matrix(matrix(x, levels, base, level))
        booster = Booster(data, **TREES)
        curvature = weight * max(np.exp(-NORMAL[level] ** 2 / 2) / np.sqrt(2 * np.pi), 0.05)
        missing = target - base[:, level]
        answer = np.zeros(len(target))
        for i in range(rounds):
            if i:
                answer = booster.predict(data, training=True)
            booster.boost(data, np.where(missing > answer, -q, 1 - q) * weight, curvature)
        boosters.append(booster)
    return boosters


def forecast(boosters, series, method):
    """As score.py holds forecasts: {(set, method): {(series, origin): (cpu, quantiles)}}."""
    out = {}
    for s in series:
        o, lead = np.repeat(s.origins, s.h), np.tile(np.arange(1, s.h + 1), len(s.origins))
        x, levels, base, centre, spread = rows(s, o, lead)
        base = start_of(base)
        q = np.stack([base[:, k] + b.predict(Matrix(matrix(x, levels, base, k))) for k, b in enumerate(boosters)], 1)
        q = np.sort(np.maximum(centre[:, None] + spread[:, None] * np.sort(q, 1), 0) ** 2, 1)
        for i, origin in enumerate(s.origins):
            out.setdefault((s.set, method), {})[s.name, origin] = (0, q[i * s.h : (i + 1) * s.h])
    return out


def mixed(ensemble, trees, share, method):
    """`share` of the trees: a number, or one a series."""
    out = {}
    for (kind, _), forecasts in ensemble.items():
        mine = out[kind, method] = {}
        for (name, origin), (cpu, q) in forecasts.items():
            w = share[name] if isinstance(share, dict) else share
            mine[name, origin] = (cpu, (1 - w) * q + w * trees[kind, "trees"][name, origin][1])
    return out


def losses(series, forecasts):
    out = {}
    for s in series:
        for (_, _), made in forecasts.items():
            for o in s.origins:
                if (s.name, o) not in made:
                    continue
                y, q = s.y[o : o + s.h, None], made[s.name, o][1]
                loss = np.nansum(np.maximum(LEVELS * (y - q), (LEVELS - 1) * (y - q)))
                out[s.name] = out.get(s.name, 0) + loss
    return out


def trained(folder, options):
    series = load(folder)
    boosters = learn(*examples(series, options.rows), options.rounds)
    return series, forecast(boosters, series, "trees")


def averages(ensemble, trees):
    table = ensemble | trees
    for share in SHARES:
        table |= mixed(ensemble, trees, share, f"share {share}")
    return table


def run(score, options):
    ensemble = score.read([options.forecasts], {"ensemble"})
    _, trees = trained(options.benchmark, options)
    table = averages(ensemble, trees)
    if options.held_out:
        folder, forecasts = options.held_out
        held, held_trees = trained(folder, options)
        held_ensemble = score.read([forecasts], {"ensemble"})
        of_trees, of_ensemble = losses(held, held_trees), losses(held, held_ensemble)
        for share in SHARES:
            by_loss = {
                name: min(SHARE_MAX, share * ((loss + 1e-6) / (of_ensemble[name] + 1e-6)) ** -2) for name, loss in of_trees.items()
            }
            table |= mixed(ensemble, trees, by_loss, f"by loss {share}")
        print("held-out ends")
        show(score.table(folder, averages(held_ensemble, held_trees)))
        print("benchmark")
    show(score.table(options.benchmark, table))


def show(scores):
    """Lines of wQL by set, then changes against the ensemble: of each set, and the means over sets of wQL and rel."""
    by_method = {}
    for line in scores:
        by_method.setdefault(line[1], {})[line[0]] = (line[9], line[10])
    sets = sorted(by_method["ensemble"])
    print(" " * 13 + "".join(f"{s:>9}" for s in sets) + "   change of wQL, of rel, and of wQL by set, %")
    for method, of in by_method.items():
        change = [100 * (of[s][0] / by_method["ensemble"][s][0] - 1) for s in sets]
        rel = np.mean([100 * (of[s][1] / by_method["ensemble"][s][1] - 1) for s in sets])
        line = f"{method:13}" + "".join(f"{of[s][0]:9.4f}" for s in sets) + f"  {np.mean(change):+6.2f} {rel:+6.2f} "
        print(line + "".join(f"{c:+6.1f}" for c in change))
        print(" " * 9 + "rel " + "".join(f"{of[s][1]:9.4f}" for s in sets))


def hold_out(benchmark, out):
    os.makedirs(out, exist_ok=True)
    shutil.copyfile(f"{benchmark}/score.py", f"{out}/score.py")
    kept = []
    for s in load(benchmark):
        end = s.origins[0]
        for name in [f"{s.name}.csv"] + ([s.row["regressors"]] if s.row["regressors"] else []):
            with open(f"{benchmark}/{name}") as file:
                lines = file.read().split("\n")[: end + 1]
            with open(f"{out}/{name}", "w") as file:
                file.write("\n".join(lines) + "\n")
        origins, stride = HELD_OUT[s.set]
        kept.append(s.row | {"origins": origins, "stride": stride})
    with open(f"{out}/meta.csv", "w") as file:
        writer = csv.DictWriter(file, list(kept[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "held-out"])
    parser.add_argument("benchmark")
    parser.add_argument("forecasts", help="of the ensemble; of held-out: the folder to write")
    parser.add_argument("--rounds", type=int, default=200, help="trees of a level")
    parser.add_argument("--rows", type=int, default=ROWS_A_SET, help="examples of a set")
    parser.add_argument("--held-out", nargs=2, metavar=("FOLDER", "FORECASTS"))
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=RuntimeWarning)  # means of nothing are NaN, as they should be
    if options.what == "held-out":
        return hold_out(options.benchmark, options.forecasts)
    sys.path.insert(0, options.benchmark)
    import score  # of the benchmark

    return run(score, options)


if __name__ == "__main__":
    main()
