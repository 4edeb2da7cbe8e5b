"""A queue whose messages a function runs, while a receiver takes some of them away from it."""

import json
import pathlib
import sys
import threading
import time

from killed_server import Client, Unanswered
from traffic import OWED_MAX, VISIBILITY_SECONDS, Traffic, key_of, named

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server_process import python_handler  # noqa: E402

HANDLER = pathlib.Path(__file__).resolve().parent / "noting_handler.py"
EMPTY_SECONDS = 90


class Journal:
    """When the function began to run which message, by the clock that all processes of a machine share."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.offset = 0
        self.runs = []  # (seconds, key)
        self.keys = set()

    def read(self):
        with self.lock, open(self.path, "rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.offset += len(line)
                at, key = line.decode().split()
                self.runs.append((int(at) / 1e9, key))
                self.keys.add(key)
        return self


class FunctionTraffic(Traffic):
    queue = "kill-run"
    dead = "kill-run-dead"

    def __init__(self, server, oracle, seed, journal):
        super().__init__(server, oracle, seed)
        self.journal = Journal(journal)
        self.figures |= {"runs": 0, "messages run more than once": 0, "dead letters": 0}

    @staticmethod
    def config(journal):
        return f"""
[[function]]
name = "noting"
{python_handler(HANDLER, writes=[journal])}environment = {{ JOURNAL = {json.dumps(str(journal))} }}
[[mapping]]
queue = "{FunctionTraffic.queue}"
function = "noting"
batch_size = 4
shared_consumers = true
scaling.instances_min = 1
scaling.instances_max = 2
retry.backoff_base = "100ms"
retry.backoff_max = "500ms"
"""

    def set_up(self):
        client = Client(self.server, self.dead)
        client.create({"VisibilityTimeout": str(VISIBILITY_SECONDS)})
        arn = client.call("GetQueueAttributes", AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        # The mapping has made the queue.
        Client(self.server, self.queue).call("SetQueueAttributes", Attributes={
            "VisibilityTimeout": str(VISIBILITY_SECONDS),
            "RedrivePolicy": f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"3"}}'})

    def produce(self, client, choice, key):
        if len(self.owed() - self.journal.read().keys) > OWED_MAX / 4:
            time.sleep(0.05)
            return
        body = f"{key}|{'fail' if choice.random() < 0.1 else 'ok'}|"
        self.oracle.about_to_send(key, body)
        self.accepted(key, body, client.call("SendMessage", MessageBody=body, MessageAttributes=named(key)))

    def consume(self, client, choice, key):
        super().consume(client, choice, key)
        time.sleep(0.1)  # most is for the function

    def look_at(self, queue, messages, asked_at):
        """An attempt of the function raises the receive count too, and a move to the other queue begins it anew."""
        self.figures["dead letters"] += len(messages) if queue == self.dead else 0
        for message in messages:
            self.oracle.seen(key_of(message["Body"]), message["Body"], None, asked_at, delivery=True)

    def places(self):
        return [self.dead]

    def drain(self):
        """The function empties its queue; what it failed lies in the other one."""
        self.wait_until_empty(Client(self.server, self.queue))
        super().drain()

    def wait_until_empty(self, client):
        counts = ("", "NotVisible", "Delayed")
        names = [f"ApproximateNumberOfMessages{which}" for which in counts]
        deadline = time.monotonic() + EMPTY_SECONDS
        while time.monotonic() < deadline and not self.oracle.violations:
            try:
                attributes = client.call("GetQueueAttributes", AttributeNames=names)["Attributes"]
            except Unanswered:
                continue
            if not any(int(attributes[name]) for name in names):
                return
            time.sleep(0.1)
        if not self.oracle.violations:
            self.oracle.violated(f"I10: the function did not empty {self.queue}: " + self.server.last_words())

    def lost(self):
        runs = self.journal.read().runs
        for at, key in runs:
            self.oracle.ran(key, at)
        self.figures["runs"] = len(runs)
        self.figures["messages run more than once"] = len(runs) - len(self.journal.keys)
        return {key for key in self.owed()
                if key not in self.journal.keys or "|fail|" in self.oracle.messages[key].body}
