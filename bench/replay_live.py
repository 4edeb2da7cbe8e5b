#!/usr/bin/env python3
"""How well a replay tells what a run of real processes needs: one trace, played and replayed.

    ./dev bench replay_live [--minutes N] [--demo]

A made trace of six queues (steady ones, a wave, batches, bursts, a sparse one), or with --demo the demo's, is played by
`forewarm demo` through a server and real processes. The messages as they came are then replayed with the settings, start
times, service times, stop times and fit times of that run. Both books are of the same time. JSON on standard output; bars:
instance-seconds within 3 %, the wait's 99th percentile within 10 % or 20 ms.
"""

import argparse
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build" / "release" / "forewarm"
INSTANCE_SECONDS_BAR = 0.03
WAIT_BAR, WAIT_BAR_MS = 0.1, 20
SPEED = 60  # a minute of the trace, which is the demo's step, is a second here


def steady(per_second):
    return lambda _: per_second


def arrivals(draw, rate, rate_max, seconds):
    """Times of a Poisson process whose rate is at most rate_max."""
    at = 0
    while (at := at + draw.expovariate(rate_max)) < seconds:
        if draw.random() * rate_max < rate(at):
            yield at


def made_trace(path, seconds, seed=1):
    draw = random.Random(seed)
    messages = []

    def add(queue, times, service_ms):
        messages.extend((at, queue, service_ms * draw.lognormvariate(0, 0.3)) for at in times)

    add("steady", arrivals(draw, steady(4), 4, seconds), 150)
    add("quick", arrivals(draw, steady(12), 12, seconds), 50)
    add("wave", arrivals(draw, lambda at: 6 + 4 * math.sin(at / 60 * 2 * math.pi), 10, seconds), 200)
    add("batches", (at + draw.random() for at in range(5, int(seconds) - 1, 20) for _ in range(15)), 300)
    add("bursts", (at + draw.random() for at in arrivals(draw, steady(1 / 30), 1 / 30, seconds - 1)
                   for _ in range(10)), 200)
    add("sparse", arrivals(draw, steady(0.1), 0.1, seconds), 500)
    with path.open("w", encoding="ascii") as file:
        file.write("timestamp_s,queue,bytes,duration_ms\n")
        for at, queue, service_ms in sorted(messages):
            file.write(f"{at * SPEED:.6f},{queue},,{service_ms * SPEED:.3f}\n")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench replay_live", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--demo", action="store_true", help="play the demo's trace")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "build") as folder:
        command = [PROGRAM, "demo", "--json", "--admin", "127.0.0.1:0", "--minutes", str(arguments.minutes)]
        if not arguments.demo:
            trace = pathlib.Path(folder) / "messages.csv"
            made_trace(trace, arguments.minutes * 60)
            command += ["--trace", trace, "--speed", str(SPEED)]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    report = json.loads(ran.stdout)
    live, replay = report["live"], report["replay"]["forewarm"]
    instances = replay["instance_seconds"] / live["instance_seconds"] - 1
    wait_ms = replay["wait_p99_ms"] - live["wait_p99_ms"]
    wait_bar_ms = max(WAIT_BAR * live["wait_p99_ms"], WAIT_BAR_MS)
    report["bars"] = {
        "instance_seconds_off": instances, "instance_seconds_bar": INSTANCE_SECONDS_BAR,
        "instance_seconds_kept": abs(instances) <= INSTANCE_SECONDS_BAR,
        "wait_p99_off_ms": wait_ms, "wait_p99_bar_ms": wait_bar_ms, "wait_p99_kept": abs(wait_ms) <= wait_bar_ms,
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    sys.exit(main())
