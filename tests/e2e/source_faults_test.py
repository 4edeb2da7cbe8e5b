"""Each of the six failures at each engine of queues: at the calls that bring messages and at those that settle them; and at
the APIs that two of them are asked by for what a queue holds.

They are survived side by side, each with a queue, a link and a source of its own, since most of the time is waiting for
what does not come. Names as arguments choose some of them: source_faults_test.py sqs_timeout nats.
"""

import concurrent.futures
import pathlib
import sys
import tempfile
import time
import unittest

from engine_places import SECRET, SENT, NatsEngine, PubSub, RabbitMqEngine, ServiceBus, Sqs
from fake_service_bus import KEY
from faults import FAULTS
from source_tests import Probe, wait_for

WINDOW = 2
ENGINES = {"sqs": Sqs, "pubsub": PubSub, "rabbitmq": RabbitMqEngine, "nats": NatsEngine, "servicebus": ServiceBus}
APIS = {"rabbitmq_management": "rabbitmq", "servicebus_management": "servicebus"}
# What is said, beside the place.
SAID = {
    "sqs": {"throttled": "Rate exceeded", "server_error": "InternalFailure", "timeout": "timed out after 11", "half_open": "timed out after 11",
            "malformed": "not as documented", "expired": "look at the credentials"},
    "pubsub": {"throttled": "RESOURCE_EXHAUSTED", "server_error": "UNAVAILABLE", "timeout": "timed out after 11",
               "half_open": "timed out after 11", "malformed": "not as documented", "expired": "look at Google's application default credentials"},
    "rabbitmq": {"throttled": "has blocked the connection", "server_error": "INTERNAL_ERROR", "timeout": "heartbeat timeout",
                 "half_open": "heartbeat timeout", "malformed": "invalid AMQP data", "expired": "check the user and the password"},
    "nats": {"throttled": "raise its max_waiting", "server_error": "JetStream not enabled", "timeout": "the connection ended",
             "half_open": "the connection ended", "malformed": "the connection ended", "expired": "check the user and the password"},
    "servicebus": {"throttled": "is throttled", "server_error": "amqp:internal-error", "timeout": "idle-timeout expired",
                   "half_open": "idle-timeout expired", "malformed": "framing-error", "expired": "refused the credentials"},
    "rabbitmq_management": {"throttled": "answered 429", "server_error": "answered 500", "timeout": "timed out after 5",
                            "half_open": "timed out after 5", "malformed": "not the description of a queue", "expired": "check the password"},
    "servicebus_management": {"throttled": "answered 429", "server_error": "answered 500", "timeout": "timed out after 5",
                              "half_open": "timed out after 5", "malformed": "not an Atom document", "expired": "a shared access policy needs Manage"},
}


def body_of(message):
    return message["attributes"].get("body", message["body"])


class Survival:
    """One engine through one fault."""

    def __init__(self, engine, place, probe, fault, words):
        self.shown, self.place, self.probe, self.fault, self.words = engine.shown, place, probe, fault, words
        self.tried = set()
        self.said = []

    def run(self):
        self.probe.wait_state(True)
        if self.fault == "expired" and hasattr(self.place, "newest_key_alone"):
            self.renew()
        self.receive()
        self.settle()
        self.drain()
        self.check()

    def renew(self):
        """What is held is refused and another one would not be: it is fetched, and nobody need be told."""
        given = self.place.given
        self.place.newest_key_alone()
        self.place.begin(self.fault)
        self.probe.send(op="window", n=1)
        self.probe.wait_count(1)
        if self.place.given == given or self.place.asked() == 0 or any(not one["ok"] for one in self.probe.of("state")):
            raise AssertionError(self.probe.events)
        self.place.end()
        self.place.link.meets = lambda _: True

    def wait_said(self, states):
        """What is wrong, and where; words are of the first or of what is found when it is tried again."""
        def said():
            return [s["error"] for s in self.probe.of("state")[states:] if not s["ok"]]

        self.probe.wait(self.words, lambda _: any(self.words in one for one in said()))
        self.said += said()
        if not all(self.shown in one for one in self.said):
            raise AssertionError(self.said)

    def receive(self):
        states = len(self.probe.of("state"))
        begun, before = time.monotonic(), self.place.asked()
        self.place.begin(self.fault)
        self.probe.send(op="window", n=WINDOW)
        self.place.provoke(self.probe)
        self.wait_said(states)
        asked, took = self.place.asked() - before, time.monotonic() - begun
        if asked > 5 + 5 * took:
            raise AssertionError(f"{asked} times within {took} s")
        self.place.end()
        self.probe.wait_count(WINDOW)
        self.probe.wait_state(True, states)

    def lent(self):
        """Tokens that are not settled yet, as far as is known here."""
        gone = set(self.probe.lost()) | self.tried
        return [m["token"] for m in self.probe.lent() if m["token"] not in gone]

    def settle(self):
        states = len(self.probe.of("state"))
        # What a connection had that is over comes again.
        token = wait_for("a message", self.lent)[0]
        self.tried.add(token)
        self.place.begin(self.fault)
        self.place.provoke(self.probe)
        self.probe.settle([token])
        self.place.wait_settling_met(self.probe, token, states)
        self.place.end()
        self.probe.wait("an answer", lambda _: token in self.probe.settled())
        if self.fault == "throttled" and self.place.asks_again and not self.probe.settled()[token]["ok"]:
            raise AssertionError(self.probe.settled()[token])

    def drain(self):
        def all_done():
            tokens = self.lent()
            self.tried.update(tokens)
            self.probe.settle(tokens)
            return {body_of(m) for m in self.probe.lent()} >= set(SENT) and self.place.left() == 0

        wait_for("an empty queue", all_done)
        self.probe.wait("answers", lambda _: self.tried <= set(self.probe.settled()))

    def check(self):
        """What was acknowledged and taken never came again, and what was lost before it was acknowledged was not taken."""
        taken, bodies, lost = {}, {}, set()
        for event in list(self.probe.events):
            lost |= set(event.get("tokens", []))
            if event["event"] == "settled" and event["ok"] and event["token"] in lost:
                raise AssertionError(event)
            for message in event.get("messages", []):
                bodies[message["token"]] = body_of(message)
                if body_of(message) in taken:
                    raise AssertionError(f"{message} came again after {taken[body_of(message)]}")
            if event["event"] == "settled" and event["ok"]:
                taken[bodies[event["token"]]] = event
        if any(SECRET in one or KEY in one or "secret" in one for one in self.said):
            raise AssertionError(self.said)


