"""Kills `forewarm serve` under load, again and again, and checks what its clients see through SQS.

    python3 server_kill.py PATH_OF_forewarm [--kills 100] [--seed N] [--producers 3] [--consumers 3]

Four loads at once: a plain queue, a FIFO queue, a queue whose dead letters message move tasks bring back, and a queue that a
function runs while a receiver takes some of its messages away. An oracle in this process checks that an acknowledged
send is delivered, run, dead or still there (I1), nothing is delivered or run after its acknowledged delete (I2), nothing is
delivered or run while another receiver has it (I3), receive counts never fall and end at their limit (I4), groups keep their
order and what is sent twice is one message (I5), bodies and attributes are exact (I6). Python's standard library only.
"""

import argparse
import pathlib
import random
import sys
import tempfile
import threading
import time

from killed_server import KilledServer, Refused
from oracle import Oracle
from traffic import Traffic
from traffic_dead_letters import DeadLetterTraffic
from traffic_fifo import FifoTraffic
from traffic_function import FunctionTraffic


class Load:
    def __init__(self, server, oracle, seed, journal):
        self.oracle = oracle
        self.kinds = [Traffic(server, oracle, seed), FifoTraffic(server, oracle, seed),
                      DeadLetterTraffic(server, oracle, seed), FunctionTraffic(server, oracle, seed, journal)]
        self.ended = threading.Event()
        self.threads = []

    def start(self, producers, consumers):
        for kind in self.kinds:
            kind.set_up()
        for kind in self.kinds:
            plain = type(kind) is Traffic
            for name, step in kind.roles(producers if plain else 2, consumers if plain else 2):
                self.threads.append(threading.Thread(target=kind.work, args=(name, step, self.ended), daemon=True))
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(60)

    def drain(self):
        drains = [threading.Thread(target=kind.drain) for kind in self.kinds]
        for thread in drains:
            thread.start()
        for thread in drains:
            thread.join()


def kill_again_and_again(server, oracle, choice, kills):
    done = 0
    while done < kills and not oracle.violations:
        # One kill in eight meets the recovery; a quarter of the others comes very soon; a few let a function come to its work.
        time.sleep(choice.random() * choice.choice((0.05, 0.05, 0.4, 0.4, 0.4, 0.4, 0.4, 1.5)))
        if not server.kill():
            oracle.violated("the server ended by itself: " + server.last_words())
            return done
        done += 1
        if choice.random() < 0.125 and done < kills:
            server.kill_while_it_starts(choice.random() * 0.05)
            done += 1
        if not server.start():
            oracle.violated("the server did not become ready: " + server.last_words())
    return done


def run(arguments, oracle, folder):
    """(kills, the load)"""
    journal = folder / "journal"
    journal.touch()
    journal.chmod(0o666)
    config = folder / "forewarm.toml"
    config.write_text(FunctionTraffic.config(journal))
    server = KilledServer(arguments.program, folder, config)
    load = Load(server, oracle, arguments.seed, journal)
    done = 0
    try:
        if server.start():
            load.start(arguments.producers, arguments.consumers)
            done = kill_again_and_again(server, oracle, random.Random(arguments.seed), arguments.kills)
            load.stop()
            load.drain()
        else:
            oracle.violated("the server did not become ready: " + server.last_words())
    except Refused as refusal:
        oracle.violated(str(refusal))
    finally:
        load.ended.set()
        server.kill()
    return done, load


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--producers", type=int, default=3)
    parser.add_argument("--consumers", type=int, default=3)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    oracle = Oracle()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # an isolated function sees its journal in it
        done, load = run(arguments, oracle, folder)
    for violation in oracle.violations[:20]:
        print(violation)
    for kind in load.kinds:
        print(f"{kind.queue}: " + ", ".join(f"{count} {what}" for what, count in kind.figures.items()))
    print(f"{done} kills, {oracle.checks} checks, {len(oracle.violations)} violations")
    if oracle.violations:
        return 1
    thin = [kind.queue for kind in load.kinds if kind.figures["deletes"] < arguments.kills / 4]
    if thin:
        print("the load was too thin to show anything: " + ", ".join(thin))
    return 1 if thin else 0


if __name__ == "__main__":
    sys.exit(main())
