"""A load on one queue that knows what it was promised. Python's standard library only."""

import hashlib
import random
import time

from killed_server import Client, Refused, Unanswered

VISIBILITY_SECONDS = 6
# A delete with a handle whose lease may have ended is acknowledged but need not delete; such are not sent.
LEASE_USE_SECONDS = VISIBILITY_SECONDS / 2
# The server counts a visibility timeout from a moment that it knows to the millisecond.
LEASE_SURE_SECONDS = VISIBILITY_SECONDS - 0.1
OWED_MAX = 400


def md5(body):
    return hashlib.md5(body.encode()).hexdigest()


def text(choice):
    letters = "abc äöü € 日本 \\\"{}<>&\t\n"
    return "".join(choice.choice(letters) for _ in range(choice.randrange(600)))


def key_of(body):
    return body.split("|")[0]


class Traffic:
    """Producers and consumers of one queue; kinds of queues override what is theirs."""

    queue = "kill-plain"
    attributes = {}

    def __init__(self, server, oracle, seed):
        self.server = server
        self.oracle = oracle
        self.seed = seed
        self.figures = {"sends": 0, "deliveries": 0, "deletes": 0, "unanswered": 0}

    def set_up(self):
        Client(self.server, self.queue).create({"VisibilityTimeout": str(VISIBILITY_SECONDS)} | self.attributes)

    def roles(self, producers, consumers):
        """(name, what one thread does again and again, given its client and its random choices)"""
        return ([(f"producer{n}", self.produce) for n in range(producers)]
                + [(f"consumer{n}", self.consume) for n in range(consumers)])

    def work(self, name, step_of_role, ended):
        """One thread's, until it is told to end or a promise is broken."""
        choice = random.Random(f"{self.seed}/{self.queue}/{name}")
        client = Client(self.server, self.queue)
        step = 0
        while not ended.is_set() and not self.oracle.violations:
            step += 1
            try:
                step_of_role(client, choice, f"{self.queue}-{name}-{step}")
            except Unanswered:
                self.figures["unanswered"] += 1
            except Refused as refusal:
                self.oracle.violated(str(refusal))
            except Exception as surprise:  # a thread that dies silently would thin the load unseen
                self.oracle.violated(f"{name} of {self.queue} failed: {surprise!r}")

    def owed(self):
        return {key for key in self.oracle.owed() if key.startswith(self.queue + "-")}

    def produce(self, client, choice, key):
        if len(self.owed()) > OWED_MAX:
            time.sleep(0.02)
            return
        if choice.random() < 0.3:
            keys = [f"{key}.{n}" for n in range(choice.randrange(2, 11))]
            bodies = [f"{one}|{text(choice)}" for one in keys]
            for one, body in zip(keys, bodies):
                self.oracle.about_to_send(one, body)
            answer = client.call("SendMessageBatch", Entries=[
                {"Id": str(n), "MessageBody": body, "MessageAttributes": named(one)}
                for n, (one, body) in enumerate(zip(keys, bodies))])
            for entry in answer.get("Successful", []):
                self.accepted(keys[int(entry["Id"])], bodies[int(entry["Id"])], entry)
        else:
            body = f"{key}|{text(choice)}"
            self.oracle.about_to_send(key, body)
            self.accepted(key, body, client.call("SendMessage", MessageBody=body, MessageAttributes=named(key)))

    def accepted(self, key, body, answer):
        if answer["MD5OfMessageBody"] != md5(body):
            self.oracle.violated(f"I6: the send of {key} was answered with a wrong MD5")
        self.oracle.sent(key)
        self.figures["sends"] += 1

    def consume(self, client, choice, _):
        self.take(client, choice, deleted=0.7, released=0.25)

    def take(self, client, choice, deleted, released):
        """Shares of what comes; the rest waits until its visibility timeout ends."""
        asked_at = time.monotonic()
        for key, handle in self.receive(client, choice.randrange(1, 11)):
            if time.monotonic() - asked_at > LEASE_USE_SECONDS:
                return
            fate = choice.random()
            if fate < deleted:
                self.delete(client, key, handle)
            elif fate < deleted + released:
                self.release(client, key, handle)

    def delete(self, client, key, handle):
        self.oracle.about_to_delete(key)
        client.call("DeleteMessage", ReceiptHandle=handle)
        self.oracle.deleted(key)
        self.figures["deletes"] += 1

    def release(self, client, key, handle):
        self.oracle.about_to_release(key)
        client.call("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=0)

    def receive(self, client, most):
        """(key, receipt handle) of what came, after all that it must keep was looked at."""
        asked_at = time.monotonic()
        answer = client.call("ReceiveMessage", MaxNumberOfMessages=most, WaitTimeSeconds=1,
                             AttributeNames=["All"], MessageAttributeNames=["All"])
        messages = answer.get("Messages") or []
        self.look_at(client.queue, messages, asked_at)
        for message in messages:
            key = key_of(message["Body"])
            if message["MD5OfBody"] != md5(message["Body"]):
                self.oracle.violated(f"I6: message {key} came with a wrong MD5")
            name = message.get("MessageAttributes", {}).get("name", {})
            if name.get("StringValue") != key:
                self.oracle.violated(f"I6: message {key} came with the attributes of {name!r}")
            self.oracle.leased(key, asked_at + LEASE_SURE_SECONDS)
            self.figures["deliveries"] += 1
        return [(key_of(message["Body"]), message["ReceiptHandle"]) for message in messages]

    def look_at(self, _, messages, asked_at):
        for message in messages:
            count = int(message["Attributes"]["ApproximateReceiveCount"])
            self.oracle.seen(key_of(message["Body"]), message["Body"], count, asked_at, delivery=True)

    def places(self):
        """The queues in which what is owed may lie."""
        return [self.queue]

    def drain(self):
        """Takes everything out. What was acknowledged and does not come is lost."""
        clients = [Client(self.server, place) for place in self.places()]
        deadline = time.monotonic() + 3 * VISIBILITY_SECONDS + 60
        quiet_since = time.monotonic()
        while time.monotonic() < min(deadline, quiet_since + 2 * VISIBILITY_SECONDS) and not self.oracle.violations:
            for client in clients:
                try:
                    for key, handle in self.receive(client, 10):
                        self.delete(client, key, handle)
                        quiet_since = time.monotonic()
                except Unanswered:
                    self.figures["unanswered"] += 1
                except Refused as refusal:
                    self.oracle.violated(str(refusal))
        # After another violation the loop ended early, and what is left means nothing.
        for key in sorted(self.lost()) if not self.oracle.violations else ():
            self.oracle.violated(f"I1: message {key} was acknowledged and is gone")

    def lost(self):
        """Once all was taken out."""
        return self.owed()


def named(key):
    return {"name": {"DataType": "String", "StringValue": key}}
