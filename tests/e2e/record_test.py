"""A recording of a busy server replays to the same decisions, byte for byte, and a changed one does not."""

import concurrent.futures
import json
import pathlib
import re
import unittest

from server_process import PATIENCE_SECONDS, ServerTest, python_handler, run, wait_for

SCRIPTED = str(pathlib.Path(__file__).parent / "handlers" / "scripted.py")


class RecordTests(ServerTest):
    def setUp(self):
        super().setUp()
        self.recording = self.folder / "events.txt"
        policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:jobs-dead",
                             "maxReceiveCount": 2})
        self.config = f"""
[forecast]
step = "500ms"
horizon = 20
refit_every = 2
[[queue]]
name = "jobs-dead"
[[queue]]
name = "jobs"
attributes = {{ RedrivePolicy = {json.dumps(policy)} }}
[[function]]
name = "worker"
{python_handler(SCRIPTED, "worker", writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))} }}
timeout = "1s"
concurrency_max = 3
[[mapping]]
queue = "jobs"
function = "worker"
batch_size = 3
retry.backoff_base = "100ms"
retry.backoff_max = "200ms"
"""

    def audit(self, recording):
        return run("replay", recording, "--audit")

    def be_busy(self, server):
        """Everything that makes the core decide."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for load in [pool.submit(load, server) for load in (self.run_functions, self.be_a_client)]:
                load.result(2 * PATIENCE_SECONDS)
        redriven = server.run("dlq", "redrive", "jobs-dead")
        self.assertEqual(redriven.returncode, 0, redriven.stderr)
        server.run("fn", "invoke", "worker", '{"n": 1}')
        # What fails may be delayed for long now, by a circuit breaker.
        wait_for(lambda: server.counts("jobs")[:2] == (0, 0), "all has run")

    def run_functions(self, server):
        for n in range(40):
            server.send("jobs", f"sleep 0.02 {n}", "fail x" if n % 8 == 0 else "ok x")
        server.send("jobs", "hang", "exit", "batchfail y")
        wait_for(lambda: server.counts("jobs-dead")[0] >= 5, "the failures are in the dead-letter queue")

    def be_a_client(self, server):
        for round_ in range(6):
            name = f"temporary-{round_}"
            server.queue(name, VisibilityTimeout="1")
            server.send(name, *map(str, range(12)))
            server.send(name, "later", DelaySeconds=1)
            for n, message in enumerate(server.receive(name)):
                receipt = {"QueueUrl": server.url(name), "ReceiptHandle": message["ReceiptHandle"]}
                if n % 3 == 0:
                    server.sqs("DeleteMessage", **receipt)
                else:
                    server.sqs("ChangeMessageVisibility", VisibilityTimeout=(n % 3 - 1) * 5, **receipt)
            server.sqs("SetQueueAttributes", QueueUrl=server.url(name), Attributes={"VisibilityTimeout": "7"})
            server.receive(name, WaitTimeSeconds=1)
            if round_ % 2 == 0:
                server.sqs("PurgeQueue", QueueUrl=server.url(name))
            if round_ % 3 == 0:
                server.sqs("DeleteQueue", QueueUrl=server.url(name))
        server.queue("orders.fifo", FifoQueue="true", ContentBasedDeduplication="true")
        for n in range(10):
            server.send("orders.fifo", f"order {n}", MessageGroupId=f"customer-{n % 3}")
        server.receive("orders.fifo")

    def test_a_recording_brings_the_same_decisions_and_a_changed_one_is_named(self):
        server = self.server("--record", str(self.recording), config=self.config).start()
        self.be_busy(server)
        self.assertEqual(server.stop(), 0)
        audit = self.audit(self.recording)
        self.assertEqual(audit.returncode, 0, audit.stderr + audit.stdout)
        self.assertIn("all the same", audit.stdout)
        # If nothing had been decided, it would be easy to decide the same.
        lines = self.recording.read_text().splitlines()
        actions = {line.split()[0] for line in lines if line.startswith(" ")}
        self.assertGreaterEqual(len(actions), 8, actions)
        self.change_an_action(lines)

        # What the store held is the beginning of the next recording.
        server.start()
        server.send("jobs", "ok after the restart")
        wait_for(lambda: sum(server.counts("jobs")) == 0, "it has run")
        self.assertEqual(server.stop(), 0)
        audit = self.audit(self.recording)
        self.assertEqual(audit.returncode, 0, audit.stderr + audit.stdout)

    def change_an_action(self, lines):
        numbers = [number for number, line in enumerate(lines) if line.startswith(" ") and re.search(r"\d", line)]
        for number in (numbers[0], numbers[len(numbers) // 2], numbers[-1]):
            at = max(match.start() for match in re.finditer(r"\d", lines[number]))
            digit = str((int(lines[number][at]) + 1) % 10)
            changed = lines[:number] + [lines[number][:at] + digit + lines[number][at + 1:]] + lines[number + 1:]
            path = self.folder / "changed.txt"
            path.write_text("".join(line + "\n" for line in changed))
            audit = self.audit(path)
            self.assertEqual(audit.returncode, 1, lines[number])
            self.assertIn(f"{path}:{number + 1}:", audit.stdout)
            self.assertIn(changed[number].strip(), audit.stdout)

    def test_the_recording_of_a_killed_server_is_good_up_to_its_end(self):
        server = self.server("--record", str(self.recording), config=self.config).start()
        for n in range(50):
            server.send("jobs", f"ok {n}")
        wait_for(lambda: self.recording.stat().st_size > 1000, "the recording is on disk")
        server.kill()
        audit = self.audit(self.recording)
        self.assertEqual(audit.returncode, 0, audit.stderr + audit.stdout)

    def test_what_is_no_recording_is_refused(self):
        path = self.folder / "no-recording.txt"
        path.write_text("once upon a time\n")
        audit = self.audit(path)
        self.assertNotEqual(audit.returncode, 0)
        self.assertIn(f"{path}:1:", audit.stderr)
        empty = self.folder / "empty.txt"
        empty.touch()
        self.assertNotEqual(self.audit(empty).returncode, 0, "nothing shows nothing")
        self.assertNotEqual(self.audit(self.folder / "missing.txt").returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
