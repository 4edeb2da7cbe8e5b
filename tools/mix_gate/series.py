#!/usr/bin/env python3
"""Cuts recorded traces into a folder of series with rolling origins, from which the ensemble's prior is learnt.

usage: series.py TRACES BENCHMARK OUT

TRACES holds the recorded traces (a folder each), BENCHMARK a rolling-origin benchmark (meta.csv and series), OUT gets the
same layout. No line at or after the first origin of a benchmark series goes in, and no series of its sets whose
origins are few: the prior never sees what it will be judged by. Nothing is random: run it twice and compare.
"""
import collections
import csv
import gzip
import os
import sys

HEADER = "series,set,step_s,m1,m2,h,window,origins,stride,t0_s,regressors".split(",")


def rows(path):
    with gzip.open(path, "rt") as file:
        yield from csv.DictReader(file)


def binned(path, column="count"):
    series = collections.defaultdict(dict)
    for row in rows(path):
        series[row["queue"]][int(float(row["timestamp_s"]))] = float(row[column])
    return series


def on_grid(points, step, absent, start=None, end=None):
    start = min(points) if start is None else start
    end = max(points) + step if end is None else end
    return [points.get(t, absent) for t in range(start, end, step)]


def coarser(values, factor):
    out = []
    for i in range(0, len(values) - factor + 1, factor):
        part = [v for v in values[i : i + factor] if v == v]
        out.append(sum(part) * factor / len(part) if 2 * len(part) >= factor else float("nan"))
    return out


class Folder:
    def __init__(self, path):
        os.makedirs(path, exist_ok=True)
        self.path = path
        self.meta = []

    def add(self, name, kind, values, step, m1, m2, h, window, origins, stride, t0=0):
        n = len(values)
        origins = min(origins, max(0, (n - h - 3 * h) // stride + 1))
        measured = [v for v in values if v == v]
        if origins < 1 or len(measured) < 64 or sum(1 for v in measured if v != 0) < 8:
            return
        self.meta.append([name, kind, step, m1, m2, h, window, origins, stride, t0, ""])
        with open(f"{self.path}/{name}.csv", "w") as file:
            file.write("y\n" + "".join(("" if v != v else f"{v:.7g}") + "\n" for v in values))

    def finish(self):
        with open(f"{self.path}/meta.csv", "w") as file:
            file.write("\n".join(",".join(map(str, row)) for row in [HEADER] + self.meta) + "\n")
        print(len(self.meta), "series,", sum(int(row[7]) for row in self.meta), "origins")


def benchmark_head(folder, row):
    """The lines of a benchmark series before its first origin."""
    with open(f"{folder}/{row['series']}.csv") as file:
        values = [float(line) if line.strip() else float("nan") for line in file.read().split("\n")[1:-1]]
    first = len(values) - int(row["h"]) - (int(row["origins"]) - 1) * int(row["stride"])
    return values[:first]


def main(traces, benchmark, out):
    folder = Folder(out)
    with open(f"{benchmark}/meta.csv") as file:
        judged = list(csv.DictReader(file))
    names = {row["series"] for row in judged}
    judged_queues = {prefix + name.split("_")[-1] for name in names for prefix in ("azfn19d-", "azvm17-")}

    # Series of the benchmark, cut before its first origin; counts also on coarser grids.
    for row in judged:
        if row["set"] in ("azfn1m", "m4h"):
            continue
        values = benchmark_head(benchmark, row)
        step, m1, m2, h = (int(row[key]) for key in ("step_s", "m1", "m2", "h"))
        window = min(int(row["window"]), len(values) * 3 // 4)
        origins = 60 if len(values) < 20000 else 30
        stride = max(1, (len(values) - window) // origins)
        stride += stride % 2 == 0
        folder.add(row["series"], row["set"], values, step, m1, m2, h, window, origins, stride, row["t0_s"])
        if row["set"] in ("web10s", "web1m"):
            factor = 30 if step == 10 else 60
            folder.add(row["series"] + "_coarse", "coarse", coarser(values, factor), step * factor, max(2, m1 // factor),
                       m2 // factor, 24, len(values) // factor * 2 // 3, 20, len(values) // factor // 80 + 1)

    day = binned(f"{traces}/azure_functions_2019_day/trace.csv.gz")
    others = sorted(queue for queue in day if queue not in judged_queues)
    for queue in others[::3]:
        values = on_grid(day[queue], 60, 0.0, 0, 86400)
        folder.add("azday_" + queue, "azday", values, 60, 60, 1440, 30, 1410, 8, 149)

    hours = binned(f"{traces}/azure_functions_2019_8h/trace.csv.gz")
    for queue in sorted(hours)[::2]:
        first = min(min(points) for points in hours.values()) // 60 * 60
        folder.add("az8h_" + queue.replace("/", "-")[:40], "az8h", on_grid(hours[queue], 60, 0.0, first, first + 480 * 60), 60, 60,
                   1440, 30, 480, 4, 67)

    machines = binned(f"{traces}/azure_vm_2017_arrivals/trace.csv.gz")
    end = max(max(points) for points in machines.values())
    for queue in sorted(machines):
        if queue not in judged_queues:
            folder.add("vmx_" + queue, "vmx", on_grid(machines[queue], 300, 0.0, 0, end), 300, 288, 2016, 24, 4300, 40, 61)

    kinds = {row["queue"]: row for row in rows(f"{traces}/nab/series.csv.gz")}
    for queue, points in binned(f"{traces}/nab/trace.csv.gz").items():
        if kinds[queue]["kind"] == "gauge":
            start = min(points)
            values = [float("nan")] * ((max(points) - start) // 300 + 1)
            for t, value in points.items():
                values[(t - start) // 300] = value
            folder.add("gauge_" + queue, "gauge", values, 300, 288, 2016, 24, 2000, 30, 53, start)

    for row in rows(f"{traces}/m4/hourly_train.csv.gz"):
        if "m4_" + row["series"] not in names and int(row["series"][1:]) % 2 == 0:
            folder.add("m4x_" + row["series"], "m4x", [float(v) for v in row["values"].split()], 3600, 24, 168, 48, 960, 3, 61)

    second = binned(f"{traces}/twitter_2021/trace_1s_2days.csv.gz")["twitter"]
    values = on_grid(second, 1, float("nan"))
    folder.add("twitter_1s", "fine", values, 1, 3600, 86400, 60, 40000, 30, 4001)
    for queue in ("azllm23-code", "azllm23-conv"):
        for step, origins, stride in ((1, 10, 241), (10, 5, 29)):
            counts = collections.Counter()
            for row in rows(f"{traces}/azure_llm_2023/messages.csv.gz"):
                if row["queue"] == queue:
                    counts[int(float(row["timestamp_s"])) // step] += 1
            folder.add(f"{queue}_{step}s", "fine", [counts.get(t, 0.0) for t in range(max(counts))], step, 60, 3600 // step, 30,
                       3600 // step, origins, stride)
    daily = binned(f"{traces}/wiki_daily/example_wp_log_peyton_manning.csv.gz")
    for queue, points in daily.items():
        folder.add("wiki_" + queue, "daily", on_grid(points, 86400, float("nan")), 86400, 7, 365, 14, 1200, 30, 41, min(points))
    folder.finish()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
