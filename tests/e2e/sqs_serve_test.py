"""`forewarm serve` with a [[source]] in an SQS of somebody else's (fauxqs): its messages run in functions here, and a kill
in the middle loses none."""

import collections
import json
import pathlib
import unittest
from unittest import mock

from loopback_recorder import with_keys
from server_process import ServerTest, python_handler
from source_tests import Broker, Client, free_port, listens, wait_for

HERE = pathlib.Path(__file__).resolve().parent
MESSAGES = 60
ATTEMPTS = 3


class ServesSqs(ServerTest):
    def setUp(self):
        super().setUp()
        (self.folder / "fauxqs").mkdir()
        broker = Broker(self.folder / "fauxqs")
        self.addCleanup(broker.stop)
        self.port = free_port()
        broker.spawn(["node", str(HERE / "fauxqs_server.mjs"), str(self.port)])
        wait_for("fauxqs", lambda: listens(self.port))
        self.client = Client("sqs_client.mjs", f"http://a:b@127.0.0.1:{self.port}")
        self.addCleanup(self.client.close)
        self.url = self.client.do("CreateQueue", QueueName="orders", Attributes={"VisibilityTimeout": "4"})["QueueUrl"]

    def config(self):
        return f"""
[[source]]
queue = "orders"
url = "sqs+{self.url}"
options = {{ region = "eu-west-1", wait = "1s" }}
attempts_max = {ATTEMPTS}

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

    def left(self):
        attributes = self.client.do("GetQueueAttributes", QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return sum(int(attributes["ApproximateNumberOfMessages" + which]) for which in ("", "NotVisible", "Delayed"))

    def send(self, first, last):
        for i in range(first, last):
            self.client.do("SendMessage", QueueUrl=self.url, MessageBody=f"sleep 0.1 {i}")

    @mock.patch.dict("os.environ", with_keys(), clear=True)
    def test_all_are_done_and_the_poison_is_kept_whatever_is_killed(self):
        server = self.server(config=self.config()).start()
        self.client.do("SendMessage", QueueUrl=self.url, MessageBody="fail poison")
        self.send(0, MESSAGES // 2)
        wait_for("some runs", lambda: len(self.ran()) > 10)
        server.kill()
        self.send(MESSAGES // 2, MESSAGES)
        server.start()
        wait_for("an empty queue there", lambda: self.left() == 0)
        expected = {f"sleep 0.1 {i}" for i in range(MESSAGES)} | {"fail poison"}
        self.assertEqual(set(self.ran()), expected)
        # The kill may have taken an attempt that nobody has noted.
        self.assertIn(self.ran()["fail poison"], (ATTEMPTS, ATTEMPTS + 1))
        dead = wait_for("the dead letter", lambda: server.receive("orders-dead-letters"))
        self.assertEqual([message["Body"] for message in dead], ["fail poison"])
        twice = sum(count - 1 for text, count in self.ran().items() if text.startswith("sleep"))
        self.assertLess(twice, MESSAGES // 2, "only what ran when it was killed runs again")


if __name__ == "__main__":
    unittest.main(verbosity=2)
