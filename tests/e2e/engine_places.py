"""Queues of each engine with a link before them that fails: what the test of source faults survives.

An engine is made in a folder of its own, once; a place is one of its queues, with some messages in it.
"""

import contextlib
import json
import signal
import ssl
import struct
import subprocess
import threading
import time
import urllib.request
from urllib.parse import quote

from control_source_test import Nats as NatsClient
from fake_pubsub import FakePubSub
from fake_service_bus import KEY, KEY_NAME, FakeServiceBus
from faults import FaultyLink, TcpLink
from loopback_recorder import Recorder, bare_environment
from nats_source_test import Nats
from rabbitmq_source_test import RabbitMq
from server_process import Server
from source_tests import PATIENCE_SECONDS, Client, free_port, wait_for

SENT = [str(n) for n in range(5)]
SECRET = "a/secret+1"
AWS_KEYS = 3


class Place:
    """A queue with a link before it."""

    environment = None
    password_file = ""
    asks_again = False  # what is throttled for a moment is settled all the same, since no connection ends by it

    def begin(self, fault):
        self.link.fault = fault

    def end(self):
        self.link.fault = None

    def asked(self):
        """How often it was tried."""
        return self.link.made

    def close(self):
        self.link.close()

    def provoke(self, probe):
        """What it takes for a fault to be met, beside receiving and settling."""

    def wait_settling_met(self, probe, token, states):
        """The fault has met a settlement."""
        probe.wait("a settlement that fails", lambda _: any(not one["ok"] for one in probe.of("state")[states:])
                   or token in probe.settled())


class PolledPlace(Place):
    settles = ()
    asks_again = True

    def asked(self):
        return len(self.link.met)

    def is_settling(self, request):
        return any(word in request["path"] or word in request["headers"].get("x-amz-target", "") for word in self.settles)

    def wait_settling_met(self, probe, token, states):
        # One that is throttled is tried again, others until that is given up; one that gets no answer takes its time.
        tries = {"throttled": 2, "timeout": 1, "half_open": 1}.get(self.link.fault, 1000)
        wait_for("a settlement that fails", lambda: sum(map(self.is_settling, list(self.link.met))) >= tries
                 or token in probe.settled())


class Sqs:
    """forewarm's own endpoint, which verifies signatures; keys that run out are given by a container's agent."""

    shown = "SQS, http"

    def __init__(self, folder):
        (folder / "secret").write_text(SECRET + "\n")
        keys = "".join(f'[[access_key]]\nid = "AKID{n}"\nsecret_file = "{folder}/secret"\n' for n in range(AWS_KEYS))
        (folder / "config.toml").write_text(keys)
        self.port = free_port()
        self.server = Server(folder, "--listen", f"127.0.0.1:{self.port}", config=folder / "config.toml")
        self.server.start()
        self.client = Client("sqs_client.mjs", f"http://AKID0:{quote(SECRET, '')}@127.0.0.1:{self.port}")
        self.lock = threading.Lock()

    def do(self, op, **more):
        with self.lock:
            return self.client.do(op, **more)

    def stop(self):
        self.client.close()
        self.server.end()

    def place(self, fault):
        return SqsPlace(self, fault)


class SqsPlace(PolledPlace):
    settles = ("DeleteMessageBatch",)

    def __init__(self, engine, fault):
        self.engine = engine
        refusals = {"throttled": (400, "ThrottlingException", "Rate exceeded"), "server_error": (500, "InternalFailure", "boom"),
                    "expired": (400, "ExpiredTokenException", "The security token included in the request is expired")}
        self.link = FaultyLink(f"http://127.0.0.1:{engine.port}", {
            name: (status, json.dumps({"__type": "com.amazon.coral#" + code, "message": text}), {})
            for name, (status, code, text) in refusals.items()})
        self.given = 0
        self.agent = Recorder(self.keys)
        self.environment = bare_environment(AWS_CONTAINER_CREDENTIALS_FULL_URI=self.agent.url + "/role",
                                            AWS_CONTAINER_AUTHORIZATION_TOKEN="t")
        self.queue = engine.do("CreateQueue", QueueName=f"q-{fault}")["QueueUrl"]
        self.url = f"sqs+{self.link.url}/000000000000/q-{fault}?region=eu-west-1&wait=1s&visibility=15s"
        for body in SENT:
            engine.do("SendMessage", QueueUrl=self.queue, MessageBody=body)

    def keys(self, _):
        self.given += 1
        return 200, json.dumps({"AccessKeyId": f"AKID{self.given % AWS_KEYS}", "SecretAccessKey": SECRET,
                                "Expiration": "2090-01-01T00:00:00Z"})

    def newest_key_alone(self):
        """Whoever has one that was given by now is refused, and another is good."""
        old = f"Credential=AKID{self.given % AWS_KEYS}/"
        self.link.meets = lambda request: old in request["headers"].get("authorization", "")

    def left(self):
        about = self.engine.do("GetQueueAttributes", QueueUrl=self.queue, AttributeNames=["All"])["Attributes"]
        return sum(int(about["ApproximateNumberOfMessages" + which]) for which in ("", "NotVisible"))

    def close(self):
        super().close()
        self.agent.close()


