#!/usr/bin/env python3
"""What a signal is worth: the same bursts on two servers, one of which is told of them ahead.

    ./dev bench signals [--bursts N] [--ahead SECONDS]

Both have the same past (ten minutes with such bursts, imported), get the same messages and have the same price of a late
message; only one has the signal, and hears of each burst --ahead seconds before it begins: the start time of an instance
and a second. The first burst is a rehearsal and counts apart. JSON on standard output; bar: the share of late messages is
at most a fifth of that without the signal.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import random
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.environ["FOREWARM_PROGRAM"] = str(ROOT / "build" / "release" / "forewarm")
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import announced_bursts  # noqa: E402
from server_process import Server  # noqa: E402

BAR = 0.2
LEARNING_SECONDS = 20
QUIET_SECONDS = (15, 35)


def start(folder, announced):
    folder.mkdir()
    config = folder / "forewarm.toml"
    config.write_text(announced_bursts.config(announced))
    server = Server(folder, "--record", str(folder / "events.txt"), config=config)
    announced_bursts.import_past(server, announced)
    server.start()
    server.queue("jobs")
    return server


def late_share(bursts):
    return sum(burst.late for burst in bursts) / max(1, sum(burst.messages for burst in bursts))


def figures(recording, bursts):
    met = announced_bursts.read_bursts(recording, bursts)
    return {"late_share": late_share(met[1:]), "late_share_of_the_first": late_share(met[:1]),
            "instance_seconds": announced_bursts.instance_seconds(recording),
            "bursts": [dataclasses.asdict(burst) for burst in met]}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench signals", description=__doc__.splitlines()[0])
    parser.add_argument("--bursts", type=int, default=6)
    parser.add_argument("--ahead", type=float, default=announced_bursts.START_SECONDS + 1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "build") as folder:
        folders = {name: pathlib.Path(folder) / name for name in ("with", "without")}
        servers = {name: start(folders[name], name == "with") for name in folders}
        begin = time.time()
        draw, bursts, at = random.Random(2), [], int(begin) + LEARNING_SECONDS
        for _ in range(arguments.bursts):
            bursts.append(float(at))
            at += announced_bursts.BURST_SECONDS + draw.randint(*QUIET_SECONDS)
        traffic = announced_bursts.Traffic(begin, bursts, bursts[-1] + announced_bursts.BURST_SECONDS)
        threads = [thread for server in servers.values() for thread in traffic.send(server)]
        for burst in bursts:
            time.sleep(max(0, burst - arguments.ahead - time.time()))
            announced_bursts.announce(servers["with"], burst)
        for thread in threads:
            thread.join()
        for server in servers.values():
            server.stop()
        told, untold = (figures(folders[name] / "events.txt", bursts) for name in ("with", "without"))
    ratio = told["late_share"] / untold["late_share"] if untold["late_share"] > 0 else None
    print(json.dumps({"ahead_seconds": arguments.ahead, "with_signal": told, "without": untold, "late_ratio": ratio,
                      "bar": BAR, "kept": ratio is not None and ratio <= BAR}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
