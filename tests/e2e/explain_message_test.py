"""What one message went through, what its function wrote for it, and messages sent to try a queue out."""

import json
import pathlib
import re
import unittest

from server_process import Refused, ServerTest, python_handler, wait_for

SCRIPTED = str(pathlib.Path(__file__).parent / "handlers" / "scripted.py")


class ExplainMessageTests(ServerTest):
    def start(self):
        return self.server(config=f"""
[[function]]
name = "worker"
{python_handler(SCRIPTED, "worker", writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))} }}
concurrency_max = 1
[[mapping]]
queue = "jobs"
function = "worker"
batch_size = 1
[mapping.retry]
attempts_max = 2
backoff_base = "100ms"
backoff_max = "200ms"
""").start()

    def sent(self, server, queue, body, **more):
        status, text = server.http("POST", f"/v1/queues/{queue}/messages", json.dumps({"body": body} | more),
                                   {"Content-Type": "application/json"})
        if status != 200:
            raise Refused(status, text)
        return json.loads(text)["message_id"]

    def story(self, server, message):
        return json.loads(server.run("explain", message, "--json").stdout)

    def whats(self, server, message):
        return [moment["what"] for moment in self.story(server, message)["moments"]]

    def test_a_message_s_time_line_says_why_it_was_late(self):
        server = self.start()
        first = self.sent(server, "jobs", "sleep 1")
        second = self.sent(server, "jobs", "ok second")
        wait_for(lambda: "deleted" in self.whats(server, second), "the second is done")
        story = self.story(server, first)
        self.assertEqual([moment["what"] for moment in story["moments"]], ["sent", "run", "deleted"])
        self.assertEqual((story["state"], story["complete"], story["late"]["cause"]), ("gone", True, "cold_start"))
        self.assertGreaterEqual(self.story(server, second)["late"]["waited_seconds"], 1)
        self.assertEqual(self.story(server, second)["late"]["cause"], "no_capacity")

        failing = self.sent(server, "jobs", "fail")
        wait_for(lambda: self.whats(server, failing).count("retry") >= 2, "it failed twice")
        text = server.run("explain", failing).stdout
        self.assertRegex(text, r"attempt 1 failed \(handler\); again .*% would fail again")

        plain = server.queue("plain")
        delayed = self.sent(server, "plain", "later", delay_seconds=1)
        message = wait_for(lambda: server.receive("plain"), "it is visible")[0]
        self.assertEqual(message["MessageId"], delayed)
        server.sqs("DeleteMessage", QueueUrl=plain, ReceiptHandle=message["ReceiptHandle"])
        self.assertEqual(self.whats(server, delayed), ["sent", "delivered", "deleted"])

        # What is not known is said.
        kept = self.sent(server, "plain", "stays")
        server.kill()
        server.start()
        story = self.story(server, kept)
        self.assertEqual((story["state"], story["complete"]), ("ready", False))
        self.assertIn("before the server started", story["missing"])
        gone = server.run("explain", delayed)
        self.assertEqual(gone.returncode, 1)
        self.assertIn("nothing is known of this message", gone.stderr)
        foreign = server.run("explain", "00000000-0000-4000-8000-000000000000")
        self.assertEqual(foreign.returncode, 1)
        self.assertIn("not the id of a message of this server", foreign.stderr)

    def test_a_function_s_lines_are_found_by_message(self):
        server = self.start()
        messages = [self.sent(server, "jobs", f"say {word}") for word in ("apple", "pear")]
        for message in messages:
            wait_for(lambda: "deleted" in self.whats(server, message), "it is done")
        lines = json.loads(server.run("fn", "logs", "worker", "--message", messages[1], "--json").stdout)
        texts = [line["text"] for line in lines]
        self.assertIn("pear", texts)
        self.assertNotIn("apple", texts)
        request = self.story(server, messages[1])["moments"][1]["request_id"]
        self.assertEqual({line["request_id"] for line in lines}, {request})
        self.assertIn(f"{request} pear", server.run("fn", "logs", "worker", "--message", messages[1]).stdout)
        everything = server.run("fn", "logs", "worker").stdout
        self.assertRegex(everything, r"(?s)apple.*pear")
        self.assertTrue(re.search(r" - worker is here", everything))
        unknown = server.run("fn", "logs", "worker", "--message", "x")
        self.assertEqual(unknown.returncode, 1)

    def test_a_test_message_is_checked_as_any_other_and_a_paused_queue_is_shown(self):
        server = self.server().start()
        server.queue("plain")
        server.queue("order.fifo", FifoQueue="true")
        with self.assertRaises(Refused) as refused:
            self.sent(server, "plain", "")
        self.assertEqual(refused.exception.status, 400)
        with self.assertRaises(Refused) as refused:
            self.sent(server, "order.fifo", "x")
        self.assertIn("MessageGroupId", refused.exception.message)
        with self.assertRaises(Refused) as refused:
            self.sent(server, "nowhere", "x")
        self.assertEqual(refused.exception.status, 404)
        self.sent(server, "order.fifo", "x", group="g", deduplication_id="d")
        self.assertEqual(server.counts("order.fifo")[0], 1)
        self.assertIn("sendMessage", server.http("GET", "/v1/openapi.json")[1])

        server.run("queue", "pause", "plain")
        wait_for(lambda: "paused" in server.run("queue", "list").stdout, "the pause is shown")
        rows = {row.split()[0]: row for row in server.run("queue", "list").stdout.splitlines()}
        self.assertTrue(rows["plain"].endswith("paused"))
        self.assertTrue(rows["order.fifo"].endswith("-"))


if __name__ == "__main__":
    unittest.main()