class PubSub:
    """Written from the REST reference, with the metadata server's tokens."""

    shown = "Pub/Sub, http"

    def __init__(self, _):
        self.fake = FakePubSub()
        self.recorder = Recorder(self.fake)

    def stop(self):
        self.recorder.close()

    def place(self, fault):
        return PubSubPlace(self, fault)


class PubSubPlace(PolledPlace):
    settles = (":acknowledge",)

    def __init__(self, engine, fault):
        self.engine = engine
        refusals = {"throttled": (429, "RESOURCE_EXHAUSTED", "Quota exceeded"), "server_error": (503, "UNAVAILABLE", "try again"),
                    "expired": (401, "UNAUTHENTICATED", "Request had invalid authentication credentials")}
        self.link = FaultyLink(engine.recorder.url, {
            name: (status, json.dumps({"error": {"code": status, "status": word, "message": text}}), {})
            for name, (status, word, text) in refusals.items()})
        self.given = 0
        self.metadata = Recorder(self.token)
        self.environment = bare_environment(GCE_METADATA_HOST=self.metadata.address, CLOUDSDK_CONFIG="/nonexistent")
        self.name = f"projects/p/subscriptions/s-{fault}"
        topic = f"projects/p/topics/t-{fault}"
        engine.fake.create(topic, "topics", {})
        engine.fake.create(self.name, "subscriptions", {"topic": topic, "ackDeadlineSeconds": 15})
        self.url = f"pubsub://p/s-{fault}?endpoint={self.link.url}&token=true&wait=1s"
        engine.fake.publish(topic, {"messages": [{"data": "MA==", "attributes": {"body": body}} for body in SENT]})

    def token(self, _):
        self.given += 1
        return 200, json.dumps({"access_token": f"secret-token-{self.given}", "expires_in": 86400, "token_type": "Bearer"})

    def newest_key_alone(self):
        old = f"Bearer secret-token-{self.given}"
        self.link.meets = lambda request: request["headers"].get("authorization") == old

    def left(self):
        with self.engine.fake.lock:
            return len(self.engine.fake.subscriptions[self.name]["messages"])

    def close(self):
        super().close()
        self.metadata.close()


