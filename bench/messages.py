#!/usr/bin/env python3
"""The full path of a message through forewarm beside Redis streams and RabbitMQ quorum queues, all durable, and a fake.

    ./dev bench messages [RUNS] [SECONDS] [--json] [--only WORD] [--limit PROGRAM]

Each server runs on loopback with its data in a temporary folder under build/ (a real disk, not a tmpfs) and is stopped
by its process id. Runs are interleaved: every round measures every case once, with a server of its own, so that a
disturbance of the machine falls on all. Compare ratios, not digits. A peer that is not installed is left out.

--limit PROGRAM adds the limit of the path from a send to a function: a program that takes HTTP posts, keeps them, has
them handled in invocations of 10 by handlers that it starts, and knows no queue: PROGRAM --port P --handlers 2
--batch 10 --seconds S --dir D prints done_per_s=N. It and forewarm's same path, "sent singly, run", are loaded with
wrk, 64 connections: a load program that takes more of the processors would not show how far they are apart.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "release")
END_TO_END = os.path.join(ROOT, "tests", "e2e")
READY_SECONDS = 60
RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, ready):
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        value = ready()
        if value:
            return value
        time.sleep(0.02)
    raise RuntimeError(what + " did not start")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    """A process of ours in a folder of its own; all that it starts is in its session and ends with it."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        self.port = None
        self.pid = None  # whose processor time counts

    def spawn(self, command, **more):
        with open(os.path.join(self.folder, "output.log"), "ab") as log:
            process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, **more)
        self.processes.append(process)
        self.pid = process.pid

    def stop(self):
        for process in reversed(self.processes):
            try:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(20)
            except ProcessLookupError:
                pass
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


