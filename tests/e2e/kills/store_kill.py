"""Kills a process that loads a store, again and again, and checks what each restart finds.

    python3 store_kill.py PATH_OF_store_kill_load [--kills 100] [--seed N]
"""

import argparse
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time

from oracle import Oracle

READY_SECONDS = 60  # far more than recovery takes, even under a sanitizer on a busy machine


class Life:
    """One run of the process, from its start to its kill."""

    def __init__(self, program, directory, seed, oracle):
        self.oracle = oracle
        self.started_at = time.monotonic()
        self.found = []
        self.ready = False
        self.rest = b""
        self.process = subprocess.Popen([program, directory, str(seed)], stdout=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)

    def read(self, seconds, until_ready=False):
        """Reads for so long, or until `ready` was said. False at the end of the output."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not (until_ready and self.ready):
            if not select.select([self.process.stdout], [], [], left)[0]:
                continue
            part = os.read(self.process.stdout.fileno(), 1 << 20)
            if not part:
                return False
            *lines, self.rest = (self.rest + part).split(b"\n")
            for line in lines:
                self.take(line.decode())
        return True

    def take(self, line):
        kind, *words = line.split(" ")
        if kind == "m":
            key, count, payload = int(words[0]), int(words[1]), words[2]
            self.found.append(key)
            self.oracle.seen(key, payload, count, self.started_at, delivery=False)
        elif kind == "ready":
            self.ready = True
            self.oracle.expect_exactly(self.found)
        elif kind == "a":
            self.oracle.about_to_send(int(words[0]), words[1])
        elif kind == "A":
            self.oracle.sent(int(words[0]))
        elif kind == "U":
            self.oracle.counted(int(words[0]), int(words[1]))
        elif kind == "r":
            self.oracle.about_to_delete(int(words[0]))
        elif kind == "R":
            self.oracle.deleted(int(words[0]))

    def kill(self):
        """Everything that was said before the kill is still in the pipe."""
        self.process.send_signal(signal.SIGKILL)
        while self.read(READY_SECONDS):
            pass
        self.process.stdout.close()
        return self.process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    choice = random.Random(arguments.seed)
    oracle = Oracle()
    recoveries_cut = 0
    with tempfile.TemporaryDirectory() as directory:
        for kill in range(arguments.kills + 1):
            life = Life(arguments.program, directory, choice.randrange(1 << 60), oracle)
            last = kill == arguments.kills
            if choice.random() < 0.15 and not last:
                life.read(choice.random() * 0.03, until_ready=True)  # while it recovers
            else:
                alive = life.read(READY_SECONDS, until_ready=True)
                if not alive or not life.ready:
                    oracle.violated(f"start {kill} did not become ready")
                life.read(0 if last else choice.random() * 0.2)
            recoveries_cut += 0 if life.ready else 1
            status = life.kill()
            if status != -signal.SIGKILL:
                oracle.violated(f"life {kill} ended by itself with status {status}")
            if oracle.violations:
                break
    for violation in oracle.violations[:20]:
        print(violation)
    print(f"{arguments.kills} kills ({recoveries_cut} before ready), {oracle.acknowledged} acknowledgements, "
          f"{oracle.checks} checks, {len(oracle.violations)} violations")
    if oracle.acknowledged < arguments.kills:
        print("the load was too thin to show anything")
        return 1
    return 1 if oracle.violations else 0


if __name__ == "__main__":
    sys.exit(main())
