#!/usr/bin/env python3
"""How long a message is under way where there is little to do: forewarm beside RabbitMQ, PostgreSQL and a limit.

    ./dev bench latency [RUNS] [SECONDS] [--rate 200] [--json] [--limit PROGRAM]

Each case sends so many messages a second to a durable queue, one at a time, and one receiver takes and acknowledges
them. Printed is the time from when a message was due to be sent, so that a stall counts for all that it held up, to when
the receiver had it, in milliseconds. Servers and interleaving are those of ./dev bench messages.

--limit PROGRAM (as there, with --batch 1) takes the same posts; its time ends when a handler has run and the
acknowledgement is durable.
"""

import argparse
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile

import messages


class Postgres(messages.Server):
    """Debian's, with its defaults but for the size of what it keeps in memory and between checkpoints."""

    @staticmethod
    def programs():
        folder = "/usr/lib/postgresql"
        versions = sorted(os.listdir(folder), key=int) if os.path.isdir(folder) else []
        return os.path.join(folder, versions[-1], "bin") if versions else None

    def start(self):
        self.port = messages.free_port()
        data = os.path.join(self.folder, "data")
        user = []
        if os.geteuid() == 0:  # it does not run as root
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            user = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        programs = self.programs()
        subprocess.run([*user, programs + "/initdb", "-D", data, "-U", "postgres", "--auth=trust"], cwd="/",
                       stdout=subprocess.DEVNULL, check=True, timeout=60)
        self.spawn([*user, programs + "/postgres", "-D", data, "-p", str(self.port), "-k", self.folder,
                    "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=256MB", "-c", "max_wal_size=8GB"])
        messages.wait_for("postgres", lambda: subprocess.run(
            [programs + "/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False).returncode == 0)


def load(program, port, seconds, rate, more=()):
    said = subprocess.run([os.path.join(messages.BUILD, "bench_messages_" + program), "--port", str(port),
                           "--seconds", str(seconds), "--rate", str(rate), "--connections", "1", *more],
                          stdout=subprocess.PIPE, text=True, timeout=seconds + 60, check=True).stdout
    return json.loads(said)["end_to_end_us"]


def measure(make, program, seconds, rate, folder):
    server = make(folder)
    try:
        server.start()
        return load(program, server.port, seconds, rate)
    finally:
        server.stop()


def measure_limit(limit, seconds, rate, folder):
    port = messages.free_port()
    with messages.limit_program(limit, port, 1, seconds, folder) as process:
        load("sqs", port, seconds, rate, ["--consume", "0"])
        said = process.communicate(timeout=30)[0]
    return {name: float(re.search(word + r"=([\d.]+)", said)[1])
            for name, word in (("p50", "send_to_durable_ack_p50_us"), ("p99", " p99_us"))}


# name, server, load program, what must be there besides
CASES = [
    ("forewarm", messages.Forewarm, "sqs", True),
    ("RabbitMQ quorum queue", messages.RabbitMq, "amqp", shutil.which(messages.RABBITMQ)),
    ("PostgreSQL, SKIP LOCKED", Postgres, "postgres", Postgres.programs()),
]


def main():
    parser = argparse.ArgumentParser(prog="./dev bench latency", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=3)
    parser.add_argument("seconds", nargs="?", type=int, default=10)
    parser.add_argument("--rate", type=int, default=200, help="messages a second")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    parser.add_argument("--limit", help="the program of the limit")
    arguments = parser.parse_args()
    results = {}
    for turn in range(arguments.runs):
        for name, make, program, there in CASES + [("limit", None, None, arguments.limit)]:
            if not there or (program and not os.path.exists(os.path.join(messages.BUILD, "bench_messages_" + program))):
                continue
            with tempfile.TemporaryDirectory(prefix="bench-", dir=os.path.join(messages.ROOT, "build")) as folder:
                result = (measure(make, program, arguments.seconds, arguments.rate, folder) if make else
                          measure_limit(arguments.limit, arguments.seconds, arguments.rate, folder))
            results.setdefault(name, []).append(result)
            print(f"{turn + 1}/{arguments.runs} {name}: p50 {result['p50'] / 1000:.2f} ms, "
                  f"p99 {result['p99'] / 1000:.2f} ms", file=sys.stderr)
    summary = {name: {at: messages.spread([run[at] / 1000 for run in runs]) for at in ("p50", "p99")}
               for name, runs in results.items()}
    if arguments.json:
        print(json.dumps({"rate": arguments.rate, "cases": summary}))
        return
    peers = [name for name in summary if name != "forewarm"]
    print(f"{arguments.rate} messages/s{'':11}{'p50 ms':>8} {'p99 ms':>8}  {'(min to max)':>16}"
          + "".join(f"{'p50, p99 / ' + peer.split()[0].rstrip(','):>22}" for peer in peers))
    for name, row in summary.items():
        print(f"{name:25}{row['p50']['median']:8.2f} {row['p99']['median']:8.2f}"
              f"  {row['p99']['min']:7.2f} {row['p99']['max']:8.2f}"
              + "".join(f"{row['p50']['median'] / summary[peer]['p50']['median']:14.2f}"
                        f"{row['p99']['median'] / summary[peer]['p99']['median']:8.2f}" for peer in peers))
    print("medians of the runs; the servers and the load programs share the machine's processors.")


if __name__ == "__main__":
    main()
