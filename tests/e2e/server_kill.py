"""Kills `forewarm serve` under load, again and again, and checks what its clients see through SQS.

    python3 server_kill.py PATH_OF_forewarm [--kills 100] [--seed N] [--producers 3] [--consumers 3]

Checked by an oracle in this process: an acknowledged send is delivered or still there (I1), nothing is delivered to a
receive that was asked for after the message's acknowledged delete (I2), receive counts never fall (I4), bodies and
attributes are exact (I6). Python's standard library only.
"""

import argparse
import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from urllib.parse import urlsplit

from oracle import Oracle

QUEUE = "kill-test"
VISIBILITY_SECONDS = 6
READY_SECONDS = 60
# A delete with a handle whose lease may have ended is acknowledged but need not delete; such are not sent.
LEASE_USE_SECONDS = VISIBILITY_SECONDS / 2


class Unanswered(Exception):
    """The server died, is not there, or was too busy: what was asked may or may not have been done."""


class Refused(Exception):
    """The server answered that it will not."""


class Server:
    def __init__(self, program, directory):
        self.program = program
        self.directory = directory
        self.endpoints_file = os.path.join(directory, "endpoints.json")
        self.log = open(os.path.join(directory, "server.log"), "ab")
        self.process = None
        self.endpoint = None  # (host, port) while it is ready

    def start(self):
        """True once it is ready."""
        if os.path.exists(self.endpoints_file):
            os.remove(self.endpoints_file)
        self.process = subprocess.Popen(
            [self.program, "serve", "--data", self.directory, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with open(self.endpoints_file, encoding="utf-8") as file:
                    url = urlsplit(json.load(file)["sqs"])
                self.endpoint = (url.hostname, url.port)
                return True
            except (FileNotFoundError, json.JSONDecodeError):  # not there yet, or half written
                time.sleep(0.002)
        return False

    def kill(self):
        """True if it was alive until now."""
        self.endpoint = None
        if self.process.poll() is not None:
            return False
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return True

    def last_words(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-5:])


class Client:
    """One connection, made again after each restart. Used by one thread."""

    def __init__(self, server):
        self.server = server
        self.connection = None
        self.endpoint = None
        self.queue_url = None

    def call(self, action, **parameters):
        endpoint = self.server.endpoint
        if endpoint is None:
            time.sleep(0.005)
            raise Unanswered
        if endpoint != self.endpoint:
            self.connection = http.client.HTTPConnection(*endpoint, timeout=30)
            self.endpoint = endpoint
            self.queue_url = None
        if action not in ("CreateQueue", "GetQueueUrl"):
            parameters["QueueUrl"] = self.queue_url or self.find_queue()
        try:
            self.connection.request("POST", "/", json.dumps(parameters), {
                "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"})
            response = self.connection.getresponse()
            status, body = response.status, response.read()
        except (OSError, http.client.HTTPException) as problem:
            self.connection.close()
            self.endpoint = None
            raise Unanswered from problem
        if status >= 500:
            time.sleep(0.02)
            raise Unanswered
        if status != 200:
            raise Refused(f"{action} was answered {status}: {body[:300]!r}")
        return json.loads(body or b"{}")

    def find_queue(self):
        self.queue_url = self.call("GetQueueUrl", QueueName=QUEUE)["QueueUrl"]
        return self.queue_url


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def body_of(key, choice):
    letters = "abc äöü € 日本 \\\"{}<>&\t\n"
    return f"{key}|" + "".join(choice.choice(letters) for _ in range(choice.randrange(600)))


class Load:
    def __init__(self, server, oracle, seed):
        self.server = server
        self.oracle = oracle
        self.seed = seed
        self.stopping = threading.Event()
        self.threads = []
        self.figures = {"sends": 0, "deliveries": 0, "deletes": 0, "unanswered": 0}

    def start(self, producers, consumers):
        for role, count in ((self.produce, producers), (self.consume, consumers)):
            for number in range(count):
                self.threads.append(threading.Thread(target=self.guard, args=(role, number), daemon=True))
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def guard(self, role, number):
        choice = random.Random(f"{self.seed}/{role.__name__}/{number}")
        client = Client(self.server)
        step = 0
        while not self.stopping.is_set() and not self.oracle.violations:
            step += 1
            try:
                role(client, choice, f"{role.__name__}{number}-{step}")
            except Unanswered:
                self.figures["unanswered"] += 1
            except Refused as refusal:
                self.oracle.violated(str(refusal))
            except Exception as surprise:  # a thread that dies silently would thin the load unseen
                self.oracle.violated(f"{role.__name__} failed: {surprise!r}")

    def produce(self, client, choice, key):
        if len(self.oracle.owed()) > 400:
            time.sleep(0.02)
            return
        if choice.random() < 0.3:
            keys = [f"{key}.{n}" for n in range(choice.randrange(2, 11))]
            bodies = [body_of(one, choice) for one in keys]
            for one, body in zip(keys, bodies):
                self.oracle.about_to_send(one, body)
            answer = client.call("SendMessageBatch", Entries=[
                {"Id": str(n), "MessageBody": body, "MessageAttributes": attributes_of(one)}
                for n, (one, body) in enumerate(zip(keys, bodies))])
            for entry in answer.get("Successful", []):
                self.accepted(keys[int(entry["Id"])], bodies[int(entry["Id"])], entry)
        else:
            body = body_of(key, choice)
            self.oracle.about_to_send(key, body)
            self.accepted(key, body, client.call("SendMessage", MessageBody=body,
                                                 MessageAttributes=attributes_of(key)))

    def accepted(self, key, body, answer):
        if answer["MD5OfMessageBody"] != md5(body):
            self.oracle.violated(f"I6: the send of {key} was answered with a wrong MD5")
        self.oracle.sent(key)
        self.figures["sends"] += 1

    def consume(self, client, choice, _):
        asked_at = time.monotonic()
        for key, handle in self.receive(client, asked_at):
            fate = choice.random()
            if time.monotonic() - asked_at > LEASE_USE_SECONDS:
                return
            if fate < 0.7:
                self.oracle.about_to_delete(key)
                client.call("DeleteMessage", ReceiptHandle=handle)
                self.oracle.deleted(key)
                self.figures["deletes"] += 1
            elif fate < 0.95:
                client.call("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=0)
            # The rest waits until its visibility timeout ends.

    def receive(self, client, asked_at):
        answer = client.call("ReceiveMessage", MaxNumberOfMessages=random.randrange(1, 11), WaitTimeSeconds=1,
                             AttributeNames=["All"], MessageAttributeNames=["All"])
        found = []
        for message in answer.get("Messages") or []:
            body = message["Body"]
            key = body.split("|")[0]
            count = int(message["Attributes"]["ApproximateReceiveCount"])
            self.oracle.seen(key, body, count, asked_at, delivery=True)
            if message["MD5OfBody"] != md5(body):
                self.oracle.violated(f"I6: message {key} came with a wrong MD5")
            name = message.get("MessageAttributes", {}).get("name", {})
            if name.get("StringValue") != key:
                self.oracle.violated(f"I6: message {key} came with the attributes of {name!r}")
            found.append((key, message["ReceiptHandle"]))
            self.figures["deliveries"] += 1
        return found

    def drain(self):
        """Takes everything out. What was acknowledged and does not come is lost."""
        client = Client(self.server)
        owed = self.oracle.owed()
        deadline = time.monotonic() + 3 * VISIBILITY_SECONDS + 60
        quiet_since = time.monotonic()
        while time.monotonic() < deadline and not self.oracle.violations:
            asked_at = time.monotonic()
            try:
                for key, handle in self.receive(client, asked_at):
                    self.oracle.about_to_delete(key)
                    client.call("DeleteMessage", ReceiptHandle=handle)
                    self.oracle.deleted(key)
                    owed.discard(key)
                    quiet_since = time.monotonic()
            except Unanswered:
                self.figures["unanswered"] += 1
            except Refused as refusal:
                self.oracle.violated(str(refusal))
            if time.monotonic() - quiet_since > 2 * VISIBILITY_SECONDS:
                break
        # After another violation the loop ended early, and what is left means nothing.
        for key in sorted(owed) if not self.oracle.violations else ():
            self.oracle.violated(f"I1: message {key} was acknowledged and is gone")


def attributes_of(key):
    return {"name": {"DataType": "String", "StringValue": key}}


def create_queue(server):
    client = Client(server)
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            return client.call("CreateQueue", QueueName=QUEUE,
                               Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)})
        except Unanswered:
            time.sleep(0.05)
    raise Refused("CreateQueue was never answered")


