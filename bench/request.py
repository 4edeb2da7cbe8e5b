#!/usr/bin/env python3
"""What a SendMessage costs the server beside a bare HTTP echo, in processor time.

    ./dev bench request [RUNS] [SECONDS] [--echo PROGRAM]

The queue lies in /dev/shm, where a sync costs next to nothing: what is left is the request's way through HTTP, JSON, checks,
core, store and back. It is loaded with wrk, 64 connections, as are our own HttpServer that sends the body back, and the
echo of --echo: PROGRAM PORT, which answers posts with their body. Runs are interleaved.
"""

import argparse
import json
import os
import sys
import tempfile

from messages import (BUILD, POST, SEND_MESSAGE, Forewarm, Server, cpu_seconds, free_port, listens, load_with_wrk, spread,
                      wait_for)


class Echo(Server):
    command = [os.path.join(BUILD, "bench_http_echo")]

    def start(self):
        self.port = free_port()
        self.spawn(self.command + [str(self.port)])
        wait_for(self.command[0], lambda: listens(self.port))


class Queue(Forewarm):
    def start(self):
        super().start()
        self.ask("CreateQueue", {"QueueName": "bench"})


def measure(make, seconds):
    with tempfile.TemporaryDirectory(prefix="forewarm-bench-", dir="/dev/shm") as folder:
        server = make(folder)
        try:
            server.start()
            before = cpu_seconds(server.pid)
            result = load_with_wrk(server.port, POST + SEND_MESSAGE, seconds, folder)
            used = cpu_seconds(server.pid) - before
        finally:
            server.stop()
    return {"requests_per_second": result["messages_per_second"], "cpu_us": used * 1e6 / result["done"]}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench request", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=3)
    parser.add_argument("seconds", nargs="?", type=int, default=5)
    parser.add_argument("--echo", help="the program of a bare echo")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    arguments = parser.parse_args()
    cases = {"our HttpServer's echo": Echo, "forewarm, SendMessage": Queue}
    if arguments.echo:
        cases = {"the bare echo": type("BareEcho", (Echo,), {"command": [arguments.echo]})} | cases
    runs = {name: [] for name in cases}
    for turn in range(arguments.runs):
        for name, make in cases.items():
            runs[name].append(measure(make, arguments.seconds))
            print(f"{turn + 1}/{arguments.runs} {name}: {runs[name][-1]['cpu_us']:.1f} us of a processor", file=sys.stderr)
    summary = {name: {key: spread([run[key] for run in of]) for key in of[0]} for name, of in runs.items()}
    if arguments.json:
        print(json.dumps(summary))
        return
    least = next(iter(summary.values()))["cpu_us"]["median"]
    print(f"{'':24}{'requests/s':>11}{'CPU us':>9}{'min':>7}{'max':>7}{'ratio':>7}")
    for name, row in summary.items():
        cpu = row["cpu_us"]
        print(f"{name:24}{row['requests_per_second']['median']:11.0f}{cpu['median']:9.1f}{cpu['min']:7.1f}{cpu['max']:7.1f}"
              f"{cpu['median'] / least:7.2f}")
    print("medians; processor time of the server, a request; ratio to the first line")


if __name__ == "__main__":
    main()
