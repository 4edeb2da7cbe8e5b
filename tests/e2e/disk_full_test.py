"""A full disk: messages are refused in words, everything else goes on, and it ends by itself. And the limits of a queue.

The full disk is a tmpfs of 40 MB; without the right to mount one, these tests are skipped.
"""

import json
import os
import subprocess
import unittest

from server_process import Refused, Server, ServerTest, python_handler, wait_for

# Fails what says so.
HANDLER = '''
import json, os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as answer:
        request, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    where = "error" if "poison" in event["Records"][0]["body"] else "response"
    said = {"errorType": "KeyError", "errorMessage": "poison"} if where == "error" else {}
    urllib.request.urlopen(urllib.request.Request(api + request + "/" + where, json.dumps(said).encode())).close()
'''


class DiskFullTests(ServerTest):
    def small_disk(self):
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(disk)], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("no tmpfs can be mounted: " + mounted.stderr.decode())
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], capture_output=True)
        return disk

    def fill(self, server, body):
        """Sends until it is refused: how many were taken, and the refusal."""
        url = server.url("jobs")
        for number in range(1000):
            try:
                server.sqs("SendMessage", QueueUrl=url, MessageBody=body)
            except Refused as refused:
                return number, refused
        raise AssertionError("the disk does not get full")

    def server_on(self, disk, config="", log=None):
        path = self.folder / "forewarm.toml"
        path.write_text("disk_reserve_mb = 4\n" + config)
        server = Server(disk, config=path)
        server.log = log or self.folder / "server.log"
        self.servers.append(server)
        return server.start()

    def functions(self):
        """Queues "jobs" with its dead letters and "plain", and what runs the first."""
        handler = self.folder / "handler.py"
        handler.write_text(HANDLER)
        policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 2})
        return f"""
[forecast]
step = "1s"
[[queue]]
name = "dead"
[[queue]]
name = "plain"
[[queue]]
name = "jobs"
attributes = {{ RedrivePolicy = {json.dumps(policy)} }}
[[function]]
name = "work"
{python_handler(handler)}
[[mapping]]
queue = "jobs"
function = "work"
scaling.instances_min = 1
scaling.instances_max = 1
retry.backoff_base = "50ms"
retry.backoff_max = "200ms"
"""

    def take_all_room(self, disk):
        """Another program that takes what there is, to the last byte."""
        with open(disk / "ballast", "ab", buffering=0) as ballast:
            for size in (1 << 20, 1 << 12, 1 << 8):
                try:
                    while ballast.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass

    def attempt(self, server, name):
        """What came of a change of the queue's attributes."""
        try:
            server.sqs("SetQueueAttributes", QueueUrl=server.url(name), Attributes={"DelaySeconds": "0"})
            return "done"
        except Refused as refused:
            return refused.message

    def nothing_can_be_written(self, disk, server, *said):
        """True once the reserve is used up too, and the log says all this. What is changed until then takes room."""
        self.take_all_room(disk)
        answer = self.attempt(server, "plain")
        self.sends(server, "plain")
        return "No space left" in answer and all(text in server.log_text() for text in said)

    def bodies(self, server, *names):
        found = []
        for name in names:
            while messages := server.receive(name, VisibilityTimeout=600):
                found += [message["Body"] for message in messages]
        return sorted(found)

    def test_messages_are_refused_the_rest_goes_on_and_room_ends_it(self):
        disk = self.small_disk()
        server = self.server_on(disk)
        server.queue("jobs", VisibilityTimeout="600")
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(20 << 20))
        taken, refused = self.fill(server, "x" * 200_000)
        self.assertGreater(taken, 5)
        self.assertEqual((refused.status, refused.code.split("#")[-1]), (503, "ServiceUnavailableException"))
        self.assertIn("full", refused.message)
        self.assertTrue(server.process.poll() is None)
        wait_for(lambda: "forewarm_store_full 1" in server.http("GET", "/metrics")[1], "the metric says so")
        received = 0
        while messages := server.receive("jobs"):
            for message in messages:
                server.sqs("DeleteMessage", QueueUrl=server.url("jobs"), ReceiptHandle=message["ReceiptHandle"])
                received += 1
        self.assertEqual(received, taken, "what was acknowledged is there")
        self.assertEqual(server.counts("jobs"), (0, 0, 0))
        wait_for(lambda: "the disk is full" in server.log_text(), "the log says so")
        ballast.unlink()
        wait_for(lambda: self.sends(server), "messages are taken again")
        server.kill()
        server.start()
        self.assertEqual(sum(server.counts("jobs")), 1, "the deletes are durable, and the last message too")

    def sends(self, server, name="jobs"):
        try:
            server.send(name, "room")
            return True
        except Refused:
            return False

    def test_what_is_written_beside_messages_says_what_stopped_and_goes_on(self):
        disk = self.small_disk()
        server = self.server_on(disk, f"record = {json.dumps(str(disk / 'recording'))}\n" + self.functions())
        self.attempt(server, "plain")
        server.send("jobs", "early")
        wait_for(lambda: sum(server.counts("jobs")) == 0, "it has run")
        data = disk / "data"
        wait_for(lambda: list((data / "decisions").glob("*")), "decisions are written")
        server.send("jobs", "late 1", "late 2", DelaySeconds=3)  # each look for room is a decision
        wait_for(lambda: self.nothing_can_be_written(
            disk, server, "cannot write the audit log", "cannot write the decision log", "cannot be written any more and ends here",
            "What is not written is missing in the history"), "everything has met the full disk")
        (disk / "ballast").unlink()
        wait_for(lambda: self.attempt(server, "plain") == "done", "changes are taken")
        wait_for(lambda: self.sends(server), "messages are taken")
        for text in ("the history is written again", "the decision log is written again"):
            wait_for(lambda: text in server.log_text(), text)
        wait_for(lambda: sum(server.counts("jobs")) == 0, "what is sent is run")
        lines = (data / "audit" / "audit.jsonl").read_text().splitlines()
        self.assertEqual(json.loads(lines[-1])["result"], "ok")
        files = sorted((data / "decisions").glob("*"))
        self.assertEqual(len(files), 1, "no new file for each attempt")
        for line in lines + files[0].read_text().splitlines():
            json.loads(line)  # no half lines
        audit = server.run("replay", disk / "recording", "--audit")
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)
        self.assertEqual(server.stop(), 0)

    def test_a_log_on_the_full_disk_stops_nothing_and_goes_on(self):
        disk = self.small_disk()
        server = self.server_on(disk, log=disk / "server.log")
        server.queue("plain")
        server.send("plain", "kept")
        wait_for(lambda: self.nothing_can_be_written(disk, server), "nothing can be written")
        wait_for(lambda: "forewarm_store_full 1" in server.http("GET", "/metrics")[1], "it goes on")
        (disk / "ballast").unlink()
        wait_for(lambda: self.sends(server, "plain"), "messages are taken")
        wait_for(lambda: "there is room on the disk again" in server.log_text(), "the log goes on")
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assertIn("kept", self.bodies(server, "plain"))

    def test_runs_and_dead_letters_wait_for_room_and_nothing_is_lost(self):
        disk = self.small_disk()
        server = self.server_on(disk, self.functions())
        server.send("jobs", "early")
        wait_for(lambda: sum(server.counts("jobs")) == 0, "an instance is there")
        kept = [f"kept {number}" for number in range(5)]
        server.send("plain", *kept)
        server.send("jobs", "late 1", "late 2", "poison 1", "poison 2", DelaySeconds=10)
        wait_for(lambda: self.nothing_can_be_written(disk, server), "nothing can be written")
        self.assertEqual(server.counts("jobs")[2], 4, "they are due on the full disk only")
        wait_for(lambda: self.nothing_can_be_written(disk, server) and server.counts("jobs")[2] == 0, "they are due")
        self.assertEqual((sum(server.counts("jobs")), server.counts("dead")), (4, (0, 0, 0)), "none can be begun")
        (disk / "ballast").unlink()
        wait_for(lambda: sum(server.counts("jobs")) == 0, "all have run, with no restart")
        self.assertEqual(server.counts("dead"), (2, 0, 0))
        server.kill()
        server.start()
        self.assertEqual(sum(server.counts("jobs")), 0)
        self.assertEqual(self.bodies(server, "dead"), ["poison 1", "poison 2"])
        self.assertEqual([body for body in self.bodies(server, "plain") if body != "room"], kept)

    def test_a_move_task_goes_on_when_there_is_room(self):
        disk = self.small_disk()
        server = self.server_on(disk)
        server.queue("dead")
        server.queue("home", RedrivePolicy=json.dumps(
            {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 2}))
        server.queue("plain")
        sent = sorted(f"message {number}" for number in range(200))
        server.send("dead", *sent)
        task = {"SourceArn": "arn:aws:sqs:us-east-1:000000000000:dead",
                "DestinationArn": "arn:aws:sqs:us-east-1:000000000000:home"}
        server.sqs("StartMessageMoveTask", MaxNumberOfMessagesPerSecond=20, **task)
        wait_for(lambda: server.counts("home")[0] > 0, "it has begun")
        wait_for(lambda: self.nothing_can_be_written(disk, server), "nothing can be written")
        self.assertGreater(server.counts("dead")[0], 0, "it is under way")
        (disk / "ballast").unlink()
        listed = lambda: server.sqs("ListMessageMoveTasks", SourceArn=task["SourceArn"])["Results"][0]  # noqa: E731
        wait_for(lambda: listed()["Status"] == "COMPLETED", "it goes on to its end")
        self.assertEqual((server.counts("dead"), server.counts("home")[0]), ((0, 0, 0), len(sent)))
        server.kill()
        server.start()
        # What could not be written when it was moved is where it was; what was counted is where it was moved to.
        self.assertGreaterEqual(server.counts("home")[0], listed()["ApproximateNumberOfMessagesMoved"])
        self.assertEqual(self.bodies(server, "dead", "home"), sent)

    def test_a_queue_has_the_limits_of_its_attributes(self):
        server = self.server(config='[[queue]]\nname = "few"\nattributes = { ForewarmMaximumMessages = "2" }\n').start()
        server.send("few", "one", "two")
        with self.assertRaises(Refused) as refused:
            server.send("few", "three")
        self.assertEqual(refused.exception.status, 403)
        self.assertIn("OverLimit", refused.exception.code)
        self.assertIn("ForewarmMaximumMessages", refused.exception.message)
        server.kill()
        server.start()
        with self.assertRaises(Refused):
            server.send("few", "three")
        message = server.receive("few", MaxNumberOfMessages=1)[0]
        server.sqs("DeleteMessage", QueueUrl=server.url("few"), ReceiptHandle=message["ReceiptHandle"])
        server.send("few", "three")


if __name__ == "__main__":
    unittest.main(verbosity=2)