def kill_again_and_again(server, oracle, choice, kills):
    done = 0
    while done < kills and not oracle.violations:
        # One kill in eight meets the recovery; a quarter of the others comes very soon.
        time.sleep(choice.random() * choice.choice((0.05, 0.4, 0.4, 0.4)))
        if not server.kill():
            oracle.violated("the server ended by itself: " + server.last_words())
            return done
        done += 1
        if choice.random() < 0.125 and done < kills:
            early = subprocess.Popen([server.program, "serve", "--data", server.directory, "--listen", "127.0.0.1:0",
                                      "--admin", "127.0.0.1:0"], stdin=subprocess.DEVNULL, stdout=server.log,
                                     stderr=server.log)
            time.sleep(choice.random() * 0.05)
            early.kill()
            early.wait()
            done += 1
        if not server.start():
            oracle.violated("the server did not become ready: " + server.last_words())
    return done


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
    done = 0
    with tempfile.TemporaryDirectory() as directory:
        server = Server(arguments.program, directory)
        load = Load(server, oracle, arguments.seed)
        try:
            if server.start():
                create_queue(server)
                load.start(arguments.producers, arguments.consumers)
                done = kill_again_and_again(server, oracle, random.Random(arguments.seed), arguments.kills)
                load.stop()
                load.drain()
            else:
                oracle.violated("the server did not become ready: " + server.last_words())
        except Refused as refusal:
            oracle.violated(str(refusal))
        finally:
            load.stopping.set()
            server.kill()
    for violation in oracle.violations[:20]:
        print(violation)
    figures = ", ".join(f"{count} {what}" for what, count in load.figures.items())
    print(f"{done} kills, {figures}, {oracle.checks} checks, {len(oracle.violations)} violations")
    if not oracle.violations and load.figures["deletes"] < arguments.kills:
        print("the load was too thin to show anything")
        return 1
    return 1 if oracle.violations else 0


if __name__ == "__main__":
    sys.exit(main())
