#!/usr/bin/env python3
"""How honest the engine's quantiles are: their coverage over many rolling origins, by set and third of the horizon.

usage: forecast_calibration.py FOLDER [MODEL]

FOLDER has meta.csv and series as docs/backtest.md describes benchmarks (tools/mix_gate/series.py makes one from recorded
traces). Each series is cut by half a stride first, so that origins are others than those that the weights were learnt
from, and strides are shortened where a set has less than 300 of them. MODEL is ensemble_light or ensemble. For each level: the share of values at or below the quantile, less the level, in percentage
points; where counts leave a gap between the shares below and at the quantile, the distance to that interval. Limit: 2.
"""
import collections
import csv
import math
import os
import subprocess
import sys
import tempfile

LEVELS = {0.5: 4, 0.9: 6, 0.95: 7, 0.99: 8}
LIMIT = 2.0
ORIGINS_MIN = 300


def read_values(path):
    with open(path) as file:
        return [float(line) if line.strip() else math.nan for line in file.read().split("\n")[1:-1]]


def shifted(folder, out):
    """The same benchmark with every origin half a stride earlier; the series by name, and their rows."""
    series, rows = {}, []
    with open(f"{folder}/meta.csv") as file:
        given = list(csv.DictReader(file))
        origins = collections.Counter()
        for row in given:
            origins[row["set"]] += int(row["origins"])
        for row in given:
            denser = -(-ORIGINS_MIN // origins[row["set"]])
            values = read_values(f"{folder}/{row['series']}.csv")
            values = values[: len(values) - max(1, int(row["stride"]) // 2)]
            horizon, stride = int(row["h"]), max(1, int(row["stride"]) // denser)
            row["stride"] = stride
            row["origins"] = min(denser * int(row["origins"]), max(0, (len(values) - 4 * horizon) // stride))
            if row["origins"] == 0:
                continue
            row["regressors"] = ""
            series[row["series"]] = values
            rows.append(row)
            with open(f"{out}/{row['series']}.csv", "w") as target:
                target.write("y\n" + "".join(("" if math.isnan(v) else f"{v:.9g}") + "\n" for v in values))
    with open(f"{out}/meta.csv", "w") as target:
        writer = csv.DictWriter(target, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return series, rows


def main(folder, model):
    program = os.environ.get("FOREWARM_PROGRAM", "build/release/forewarm")
    with tempfile.TemporaryDirectory() as work:
        series, rows = shifted(folder, work)
        out = f"{work}/forecasts.csv"
        subprocess.run([program, "backtest", "--bench", work, "--out", out, "--models", model, "--no-regressors"],
                       check=True, stdout=subprocess.DEVNULL)
        horizon = {row["series"]: int(row["h"]) for row in rows}
        whole = {name: all(math.isnan(v) or v == round(v) for v in values) for name, values in series.items()}
        counts = collections.defaultdict(lambda: [0, 0, 0])  # (set, third, level): below, at or below, all
        origins = collections.defaultdict(set)
        with open(out) as file:
            for row in csv.DictReader(file):
                name, lead = row["series"], int(row["step"])
                value = series[name][int(row["origin"]) + lead - 1]
                if math.isnan(value):
                    continue
                origins[row["set"]].add((name, row["origin"]))
                third = min(2, 3 * (lead - 1) // horizon[name])
                for level in LEVELS:
                    quantile = max(0.0, float(row[f"q{round(100 * level):02d}"]))
                    # A quantile of counts means the nearest whole number; other values have ties by chance only.
                    nearest = round(quantile) if whole[name] else quantile
                    count = counts[row["set"], third, level]
                    count[0] += value < nearest
                    count[1] += value <= nearest
                    count[2] += 1
    print(f"{model}: percentage points off, by third of the horizon (near, middle, far); limit {LIMIT:g}")
    print(f"{'set':10} {'origins':>7}  " + "  ".join(f"{f'{100 * level:g} %':>20}" for level in LEVELS))
    for name in origins:
        cells, worst = [], 0
        for level in LEVELS:
            thirds = []
            for third in range(3):
                below, upto, all_of = counts[name, third, level]
                if all_of == 0:
                    continue
                low, high = below / all_of, upto / all_of
                off = 100 * (low - level if low > level else high - level if high < level else 0)
                thirds.append(f"{off:+6.1f}")
                worst = max(worst, abs(off))
            cells.append(" ".join(thirds).rjust(20))
        print(f"{name:10} {len(origins[name]):7}  " + "  ".join(cells) + ("" if worst <= LIMIT else "  over"))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else "ensemble_light")
