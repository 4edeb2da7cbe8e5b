"""`forewarm serve` with a [[source]] in a Service Bus (the fake one): its messages run in functions here, and neither a kill
of the service nor one of the server loses any."""

import collections
import json
import pathlib
import unittest

from fake_service_bus import KEY, KEY_NAME, FakeServiceBus
from server_process import ServerTest, python_handler
from source_tests import Probe, free_port, wait_for

HERE = pathlib.Path(__file__).resolve().parent
MESSAGES = 60
ATTEMPTS = 3


class ServesServiceBus(ServerTest):
    def setUp(self):
        super().setUp()
        (self.folder / "bus").mkdir()
        self.bus = FakeServiceBus(self.folder / "bus")
        self.addCleanup(self.bus.stop)
        self.bus.start()
        self.bus.do("queue", name="orders", lock_ms=4000, max_delivery=10)
        # A connection string, as the portal shows it.
        (self.folder / "secret").write_text(
            f"Endpoint=sb://fake.servicebus.windows.net/;SharedAccessKeyName={KEY_NAME};SharedAccessKey={KEY}\n")

    def config(self):
        return f"""
[[source]]
queue = "orders"
url = "servicebus://fake/orders"
password_file = "{self.folder / "secret"}"
options = {{ endpoint = "amqp://127.0.0.1:{self.bus.port}", heartbeat = "1s" }}
attempts_max = {ATTEMPTS}
dead_letters = "engine"

[[function]]
name = "worker"
{python_handler(HERE / "handlers/scripted.py", "worker", writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))} }}
start_time_guess = "200ms"

[[mapping]]
queue = "orders"
function = "worker"
retry = {{ backoff_base = "100ms", backoff_max = "300ms" }}
"""

    def ran(self):
        texts = (line.split(" ", 2)[2] for line in self.journal.read_text().splitlines())
        return collections.Counter(text for text in texts if text != "started")

    def test_all_are_done_and_the_poison_is_dead_lettered_whatever_is_killed(self):
        with Probe(self.bus.url("orders")) as sender:
            sender.wait_state(True)
            for i in range(MESSAGES):
                self.assertTrue(sender.ask("publish", "published", body=f"sleep 0.1 {i}")["ok"])
            sender.ask("publish", "published", body="fail poison")
        server = self.server(config=self.config()).start()
        wait_for("some runs", lambda: len(self.ran()) > 10)
        self.bus.kill()
        self.bus.start()
        wait_for("more runs", lambda: len(self.ran()) > 25)
        server.kill()
        server.start()
        wait_for("an empty queue there", lambda: self.bus.do("left", name="orders") == [])
        self.assertEqual(set(self.ran()), {f"sleep 0.1 {i}" for i in range(MESSAGES)} | {"fail poison"})
        self.assertEqual([one["reason"] for one in self.bus.do("dead", name="orders")], ["given up after its attempts (forewarm)"])
        # The kill may have taken an attempt that nobody has noted.
        self.assertIn(self.ran()["fail poison"], (ATTEMPTS, ATTEMPTS + 1))
        twice = sum(count - 1 for text, count in self.ran().items() if text.startswith("sleep"))
        self.assertLess(twice, MESSAGES // 2, "only what ran when the server was killed runs again")


class ServesSessions(ServerTest):
    """Each session's messages are run one after another, whatever fails and whatever is killed in between."""

    NAMES = ("alpha", "beta", "gamma", "delta")
    EACH = 10

    def setUp(self):
        super().setUp()
        (self.folder / "bus").mkdir()
        self.bus = FakeServiceBus(self.folder / "bus", certificate=True, management_port=free_port())
        self.addCleanup(self.bus.stop)
        self.bus.start()
        self.bus.do("queue", name="orders", lock_ms=3000, max_delivery=20, requires_session=True)
        (self.folder / "secret").write_text(KEY + "\n")

    def config(self):
        management = f"https://localhost:{self.bus.do('ports')['management']}"
        return f"""
[[source]]
queue = "orders.fifo"
url = "servicebus://{KEY_NAME}@fake/orders"
password_file = "{self.folder / "secret"}"
ca_file = "{self.folder / "bus/ca.pem"}"
options = {{ endpoint = "amqp://127.0.0.1:{self.bus.port}", management = "{management}", heartbeat = "1s" }}
attempts_max = {ATTEMPTS + 2}
dead_letters = "engine"

[[function]]
name = "worker"
{python_handler(HERE / "handlers/scripted.py", "worker", writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))} }}
start_time_guess = "200ms"

[[mapping]]
queue = "orders.fifo"
function = "worker"
batch_size = 1
retry = {{ backoff_base = "100ms", backoff_max = "300ms" }}
"""

    def text(self, name, i):
        action = {2: "flaky 2", 5: "fail" if name == "delta" else "flaky 1", 0: "whose"}.get(i, "sleep 0.1")
        return f"{action} {name} {i}"

    def ran(self):
        """(session, number) of each attempt."""
        lines = [line.split(" ", 2)[2].split() for line in self.journal.read_text().splitlines()]
        return [(words[-2], int(words[-1])) for words in lines if len(words) > 1 and words[-2] in self.NAMES]

    def numbers(self, attempts, name):
        """Of a session, each once where it was tried again at once."""
        numbers = [number for of, number in attempts if of == name]
        return [number for number, before in zip(numbers, [None] + numbers) if number != before]

    def test_each_session_keeps_its_order_whatever_fails_and_whatever_is_killed(self):
        self.bus.do("add", name="orders", messages=[
            {"session": name, "body": self.text(name, i)} for i in range(self.EACH) for name in self.NAMES])
        server = self.server(config=self.config()).start()
        wait_for("some runs", lambda: len(self.ran()) > 12)
        self.bus.kill()
        self.bus.start()
        wait_for("more runs", lambda: len(self.ran()) > 26)
        server.kill()
        before = self.ran()
        server.start()
        wait_for("an empty queue there", lambda: self.bus.do("left", name="orders") == [])
        after = self.ran()[len(before):]
        for name in self.NAMES:
            first, then = self.numbers(before, name), self.numbers(after, name)
            self.assertEqual(first, list(range(len(first))), f"{name}: {self.ran()}")
            self.assertEqual(then, list(range(then[0], self.EACH)), f"{name}: {self.ran()}")
            # One that the kill has caught at its end may run once more, and the one behind it.
            self.assertIn(then[0], range(max(len(first) - 2, 0), len(first) + 1), f"{name}: {self.ran()}")
        self.assertEqual([one["reason"] for one in self.bus.do("dead", name="orders")], ["given up after its attempts (forewarm)"])
        groups = [line.rsplit(" ", 1)[1] for line in self.journal.read_text().splitlines() if " group " in line]
        self.assertEqual(set(groups), set(self.NAMES))


if __name__ == "__main__":
    unittest.main(verbosity=2)