class Observation:
    """What an API that fails while messages go on is a gap for, until it is whole again."""

    def __init__(self, engine, place, probe, fault, words):
        self.shown, self.place, self.probe, self.fault, self.words = engine.api_shown, place, probe, fault, words

    def observe(self):
        return self.probe.ask("observe", "depth")

    def run(self):
        self.probe.wait_state(True)
        wait_for("a depth", lambda: self.observe().get("waiting") == len(SENT))
        self.place.begin(self.fault)
        said = self.observe()
        if said["ok"] or not (self.shown in said["error"] and self.words in said["error"]) or SECRET in said["error"]:
            raise AssertionError(said)
        self.probe.send(op="window", n=WINDOW)
        tokens = [message["token"] for message in self.probe.wait_count(WINDOW)]
        settled = self.probe.settle_and_wait(tokens)
        if not all(one["ok"] for one in settled) or any(not one["ok"] for one in self.probe.of("state")):
            raise AssertionError(self.probe.events)
        self.place.end()
        wait_for("a depth again", lambda: self.observe()["ok"])


def chosen():
    every = [(engine, fault) for engine in (*ENGINES, *APIS) for fault in FAULTS]
    asked = [name for name in sys.argv[1:] if not name.startswith("-")]
    return [one for one in every if not asked or any(part in "_".join(one) for part in asked)]


class SourceFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="forewarm-faults-")
        cls.addClassCleanup(folder.cleanup)
        pool = concurrent.futures.ThreadPoolExecutor(len(chosen()) + len(ENGINES))
        cls.addClassCleanup(pool.shutdown)
        engines = {}
        for name, engine in ENGINES.items():
            if not any(name in (one, APIS.get(one)) for one, _ in chosen()):
                continue
            (pathlib.Path(folder.name) / name).mkdir()
            engines[name] = pool.submit(engine, pathlib.Path(folder.name) / name)
            cls.addClassCleanup(lambda made=engines[name]: made.exception() or made.result().stop())
        cls.survived = {one: pool.submit(cls.survive, engines, *one) for one in chosen()}

    @staticmethod
    def survive(engines, name, fault):
        engine = engines[APIS.get(name, name)].result()
        place = engine.api_place(fault) if name in APIS else engine.place(fault)
        try:
            with Probe(place.url, 0, place.environment, password_file=place.password_file) as probe:
                (Observation if name in APIS else Survival)(engine, place, probe, fault, SAID[name][fault]).run()
                status = probe.close()
                if status != 0:
                    raise AssertionError(f"it ended with {status}")
        finally:
            place.close()


def test_of(one):
    return lambda self: self.survived[one].result()


for one in chosen():
    setattr(SourceFaults, "test_" + "_".join(one), test_of(one))

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(one for one in sys.argv[1:] if one.startswith("-"))])
