#!/usr/bin/env python3
"""How long a function's messages are under way with a neighbour that means harm and without, and how long harm stays.

    ./dev bench hostile [--rounds N] [--seconds N] [--rate MESSAGES_A_SECOND]

One server, isolation on, a function with two warm instances. Its messages are timed from the sender's clock to the beginning of
their run, alone and beside another function that forks, leaks, hangs, floods, ... one message after another, in turn:
alone, beside, alone, beside. Then each harm is done once more on an instance of its own, which is looked for from the answer
on until nothing of it is there. A line of JSON each, milliseconds: the phases, the harms, the bars (1 s until a tree is gone; the
99th percentile beside harm at most twice that alone, the median of the rounds). A bar that is missed is no failure of
the benchmark: its times depend on the machine, and processors are shared.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.environ["FOREWARM_PROGRAM"] = str(ROOT / "build" / "release" / "forewarm")
FUNCTION_NICE = os.environ.get("FOREWARM_FUNCTION_NICE")
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from server_process import Server, python_handler, wait_for  # noqa: E402

if FUNCTION_NICE is None:  # as servers have it, not as tests do
    del os.environ["FOREWARM_FUNCTION_NICE"]
HANDLER = ROOT / "tests" / "e2e" / "handlers" / "hostile.py"
MARK = f"hostile-bench-{os.getpid()}"


def harms(server):
    store = [str(server.data), *map(str, server.data.iterdir())]
    ports = [int(server.endpoints[which].rsplit(":", 1)[1]) for which in ("sqs", "admin")]
    return [{"do": "fork_bomb", "most": 200}, {"do": "memory_leak", "megabytes": 600}, {"do": "hang"}, {"do": "ignore_sigterm"},
            {"do": "half_close"}, {"do": "double_response"}, {"do": "wrong_id"}, {"do": "flood", "megabytes": 100},
            {"do": "large_response", "megabytes": 100}, {"do": "exit"}, {"do": "fill_disk", "megabytes": 64},
            {"do": "detach", "mark": MARK}, {"do": "look", "read": store, "write": store},
            {"do": "signals", "pids": [server.process.pid, 1]}, {"do": "connect", "ports": ports}]


def function(name, settings="", mapped=True):
    toml = f"""
[[function]]
name = "{name}"
{python_handler(HANDLER)}memory_mb = 512
tmp_mb = 8
processes_max = 64
timeout = "2s"
network = "none"
{settings}
"""
    return toml + (f"""
[[mapping]]
queue = "{name}"
function = "{name}"
scaling.instances_min = 2
scaling.instances_max = 2

[[queue]]
name = "{name}"
attributes = {{ RedrivePolicy = '{{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:failed", "maxReceiveCount": 1}}' }}
""" if mapped else "")


class Harm:
    """While it is entered, a neighbour does one harm after another; left, none is under way any more."""

    def __init__(self, server):
        self.server = server
        self.done = 0
        self.over = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def run(self):
        try:
            all_harms = harms(self.server)
            while not self.over.is_set():
                if sum(self.server.counts("harm")) < 4:
                    self.server.send("harm", json.dumps(all_harms[self.done % len(all_harms)]))
                    self.done += 1
                else:
                    self.over.wait(0.02)
        except Exception as failure:  # told where it is waited for
            self.failure = failure

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        if self.failure:
            raise self.failure
        wait_for(lambda: sum(self.server.counts("harm")) == 0, "all harm is done")


def phase(server, file, seconds, rate):
    file.write_text("")
    sent = 0
    begin = time.monotonic()
    while sent < seconds * rate:
        time.sleep(max(0, begin + sent / rate - time.monotonic()))
        server.send("quiet", json.dumps({"do": "stamp", "file": str(file), "sent": time.time()}))
        sent += 1
    wait_for(lambda: len(file.read_text().splitlines()) >= sent, "all has run")
    times = sorted(1000 * float(line) for line in file.read_text().splitlines())
    return {"messages": len(times)} | {f"p{share}": round(times[int(share / 100 * (len(times) - 1))], 2)
                                       for share in (50, 90, 99)}


def processes_of_trials():
    """Of instances of "trial", and what hides from its server."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (b"AWS_LAMBDA_FUNCTION_NAME=trial" in (entry / "environ").read_bytes().split(b"\0")
                        or MARK.encode() in (entry / "cmdline").read_bytes()):
                    found.append(int(entry.name))
            except OSError:
                pass  # it has ended
    return found


def gone_after(server, harm):
    """How long after the server told of its end the processes of an instance that did harm were gone."""
    status, _ = server.http("POST", "/v1/functions/trial/invocations", json.dumps(harm))
    end = time.monotonic()
    wait_for(lambda: not processes_of_trials(), f"what {harm['do']} left is gone")
    return {"harm": harm["do"], "answered": status, "gone_after_ms": round(1000 * (time.monotonic() - end), 1)}


def tell(row):
    print(json.dumps(row), flush=True)


def measure(server, file, arguments):
    ratios = []
    phase(server, file, min(3, arguments.seconds), arguments.rate)  # what is warm from then on is not timed
    for turn in range(1, arguments.rounds + 1):
        alone = phase(server, file, arguments.seconds, arguments.rate)
        tell({"round": turn, "phase": "alone"} | alone)
        with Harm(server) as harm:
            beside = phase(server, file, arguments.seconds, arguments.rate)
        ratios.append(beside["p99"] / alone["p99"])
        tell({"round": turn, "phase": "beside harm", "harms": harm.done} | beside | {"p99_ratio": round(ratios[-1], 2)})
    gone = [gone_after(server, harm) for harm in harms(server)]
    for row in gone:
        tell(row)
    tell({"layers_missing": [check["name"] for check in server.get("/v1/doctor")["checks"] if check["status"] != "ok"]})
    for name, value, bar in (("p99 beside harm / p99 alone, median", statistics.median(ratios), 2),
                             ("ms until a tree is gone, longest", max(row["gone_after_ms"] for row in gone), 1000)):
        tell({"bar_of": name, "value": round(value, 2), "bar": bar, "at_least": False, "met": value <= bar})


def main():
    parser = argparse.ArgumentParser(prog="./dev bench hostile", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20, help="of each phase")
    parser.add_argument("--rate", type=float, default=50, help="messages a second")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "build") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        file = folder / "times"
        file.touch()
        file.chmod(0o666)
        config = folder / "forewarm.toml"
        config.write_text('[[queue]]\nname = "failed"\n' + function("quiet", f"write_paths = [{json.dumps(str(file))}]") + function("harm")
                          + function("trial", mapped=False))
        server = Server(folder, config=config)
        server.isolation = "on"
        server.start()
        try:
            measure(server, file, arguments)
        finally:
            server.end()


if __name__ == "__main__":
    sys.exit(main())
