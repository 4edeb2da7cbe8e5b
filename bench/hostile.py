#!/usr/bin/env python3
"""How long a function's messages are under way with a neighbour that means harm, and without.

    ./dev bench hostile [--seconds N] [--rate MESSAGES_A_SECOND]

One server, isolation on, a function with two warm instances. Its messages are timed from the sender's clock to the beginning of
their run, first alone, then while another function leaks memory, forks, floods its output, fills its disk and
exits, one message after another. JSON on standard output: milliseconds. There is no bar: it depends on the machine, and
processors are shared.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.environ["FOREWARM_PROGRAM"] = str(ROOT / "build" / "release" / "forewarm")
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from server_process import Server, wait_for  # noqa: E402

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
PYTHON_PATHS = [] if PYTHON != sys.executable else [sys.prefix, sys.base_prefix]
HANDLER = str(ROOT / "tests" / "e2e" / "handlers" / "hostile.py")
HARM = [{"do": "memory_leak", "megabytes": 400}, {"do": "fork_bomb", "most": 200}, {"do": "flood", "megabytes": 20},
        {"do": "fill_disk", "megabytes": 64}, {"do": "exit"}, {"do": "large_response", "megabytes": 20}]


def function(name, settings):
    return f"""
[[function]]
name = "{name}"
command = [{json.dumps(PYTHON)}, {json.dumps(HANDLER)}]
read_paths = {json.dumps([HANDLER, *PYTHON_PATHS])}
memory_mb = 64
tmp_mb = 8
processes_max = 64
timeout = "5s"
{settings}
[[mapping]]
queue = "{name}"
function = "{name}"
scaling.instances_min = 2
scaling.instances_max = 2
retry.attempts_max = 1
"""


def phase(server, file, seconds, rate):
    file.write_text("")
    file.chmod(0o666)
    sent = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        server.send("quiet", json.dumps({"do": "stamp", "file": str(file), "sent": time.time()}))
        sent += 1
        time.sleep(1 / rate)
    wait_for(lambda: len(file.read_text().splitlines()) >= sent, "all has run")
    times = sorted(1000 * float(line) for line in file.read_text().splitlines())
    return {"messages": len(times)} | {f"p{share}": round(times[int(share / 100 * (len(times) - 1))], 2)
                                       for share in (50, 90, 99)}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench hostile", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "build") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        file = folder / "times"
        file.touch()
        file.chmod(0o666)
        config = folder / "forewarm.toml"
        config.write_text(function("quiet", f"write_paths = [{json.dumps(str(file))}]") + function("harm", ""))
        server = Server(folder, config=config)
        server.isolation = "on"
        server.start()
        try:
            alone = phase(server, file, arguments.seconds, arguments.rate)
            over = threading.Event()

            def harm():
                while not over.is_set():
                    for each in HARM:
                        server.send("harm", json.dumps(each))
                    time.sleep(0.5)

            thread = threading.Thread(target=harm)
            thread.start()
            beside = phase(server, file, arguments.seconds, arguments.rate)
            over.set()
            thread.join()
            missing = [check["name"] for check in server.get("/v1/doctor")["checks"] if check["status"] != "ok"]
        finally:
            server.end()
    print(json.dumps({"alone_ms": alone, "beside_harm_ms": beside, "layers_missing": missing}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
