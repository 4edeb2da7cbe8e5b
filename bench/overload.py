#!/usr/bin/env python3
"""What is left of the throughput when more comes than can be done: messages a second that are stored, and run.

    ./dev bench overload [RUNS] [SECONDS] [--json]

The most that can be done is measured first: 64 connections that send as fast as they are answered. Then half as much,
as much, twice and four times as much is offered by senders who do not wait for one another (4,000 connections),
each time to a new server. A message counts as stored when its sender was told so, as run when the function has done it
by the time that the load ends. Data is on a real disk (build/); the load shares the machine's processors.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import messages

CONNECTIONS = 4000
SHARES = (0.5, 1, 2, 4)
CASES = {"stored": messages.Forewarm, "run": messages.ForewarmWithFunction}


def load(program, port, seconds, *more):
    said = subprocess.run([os.path.join(messages.BUILD, "bench_messages_" + program), "--port", str(port),
                           "--seconds", str(seconds), *map(str, more)],
                          stdout=subprocess.PIPE, text=True, timeout=seconds + 60, check=True).stdout
    return json.loads(said)


def measure(case, seconds, rate):
    """rate: None for as fast as 64 connections are answered"""
    with tempfile.TemporaryDirectory(prefix="overload-", dir=os.path.dirname(messages.BUILD)) as folder:
        server = CASES[case](folder)
        try:
            server.start()
            server.ask("CreateQueue", {"QueueName": "bench"})
            if rate is None:
                result = messages.load_with_wrk(server.port, messages.POST + messages.SEND_MESSAGE, seconds, folder)
                done, more = result["done"], {"p99_ms": result["confirm_us"]["p99"] / 1000}
            else:
                result = load("offered", server.port, seconds, "--rate", round(rate), "--connections", CONNECTIONS)
                done = result["stored"]
                more = {"p99_ms": result["us"]["p99"] / 1000, "refused": sum(result["refused"].values()),
                        "unsent": result["unsent"], "broken": result["broken"], "offered": result["offered"]}
            stored = done
            if case == "run":
                done -= sum(server.waiting("bench"))
            return {"per_second": done / seconds, "stored": stored / seconds} | more
        finally:
            server.stop()


def main():
    parser = argparse.ArgumentParser(prog="./dev bench overload", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=3)
    parser.add_argument("seconds", nargs="?", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    arguments = parser.parse_args()
    summary = {}
    for case in CASES:
        rows = {share: [] for share in (None, *SHARES)}
        for turn in range(arguments.runs):
            most = None
            for share, results in rows.items():
                results.append(measure(case, arguments.seconds, None if share is None else most * share))
                most = most or results[-1]["per_second"]
                print(f"{turn + 1}/{arguments.runs} {case}, {'most' if share is None else f'{share} of it'}: "
                      f"{results[-1]['per_second']:.0f}/s", file=sys.stderr)
        summary[case] = {"most" if share is None else str(share): {
            key: statistics.median([result[key] for result in results]) for key in results[0]}
            for share, results in rows.items()}
    if arguments.json:
        print(json.dumps(summary))
        return
    for case, rows in summary.items():
        best = max(row["per_second"] for row in rows.values())
        print(f"{case:8}{'a second':>10}{'of best':>9}{'stored':>9}{'p99 ms':>9}{'offered':>10}{'refused':>9}{'unsent':>9}{'broken':>8}")
        for name, row in rows.items():
            print(f"{name:8}{row['per_second']:10.0f}{row['per_second'] / best:9.2f}{row['stored']:9.0f}{row['p99_ms']:9.1f}"
                  + "".join(f"{row.get(key, 0):{width}.0f}" for key, width in
                            (("offered", 10), ("refused", 9), ("unsent", 9), ("broken", 8))))
    print("medians; p99: of being told that it is stored, since it was due; unsent: all connections waited")


if __name__ == "__main__":
    main()