class Forewarm(Server):
    functions = ""

    def start(self):
        command = [os.path.join(BUILD, "forewarm"), "serve", "--data", os.path.join(self.folder, "data"),
                   "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        if self.functions:
            path = os.path.join(self.folder, "forewarm.toml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.functions)
            command += ["--config", path]
        self.spawn(command)
        endpoints = os.path.join(self.folder, "data", "endpoints.json")
        wait_for("forewarm", lambda: os.path.exists(endpoints))
        with open(endpoints, encoding="utf-8") as file:
            self.port = int(json.load(file)["sqs"].rsplit(":", 1)[1])

    def ask(self, action, parameters):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/", json.dumps(parameters).encode(),
            {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS." + action})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def waiting(self, queue):
        """Messages that no function has begun with, and those that it has not done."""
        answer = self.ask("GetQueueAttributes", {"QueueUrl": f"http://127.0.0.1:{self.port}/000000000000/{queue}",
                                                 "AttributeNames": ["All"]})
        return [int(answer["Attributes"]["ApproximateNumberOfMessages" + part]) for part in ("", "NotVisible")]


class ForewarmWithFunction(Forewarm):
    functions = f"""
[[function]]
name = "bench"
command = ["{BUILD}/bench_messages_function"]
concurrency_max = 8

[[mapping]]
queue = "bench"
function = "bench"
batch_size = 10
"""


class ForewarmBesideBusyFunctions(Forewarm):
    """Two functions keep the processors of this machine busy meanwhile, and end with the server."""
    functions = f"""
[[function]]
name = "busy"
command = ["{BUILD}/bench_messages_function", "busy"]
concurrency_max = {os.cpu_count()}
timeout = "15m"

[[mapping]]
queue = "busy"
function = "busy"
"""

    def start(self):
        super().start()
        for _ in range(os.cpu_count()):
            self.ask("SendMessage", {"QueueUrl": f"http://127.0.0.1:{self.port}/000000000000/busy", "MessageBody": "-"})
        wait_for("busy functions", lambda: self.waiting("busy")[0] == 0)


class Redis(Server):
    def start(self):
        self.port = free_port()
        self.spawn(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder,
                    "--appendonly", "yes", "--appendfsync", "always", "--save", ""])
        wait_for("redis", lambda: listens(self.port))


class Fauxqs(Server):
    """A fake of SQS for tests, of npm's: it keeps nothing."""

    def start(self):
        self.port = free_port()
        self.spawn(["node", os.path.join(END_TO_END, "fauxqs_server.mjs"), str(self.port)])
        wait_for("fauxqs", lambda: listens(self.port))


class RabbitMq(Server):
    def start(self):
        self.port = free_port()
        names = free_port()
        environment = dict(
            os.environ, HOME=self.folder, ERL_EPMD_ADDRESS="127.0.0.1", ERL_EPMD_PORT=str(names),
            RABBITMQ_NODENAME="bench@localhost", RABBITMQ_MNESIA_BASE=self.folder + "/data",
            RABBITMQ_LOG_BASE=self.folder, RABBITMQ_ENABLED_PLUGINS_FILE=self.folder + "/plugins",
            RABBITMQ_CONF_ENV_FILE=self.folder + "/none", RABBITMQ_PID_FILE=self.folder + "/pid",
            RABBITMQ_NODE_IP_ADDRESS="127.0.0.1", RABBITMQ_NODE_PORT=str(self.port),
            RABBITMQ_DIST_PORT=str(free_port()))
        open(self.folder + "/plugins", "w", encoding="ascii").write("[].\n")
        self.spawn(["epmd", "-address", "127.0.0.1", "-port", str(names)], env=environment)
        wait_for("epmd", lambda: listens(names))
        self.spawn([RABBITMQ], env=environment)
        wait_for("rabbitmq", lambda: listens(self.port) and os.path.exists(self.folder + "/pid"))
        with open(self.folder + "/pid", encoding="ascii") as file:
            self.pid = int(file.read())


# name, server, load program, its options, what must be there besides
CASES = [
    ("forewarm, batches of 10", Forewarm, "sqs", ["--connections", "64", "--batch", "10"], None),
    ("forewarm, single messages", Forewarm, "sqs", ["--connections", "64", "--batch", "1"], None),
    ("forewarm, run by a function", ForewarmWithFunction, "sqs",
     ["--connections", "64", "--batch", "10", "--consume", "0"], None),
    ("forewarm, sent singly, run", ForewarmWithFunction, None, [], "wrk"),
    ("forewarm, processors busy", ForewarmBesideBusyFunctions, "sqs", ["--connections", "64", "--batch", "10"], None),
    ("Redis streams, fsync always", Redis, "redis", ["--window", "500"], "redis-server"),
    ("RabbitMQ quorum queue", RabbitMq, "amqp", ["--window", "500"], RABBITMQ),
    ("npm fake, keeps nothing", Fauxqs, "sqs", ["--connections", "64", "--batch", "10"],
     os.path.join(END_TO_END, "node_modules", "fauxqs")),
]


def measure(case, seconds, folder):
    _, make, program, options, _ = case
    server = make(folder)
    try:
        server.start()
        before = cpu_seconds(server.pid)
        if program is None:
            result = send_with_wrk(server, seconds, folder)
        else:
            answer = subprocess.run([os.path.join(BUILD, "bench_messages_" + program), "--port", str(server.port),
                                     "--seconds", str(seconds)] + options,
                                    stdout=subprocess.PIPE, text=True, timeout=seconds + 60, check=True)
            result = json.loads(answer.stdout)
        result["server_cpu_us"] = (cpu_seconds(server.pid) - before) * 1e6 / result["done"]
        return result
    finally:
        server.stop()


POST = """wrk.method = "POST"
wrk.body = '{"QueueUrl":"http://127.0.0.1:9324/000000000000/bench","MessageBody":"' .. string.rep("x", 230) .. '"}'
"""
SEND_MESSAGE = """wrk.headers["Content-Type"] = "application/x-amz-json-1.0"
wrk.headers["X-Amz-Target"] = "AmazonSQS.SendMessage"
"""


def load_with_wrk(port, script, seconds, folder):
    """Posts on 64 connections. How many were answered, in what time, and how soon."""
    path = os.path.join(folder, "post.lua")
    with open(path, "w", encoding="ascii") as file:
        file.write(script)
    said = subprocess.run(["wrk", "-t1", "-c64", f"-d{seconds}s", "--latency", "-s", path, f"http://127.0.0.1:{port}/"],
                          stdout=subprocess.PIPE, text=True, timeout=seconds + 60, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError("not every request was answered: " + said)
    in_us = {"us": 1, "ms": 1_000, "s": 1_000_000}
    within = {at: float(value) * in_us[unit]
              for at, value, unit in re.findall(r"^ +(50|99)% +([\d.]+)(us|ms|s)$", said, re.MULTILINE)}
    return {"done": int(re.search(r"(\d+) requests in", said)[1]),
            "messages_per_second": float(re.search(r"Requests/sec: *([\d.]+)", said)[1]),
            "confirm_us": {"p50": within["50"], "p99": within["99"]}}


def send_with_wrk(server, seconds, folder):
    """What the function has not done when the load ends does not count."""
    server.ask("CreateQueue", {"QueueName": "bench"})
    result = load_with_wrk(server.port, POST + SEND_MESSAGE, seconds, folder)
    done = result["done"] - sum(server.waiting("bench"))
    result["messages_per_second"] *= done / result["done"]
    return result | {"done": done}


@contextlib.contextmanager
def limit_program(program, port, batch, seconds, folder):
    """Runs it, listening on the port; its handlers end with it."""
    process = subprocess.Popen([program, "--port", str(port), "--handlers", "2", "--batch", str(batch),
                                "--seconds", str(seconds + 4), "--dir", folder], stdout=subprocess.PIPE, text=True,
                               start_new_session=True)
    try:
        wait_for(program, lambda: listens(port))
        yield process
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def measure_limit(program, seconds, folder):
    port = free_port()
    with limit_program(program, port, 10, seconds, folder) as process:
        result = load_with_wrk(port, POST, seconds, folder)
        said = process.communicate(timeout=30)[0]
    return result | {"messages_per_second": float(re.search(r"done_per_s=([\d.]+)", said)[1]),
                     "server_cpu_us": float(re.search(r"server_cpu_us_per_msg=([\d.]+)", said)[1])}


def available(case):
    program = case[2] is None or os.path.exists(os.path.join(BUILD, "bench_messages_" + case[2]))
    if program and (case[4] is None or shutil.which(case[4]) or os.path.isdir(case[4])):
        return True
    print(f"{case[0]}: left out, it is not installed", file=sys.stderr)
    return False


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def summarise(results):
    summary = {}
    for name, runs in results.items():
        summary[name] = {
            "messages_per_second": spread([run["messages_per_second"] for run in runs]),
            "confirm_p50_ms": spread([run["confirm_us"]["p50"] / 1000 for run in runs]),
            "confirm_p99_ms": spread([run["confirm_us"]["p99"] / 1000 for run in runs]),
            "server_cpu_us": spread([run["server_cpu_us"] for run in runs]),
        }
    return summary


def print_table(summary):
    peers = [name for name in summary if not name.startswith("forewarm")]
    print(f"{'':29}{'messages/s':>10} {'min':>8} {'max':>8}  {'confirm p50':>11} {'p99 ms':>8}  {'CPU us':>6}"
          + "".join(f"  {'/ ' + peer.split()[0]:>10}" for peer in peers))
    for name, row in summary.items():
        rate = row["messages_per_second"]
        ratios = [rate["median"] / summary[peer]["messages_per_second"]["median"] for peer in peers]
        print(f"{name:29}{rate['median']:10.0f} {rate['min']:8.0f} {rate['max']:8.0f}"
              f"  {row['confirm_p50_ms']['median']:11.2f} {row['confirm_p99_ms']['median']:8.2f}"
              f"  {row['server_cpu_us']['median']:6.1f}" + "".join(f"  {ratio:10.2f}" for ratio in ratios))
    print("medians; CPU: of the server, a message. The load programs share the machine's processors.")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench messages", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=3)
    parser.add_argument("seconds", nargs="?", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    parser.add_argument("--only", default="", help="only cases whose name contains this word")
    parser.add_argument("--limit", help="the program of the limit")
    arguments = parser.parse_args()
    cases = [case for case in CASES if arguments.only.lower() in case[0].lower() and available(case)]
    if arguments.limit:
        cases.append(("limit of a path to a function", None))
    results = {case[0]: [] for case in cases}
    for turn in range(arguments.runs):
        for case in cases:
            with tempfile.TemporaryDirectory(prefix="bench-", dir=os.path.join(ROOT, "build")) as folder:
                result = (measure(case, arguments.seconds, folder) if case[1] else
                          measure_limit(arguments.limit, arguments.seconds, folder))
            results[case[0]].append(result)
            print(f"{turn + 1}/{arguments.runs} {case[0]}: {result['messages_per_second']:.0f} messages/s",
                  file=sys.stderr)
    summary = summarise(results)
    if arguments.json:
        print(json.dumps({"cases": summary, "runs": results}))
    else:
        print_table(summary)


if __name__ == "__main__":
    main()
