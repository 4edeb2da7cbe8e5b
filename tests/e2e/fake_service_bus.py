"""The fake Service Bus (service_bus_fake.mjs) as a process of a test's, and Microsoft's own client beside it."""

import json
import os
import pathlib
import tempfile
import unittest
from urllib.parse import quote

from source_tests import HERE, Client, Lines, free_port, listens, make_certificate, wait_for

KEY_NAME = "policy"
KEY = "bm90IGEgc2VjcmV0IG9mIGFueWJvZHk="


class FakeServiceBus:
    """Commands are the fake's operations; it keeps its queues when it is killed and started again."""

    def __init__(self, folder, amqps=False, certificate=False, **settings):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.settings = {"port": self.port, "state": str(self.folder / "state.json"), "key_name": KEY_NAME, "key": KEY,
                         "amqps": amqps, **settings}
        if certificate or amqps:
            make_certificate(folder)
            self.settings |= {"cert": f"{folder}/server.pem", "key_file": f"{folder}/server.key"}
        self.lines = None

    def start(self):
        self.lines = Lines(["node", str(HERE / "service_bus_fake.mjs"), json.dumps(self.settings)])
        wait_for("the fake Service Bus", lambda: listens(self.port))

    def do(self, op, **more):
        count = len(self.lines.events)
        self.lines.send(op=op, **more)
        self.lines.wait(op, lambda events: len(events) > count)
        answer = self.lines.events[count]
        if "error" in answer:
            raise AssertionError(f"{op}: {answer['error']}")
        return answer["value"]

    def kill(self):
        self.lines.process.kill()
        self.lines.process.wait()
        self.lines.reader.join()
        self.lines.process.stdin.close()
        self.lines.process.stdout.close()
        self.lines = None

    def stop(self):
        if self.lines is not None:
            self.kill()

    def url(self, queue, user=f"{KEY_NAME}:{quote(KEY, '')}@", **options):
        scheme = "amqps" if self.settings["amqps"] else "amqp"
        host = "localhost" if self.settings["amqps"] else "127.0.0.1"
        options = {"endpoint": f"{scheme}://{host}:{self.port}", "heartbeat": "1s"} | options
        query = "&".join(f"{name}={quote(value, '')}" for name, value in options.items())
        return f"servicebus://{user}fake/{queue}?{query}"

    def connection_string(self):
        return (f"Endpoint=sb://127.0.0.1:{self.port};SharedAccessKeyName={KEY_NAME};SharedAccessKey={KEY};"
                "UseDevelopmentEmulator=true;")


class MicrosoftClient(Client):
    """@azure/service-bus."""

    def __init__(self, fake, management=""):
        os.environ["SERVICE_BUS_MANAGEMENT"] = management
        super().__init__("service_bus_client.mjs", fake.connection_string())


def bodies(messages):
    return [message["body"] for message in messages]


class WithFake(unittest.TestCase):
    amqps = False

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="forewarm-servicebus-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.fake = FakeServiceBus(cls.folder.name, amqps=cls.amqps, certificate=True)
        cls.addClassCleanup(cls.fake.stop)
        cls.fake.start()

    def queue(self, **about):
        name = self.id().rsplit(".", 1)[1].replace("_", "-")[:60]
        self.fake.do("queue", name=name, **about)
        return name

    def management(self):
        return {"management": f"https://localhost:{self.fake.do('ports')['management']}", "ca_file": self.folder.name + "/ca.pem"}

    def left(self, queue):
        return self.fake.do("left", name=queue)

    def publish(self, probe, *sent):
        probe.wait_state(True)
        for body in sent:
            self.assertTrue(probe.ask("publish", "published", body=body)["ok"])