class RabbitMqEngine:
    """Debian's server, with a user of each queue's own."""

    shown = "RabbitMQ at 127.0.0.1:"
    api_shown = "RabbitMQ's management API at http://127.0.0.1:"

    def __init__(self, folder):
        self.broker = RabbitMq(str(folder))
        self.broker.start()

    def stop(self):
        self.broker.stop()

    def ask(self, method, path, **body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.broker.management_port}/api/{path}",
                                         json.dumps(body).encode() if body else None,
                                         {"Content-Type": "application/json", "Authorization": "Basic Z3Vlc3Q6Z3Vlc3Q="}, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.loads(answer.read() or "null")

    def limit_memory(self, share):
        subprocess.run(["/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "-n", "test@localhost", "set_vm_memory_high_watermark", share],
                       env=self.broker.environment, cwd=self.broker.folder, check=True, capture_output=True)

    def place(self, fault):
        return RabbitMqPlace(self, fault)

    def api_place(self, fault):
        return RabbitMqApiPlace(self, fault)


class RabbitMqPlace(Place):
    alarm = False
    provoked = 0

    def __init__(self, engine, fault):
        self.engine = engine
        self.name = f"q-{fault}"
        closed = struct.pack(">HHHB14sHH", 10, 50, 541, 14, b"INTERNAL_ERROR", 0, 0)
        self.link = TcpLink(engine.broker.port, {
            "server_error": b"\x01\0\0" + struct.pack(">I", len(closed)) + closed + b"\xce", "malformed": b"HTTP/1.1 400 Bad Request\r\n\r\n"})
        engine.ask("PUT", f"queues/%2F/{self.name}", durable=True)
        for body in SENT:
            engine.ask("POST", "exchanges/%2F/amq.default/publish", routing_key=self.name, payload=body,
                       payload_encoding="string", properties={"message_id": body, "delivery_mode": 2})
        self.password_file = engine.broker.folder / self.name
        self.password_file.write_text(SECRET + "\n")
        self.user(SECRET)
        self.url = f"amqp://{self.name}@127.0.0.1:{self.link.client_port}/%2F/{self.name}?heartbeat=1s"

    def user(self, password, tags=""):
        self.engine.ask("PUT", f"users/{self.name}", password=password, tags=tags)
        self.engine.ask("PUT", f"permissions/%2F/{self.name}", configure=".*", write=".*", read=".*")

    def begin(self, fault):
        self.alarm = fault == "throttled"
        if self.alarm:
            self.engine.limit_memory("0")
        elif fault == "expired":
            # Who is connected as this user is thrown out, and it comes back with another password.
            self.engine.ask("DELETE", f"users/{self.name}")
            self.renewed = SECRET + str(time.monotonic())
            self.user(self.renewed)
        else:
            super().begin(fault)

    def provoke(self, probe):
        # Memory is short for those alone who publish, and then for all else that is on their connection.
        if self.alarm:
            self.provoked += 1
            probe.send(op="publish", body=f"more {self.provoked}", id=f"more {self.provoked}")

    def end(self):
        if self.alarm:
            self.engine.limit_memory("0.4")
        elif self.link.fault is None:
            self.password_file.write_text(self.renewed + "\n")
        super().end()

    def left(self):
        return self.engine.ask("GET", f"queues/%2F/{self.name}").get("messages", 1)


class NatsEngine:
    """A Debian server for each, since it is the server that fails."""

    shown = "NATS at 127.0.0.1:"

    def __init__(self, folder):
        self.folder = folder

    def stop(self):
        pass

    def place(self, fault):
        return NatsPlace(self.folder / fault, fault)


class NatsPlace(Place):
    def __init__(self, folder, fault):
        folder.mkdir()
        self.broker = Nats(folder, free_port(), "include accounts.conf")
        self.password_file = folder / "password"
        self.secret = SECRET
        self.configure()
        self.end_expired()
        self.broker.start()
        self.link = TcpLink(self.broker.port, {"malformed": b"HTTP/1.1 400 Bad Request\r\n\r\n"})
        self.url = f"nats://mine@127.0.0.1:{self.link.client_port}/S/w?heartbeat=1s"
        with self.client() as client:
            client.ask("STREAM.CREATE.S", {"name": "S", "subjects": ["s"], "retention": "workqueue"})
            client.ask("CONSUMER.DURABLE.CREATE.S.w", {"stream_name": "S", "config": {
                "durable_name": "w", "ack_policy": "explicit", "ack_wait": 3_000_000_000, "max_waiting": 1}})
            for body in SENT:
                client.publish("s", body)
        self.other = None

    def configure(self, jetstream="jetstream: enabled,"):
        (self.broker.folder / "accounts.conf").write_text(
            f'accounts {{ A: {{ {jetstream} users: [ {{ user: "mine", password: "{self.secret}" }}, {{ user: "watch", password: "w" }} ] }} }}\n')
        if self.broker.pid:
            self.broker.signal(signal.SIGHUP)

    def client(self):
        return contextlib.closing(NatsClient(self.broker.port, {"user": "watch", "pass": "w"}))

    def begin(self, fault):
        if fault == "throttled":
            # Somebody else's request is as many as may wait; what it gets comes again.
            self.other = NatsClient(self.broker.port, {"user": "watch", "pass": "w"})
            self.other.send(b'SUB pulled 2\r\nPUB $JS.API.CONSUMER.MSG.NEXT.S.w pulled 14\r\n{"batch":1000}\r\n')
        elif fault == "server_error":
            self.configure(jetstream="")
        elif fault == "expired":
            self.secret = SECRET + str(time.monotonic())
            self.configure()
        else:
            super().begin(fault)

    def end(self):
        if self.other:
            self.other.close()
            self.other = None
        self.configure()
        self.end_expired()
        super().end()

    def end_expired(self):
        self.password_file.write_text(self.secret + "\n")

    def left(self):
        with self.client() as client:
            info = client.ask("CONSUMER.INFO.S.w", {})
        return info["num_pending"] + info["num_ack_pending"]

    def close(self):
        super().close()
        self.broker.stop()


class ServiceBus:
    """The fake, by rhea: one for each, since whatever is wrong is so with all of it."""

    shown = "Service Bus at 127.0.0.1:"
    api_shown = "Service Bus's management API at https://localhost:"

    def __init__(self, folder):
        self.folder = folder

    def stop(self):
        pass

    def place(self, fault):
        return ServiceBusPlace(self.folder / fault)

    def api_place(self, fault):
        return ServiceBusApiPlace(self.folder / f"api-{fault}")


class ServiceBusPlace(Place):
    renewed = ""
    TROUBLES = {"throttled": (503, "com.microsoft:server-busy", "The namespace is being throttled."),
                "server_error": (500, "amqp:internal-error", "The service was unable to process the request.")}

    def __init__(self, folder):
        folder.mkdir()
        self.fake = FakeServiceBus(folder, certificate=True)
        self.fake.start()
        self.link = TcpLink(self.fake.port, {"malformed": bytes.fromhex("00000004ffffffffdeadbeef")})
        self.fake.do("queue", name="q", lock_ms=15_000)
        self.fake.do("add", name="q", messages=[{"body": body} for body in SENT])
        self.password_file = folder / "key"
        self.write_key(KEY)
        self.url = self.fake.url("q", user=f"{KEY_NAME}@", endpoint=f"amqp://127.0.0.1:{self.link.client_port}")

    def write_key(self, key):
        self.password_file.write_text(key + "\n")

    def begin(self, fault):
        if fault == "expired":
            self.renewed = f"{SECRET}{time.monotonic()}"
            self.fake.do("rekey", key=self.renewed)
            return
        if fault not in self.TROUBLES:
            return super().begin(fault)
        status, condition, description = self.TROUBLES[fault]
        self.fake.do("trouble", status=status, condition=condition, description=description, ends_links=True)

    def end(self):
        self.fake.do("trouble")
        if self.renewed:
            self.write_key(self.renewed)
        super().end()

    def left(self):
        return len(self.fake.do("left", name="q"))

    def close(self):
        super().close()
        self.fake.stop()


class RabbitMqApiPlace(RabbitMqPlace):
    """The management plugin of a broker that is whole: it tells what the queue holds."""

    def __init__(self, engine, fault):
        super().__init__(engine, f"api-{fault}")
        self.user(SECRET, "monitoring")
        self.broker_link = self.link
        self.link = FaultyLink(f"http://127.0.0.1:{engine.broker.management_port}")
        self.url = self.url.replace("heartbeat=1s", "heartbeat=10s") + f"&management={self.link.url}"

    def begin(self, fault):
        Place.begin(self, fault)

    def end(self):
        Place.end(self)

    def close(self):
        super().close()
        self.broker_link.close()


class ServiceBusApiPlace(ServiceBusPlace):
    """The management API of a service that is whole."""

    def __init__(self, folder):
        super().__init__(folder)
        self.bus_link = self.link
        here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        here.load_cert_chain(folder / "server.pem", folder / "server.key")
        there = ssl.create_default_context(cafile=folder / "ca.pem")
        self.link = FaultyLink(f"https://localhost:{self.fake.do('ports')['management']}", context=here, upstream=there)
        self.url = self.fake.url("q", user=f"{KEY_NAME}@", management=self.link.url.replace("127.0.0.1", "localhost"), ca_file=str(folder / "ca.pem"),
                                 heartbeat="10s")

    def begin(self, fault):
        Place.begin(self, fault)

    def end(self):
        Place.end(self)

    def close(self):
        super().close()
        self.bus_link.close()
