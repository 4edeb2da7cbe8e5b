"""No descriptors left (EMFILE): connections that are there are served, starts wait, and it ends by itself. Nothing is lost."""

import http.client
import json
import os
import pathlib
import resource
import socket
import unittest
from urllib.parse import urlsplit

from server_process import PATIENCE_SECONDS, ServerTest, python_handler, wait_for

SPARE = 6  # descriptors that it may still open
CONNECTIONS = 40


class DescriptorTests(ServerTest):
    def setUp(self):
        super().setUp()
        handler = pathlib.Path(__file__).parent / "handlers" / "scripted.py"
        self.running = self.server(config=f"""
[[queue]]
name = "jobs"
[[queue]]
name = "plain"
[[function]]
name = "work"
{python_handler(handler, "work", writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))} }}
[[mapping]]
queue = "jobs"
function = "work"
""").start()
        self.urls = {name: self.running.url(name) for name in ("jobs", "plain")}
        url = urlsplit(self.running.endpoints["sqs"])
        self.kept = http.client.HTTPConnection(url.hostname, url.port, timeout=PATIENCE_SECONDS)
        self.addCleanup(self.kept.close)
        self.ask("ListQueues")  # it is accepted now

    def ask(self, action, **parameters):
        """On the connection that was there before."""
        self.kept.request("POST", "/", json.dumps(parameters), {
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"})
        answer = self.kept.getresponse()
        text = answer.read().decode()
        self.assertEqual(answer.status, 200, text)
        return json.loads(text or "{}")

    def counts(self, name):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.ask("GetQueueAttributes", QueueUrl=self.urls[name], AttributeNames=names)["Attributes"]
        return tuple(int(found[each]) for each in names)

    def exhaust(self):
        """Takes all descriptors that the server may still open; returns what gives them back."""
        pid = self.running.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        highest = max(int(fd) for fd in os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1 + SPARE, before[1]))
        url = urlsplit(self.running.endpoints["sqs"])
        crowd = []
        self.addCleanup(lambda: [each.close() for each in crowd])
        for _ in range(CONNECTIONS):  # the kernel takes them, the server cannot
            crowd.append(socket.create_connection((url.hostname, url.port), timeout=PATIENCE_SECONDS))
        wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) >= highest + 1, "it has none left")

        def give_back():
            while crowd:
                crowd.pop().close()
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

        return give_back

    def test_who_is_connected_is_served_and_who_waits_is_when_there_is_room(self):
        give_back = self.exhaust()
        for number in range(20):
            self.ask("SendMessage", QueueUrl=self.urls["plain"], MessageBody=str(number))
        bodies = set()
        while messages := self.ask("ReceiveMessage", QueueUrl=self.urls["plain"], MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.add(message["Body"])
                self.ask("DeleteMessage", QueueUrl=self.urls["plain"], ReceiptHandle=message["ReceiptHandle"])
        self.assertEqual(bodies, {str(number) for number in range(20)})
        give_back()
        wait_for(lambda: self.running.http("GET", "/healthz")[0] == 200, "somebody new is served")
        self.assertEqual(self.counts("plain"), (0, 0))

    def test_starts_that_fail_for_want_of_them_cost_no_message_its_turn(self):
        give_back = self.exhaust()
        for number in range(5):
            self.ask("SendMessage", QueueUrl=self.urls["jobs"], MessageBody=f"ok {number}")
        wait_for(lambda: "raise the limit of open files" in self.running.log_text(), "the log says what is missing")
        self.assertEqual(sum(self.counts("jobs")), 5)
        give_back()
        wait_for(lambda: self.counts("jobs") == (0, 0), "all have run")
        done = sorted(line.split(" ", 2)[2] for line in self.journal.read_text().splitlines() if " ok " in line)
        self.assertEqual(done, [f"ok {number}" for number in range(5)], "each has run once")


if __name__ == "__main__":
    unittest.main(verbosity=2)
