"""Google Pub/Sub as its REST reference describes it, for one process: topics, subscriptions, leases; strict about requests."""

import datetime
import json
import re
import threading
import time

FIELDS = {":pull": {"maxMessages"}, ":acknowledge": {"ackIds"}, ":modifyAckDeadline": {"ackIds", "ackDeadlineSeconds"},
          ":publish": {"messages"}}


def failure(status, name, text):
    return status, json.dumps({"error": {"code": status, "status": name, "message": text}})


class FakePubSub:
    """Answers a loopback_recorder.Recorder."""

    PULL_SECONDS = 1

    def __init__(self):
        self.subscriptions = {}  # name: {"about": ..., "messages": [...]}
        self.topics = {}
        self.lock = threading.Lock()
        self.ids = 0
        self.script = []  # answers that come first: (a part of the path, answer)

    def next_id(self):
        self.ids += 1
        return str(self.ids)

    def __call__(self, request):
        with self.lock:
            for i, (part, answer) in enumerate(self.script):
                if part in request["path"]:
                    del self.script[i]
                    return answer
        match = re.fullmatch(r"/v1/(projects/[^/:]+/(topics|subscriptions)/[^/:]+)(:\w+)?", request["path"])
        if not match:
            return failure(404, "NOT_FOUND", "no such method")
        name, kind, verb = match.groups()
        body = json.loads(request["body"] or "{}")
        if verb and (set(body) - FIELDS[verb] or request["method"] != "POST"):
            return failure(400, "INVALID_ARGUMENT", "unknown field")
        if request["method"] == "PUT":
            return self.create(name, kind, body)
        if name not in (self.topics if kind == "topics" else self.subscriptions):
            return failure(404, "NOT_FOUND", f"Resource not found (resource={name.rsplit('/', 1)[1]}).")
        if verb is None:
            return 200, json.dumps(self.subscriptions[name]["about"])
        return getattr(self, verb[1:].lower())(name, body)

    def create(self, name, kind, body):
        with self.lock:
            if kind == "topics":
                self.topics[name] = []
            else:
                about = {"name": name, "ackDeadlineSeconds": 10, "state": "ACTIVE"} | body
                self.subscriptions[name] = {"about": about, "messages": []}
                self.topics[body["topic"]].append(name)
        return 200, json.dumps({"name": name})

    def publish(self, name, body):
        with self.lock:
            ids = []
            for message in body["messages"]:
                made = message | {"messageId": self.next_id(),
                                  "publishTime": datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")}
                ids.append(made["messageId"])
                for subscription in self.topics[name]:
                    self.subscriptions[subscription]["messages"].append(
                        {"message": made, "until": 0, "ackId": None, "deliveries": 0})
        return 200, json.dumps({"messageIds": ids})

    def pull(self, name, body):
        end = time.monotonic() + self.PULL_SECONDS
        subscription = self.subscriptions[name]
        while True:
            with self.lock:
                now = time.monotonic()
                free = [m for m in subscription["messages"] if m["until"] <= now][:body["maxMessages"]]
                for m in free:
                    m["deliveries"] += 1
                    m["ackId"] = f"ack-{self.next_id()}"
                    m["until"] = now + subscription["about"]["ackDeadlineSeconds"]
                if free or now > end:
                    counted = "deadLetterPolicy" in subscription["about"]
                    received = [{"ackId": m["ackId"], "message": m["message"]} |
                                ({"deliveryAttempt": m["deliveries"]} if counted else {}) for m in free]
                    return 200, json.dumps({"receivedMessages": received} if received else {})
            time.sleep(0.02)

    def acknowledge(self, name, body):
        with self.lock:
            messages = self.subscriptions[name]["messages"]
            messages[:] = [m for m in messages if m["ackId"] not in body["ackIds"] or m["until"] <= time.monotonic()]
        return 200, "{}"

    def modifyackdeadline(self, name, body):
        if not 0 <= body["ackDeadlineSeconds"] <= 600:
            return failure(400, "INVALID_ARGUMENT", "the deadline is out of bounds")
        with self.lock:
            for m in self.subscriptions[name]["messages"]:
                if m["ackId"] in body["ackIds"] and m["until"] > time.monotonic():
                    m["until"] = time.monotonic() + body["ackDeadlineSeconds"]
        return 200, "{}"
