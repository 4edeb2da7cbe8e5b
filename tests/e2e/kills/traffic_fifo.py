"""A FIFO queue's load: every group has one producer, who asks again until it is answered."""

import threading
import time

from traffic import OWED_MAX, Traffic, key_of, named, text

GROUPS_OF_A_PRODUCER = 6


class FifoTraffic(Traffic):
    queue = "kill-groups.fifo"
    attributes = {"FifoQueue": "true"}

    def __init__(self, server, oracle, seed):
        super().__init__(server, oracle, seed)
        self.lock = threading.Lock()
        self.sent_in = {}  # group: keys in the order in which they were acknowledged
        self.unanswered = {}  # producer: what it has to ask again
        self.answers = {}  # key: message id
        self.figures["duplicates"] = 0

    def produce(self, client, choice, key):
        producer = key.rpartition("-")[0]
        asked = self.unanswered.get(producer)
        if asked is None:
            if len(self.owed()) > OWED_MAX / 4:
                time.sleep(0.02)
                return
            group = f"{producer}-{choice.randrange(GROUPS_OF_A_PRODUCER)}"
            asked = (group, key, f"{key}|{text(choice)}")
            self.oracle.about_to_send(key, asked[2])
            self.unanswered[producer] = asked
        self.send(client, *asked)
        del self.unanswered[producer]
        if choice.random() < 0.2:
            self.figures["duplicates"] += 1
            self.send(client, *asked)

    def send(self, client, group, key, body):
        answer = client.call("SendMessage", MessageBody=body, MessageGroupId=group, MessageDeduplicationId=key,
                             MessageAttributes=named(key))
        with self.lock:
            known = self.answers.setdefault(key, answer["MessageId"])
            if key not in (keys := self.sent_in.setdefault(group, [])):
                keys.append(key)
        if known != answer["MessageId"]:
            self.oracle.violated(f"I5: {key} was sent twice within five minutes and is two messages")
        self.accepted(key, body, answer)

    def look_at(self, queue, messages, asked_at):
        super().look_at(queue, messages, asked_at)
        came = {}
        for message in messages:
            came.setdefault(message["Attributes"]["MessageGroupId"], []).append(key_of(message["Body"]))
        for group, keys in came.items():
            self.look_at_group(group, keys)

    def look_at_group(self, group, keys):
        """They came together. Whatever was sent before the last of them is among them, or was taken out."""
        with self.lock:
            order = list(self.sent_in.get(group, []))
        # The last may have been delivered before its send was answered.
        known = [key for key in keys if key in order]
        if known != sorted(known, key=order.index):
            self.oracle.violated(f"I5: of the group {group} came {keys}, sent as {order[-20:]}")
        owed = self.owed()
        before = order[:order.index(known[-1])] if known else []
        if missed := [key for key in before if key in owed and key not in keys]:
            self.oracle.violated(f"I5: of the group {group} {known[-1]} came before {missed}")
