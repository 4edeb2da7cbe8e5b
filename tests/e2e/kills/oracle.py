"""What a queue has promised, kept outside of the process that is killed.

A harness tells the oracle what is about to be asked, what was acknowledged, and what it sees; the oracle says what is
wrong. Invariants by their numbers in docs/invariants.md: I1 an acknowledged send is never lost, I2 what was acknowledged as
deleted never comes back, I3 nobody else has a message while its visibility timeout runs, I4 a receive count never falls,
I6 bodies are exact. Thread-safe.
"""

import threading
import time
from dataclasses import dataclass, field


@dataclass
class Tracked:
    body: object
    sent: bool = False  # acknowledged, or seen
    delete_asked: bool = False
    deleted_at: float | None = None  # when the delete was acknowledged
    counts: list = field(default_factory=list)  # (when it was known, receive count)
    leases: list = field(default_factory=list)  # [from, until]: one receiver's alone

    def is_leased(self, at):
        return any(begin <= at < end for begin, end in self.leases)


class Oracle:
    def __init__(self):
        self.lock = threading.Lock()
        self.messages: dict[object, Tracked] = {}
        self.violations: list[str] = []
        self.acknowledged = 0
        self.checks = 0

    def violated(self, what: str):
        with self.lock:
            self.violations.append(what)

    def about_to_send(self, key, body):
        with self.lock:
            self.messages[key] = Tracked(body)

    def sent(self, key):
        with self.lock:
            self.messages[key].sent = True
            self.acknowledged += 1

    def about_to_delete(self, key):
        with self.lock:
            self.messages[key].delete_asked = True
            self._end_leases(self.messages[key])

    def deleted(self, key):
        with self.lock:
            self.messages[key].deleted_at = time.monotonic()
            self.acknowledged += 1

    def counted(self, key, count):
        """A receive count was acknowledged without a delivery to look at."""
        with self.lock:
            self.messages[key].counts.append((time.monotonic(), count))
            self.acknowledged += 1

    def leased(self, key, until):
        """What was delivered is its receiver's alone from now until then, or until it is about to be given back."""
        with self.lock:
            self.messages[key].leases.append([time.monotonic(), until])

    def about_to_release(self, key):
        with self.lock:
            self._end_leases(self.messages[key])

    @staticmethod
    def _end_leases(message):
        now = time.monotonic()
        for lease in message.leases:
            lease[1] = min(lease[1], now)

    def ran(self, key, at):
        """A function began to run it."""
        with self.lock:
            self.checks += 1
            message = self.messages.get(key)
            if message is None:
                self.violations.append(f"I1: message {key} was run and never sent")
                return
            if message.deleted_at is not None and message.deleted_at < at:
                self.violations.append(f"I2: message {key} was run after its delete was acknowledged")
            if message.is_leased(at):
                self.violations.append(f"I3: message {key} was run while a receiver had it")

    def seen(self, key, body, count, asked_at, delivery):
        """A message came back in answer to something asked at `asked_at`. True if it was one to expect.

        A delivery raises the count; a look at it leaves the count alone. No count: it is not looked at."""
        with self.lock:
            self.checks += 1
            before = len(self.violations)
            message = self.messages.get(key)
            if message is None:
                self.violations.append(f"I1: message {key} was never sent")
                return False
            if message.body != body:
                self.violations.append(f"I6: message {key} is {body!r:.80}, sent was {message.body!r:.80}")
            if message.deleted_at is not None and message.deleted_at < asked_at:
                self.violations.append(f"I2: message {key} came back after its delete was acknowledged")
            if delivery and message.is_leased(time.monotonic()):
                self.violations.append(f"I3: message {key} was delivered while another receiver had it")
            known = max((count for when, count in message.counts if when < asked_at), default=None)
            if None not in (known, count) and (count <= known if delivery else count < known):
                self.violations.append(f"I4: the receive count of message {key} fell from {known} to {count}")
            message.sent = True  # whatever was acknowledged, it is there
            if count is not None:
                message.counts.append((time.monotonic(), count))
            return len(self.violations) == before

    def expect_exactly(self, keys):
        """`keys` is all there is. What was uncertain is certain from now on."""
        with self.lock:
            keys = set(keys)
            for key, message in list(self.messages.items()):
                self.checks += 1
                if key in keys:
                    message.delete_asked = False
                elif message.sent and not message.delete_asked:
                    self.violations.append(f"I1: message {key} was acknowledged and is gone")
                    del self.messages[key]
                elif message.deleted_at is None:
                    # Neither stored nor acknowledged: it must not appear later.
                    message.delete_asked = True
                    message.deleted_at = time.monotonic()

    def owed(self):
        """Keys that were acknowledged and that nobody has asked to delete."""
        with self.lock:
            return {key for key, message in self.messages.items() if message.sent and not message.delete_asked}
