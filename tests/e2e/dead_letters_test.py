"""Dead letters: why they are there, what would become of them now, and sending those of one error back."""

import contextlib
import json
import re
import sqlite3
import unittest

from server_process import ServerTest, python_handler, wait_for

# Fails with what the body says, until the file that stands for the dependency is there.
HANDLER = '''
import json, os, sys, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime"
while True:
    with urllib.request.urlopen(api + "/invocation/next") as answer:
        request, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    body = json.loads(event["Records"][0]["body"])
    up = os.path.exists(os.environ["UP"])
    failure = None
    if body["kind"] == "poison":
        failure = {"errorType": "KeyError", "errorMessage": f"no field 'size' in order {body['n']}"}
    elif body["kind"] == "needs" and not up:
        failure = {"errorType": "ConnectionError", "errorMessage": f"database 10.0.0.{body['n']} refused the connection"}
    print("handled", body, flush=True)
    where = "error" if failure else "response"
    urllib.request.urlopen(urllib.request.Request(f"{api}/invocation/{request}/{where}",
                                                  json.dumps(failure or {}).encode())).close()
'''


class DeadLettersTests(ServerTest):
    def setUp(self):
        super().setUp()
        self.up = self.notes / "up"
        handler = self.folder / "handler.py"
        handler.write_text(HANDLER)
        policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:jobs-dead",
                             "maxReceiveCount": 2})
        self.running = self.server(config=f"""
[[queue]]
name = "jobs-dead"
[[queue]]
name = "jobs"
attributes = {{ RedrivePolicy = {json.dumps(policy)} }}
[[function]]
name = "work"
{python_handler(handler, writes=[self.notes])}environment = {{ UP = {json.dumps(str(self.up))} }}
start_time_guess = "200ms"
[[mapping]]
queue = "jobs"
function = "work"
[mapping.retry]
backoff_base = "50ms"
backoff_max = "200ms"
""").start()

    def command(self, *arguments, expect=0):
        done = self.running.run(*arguments)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def triage(self):
        return json.loads(self.command("dlq", "triage", "jobs-dead", "--json").stdout)

    def send(self, kind, numbers):
        for n in numbers:
            self.running.send("jobs", json.dumps({"kind": kind, "n": n}))

    def dead(self, count):
        wait_for(lambda: sum(self.running.counts("jobs-dead")) == count, f"{count} dead letters")

    def test_errors_are_told_apart_and_sent_back_when_they_would_succeed(self):
        self.send("needs", range(4))
        self.send("poison", range(3))
        self.dead(7)
        groups = {group["error_type"]: group for group in self.triage()["groups"]}
        self.assertEqual({kind: group["messages"] for kind, group in groups.items()},
                         {"ConnectionError": 4, "KeyError": 3})
        needs, poison = groups["ConnectionError"], groups["KeyError"]
        self.assertIn("refused the connection", needs["error_message"])
        self.assertEqual((needs["source"], needs["function"], needs["attempts"]), ("jobs", "work", 2))
        self.assertEqual(len(needs["samples"]), 3)

        # All of it is there after a crash.
        self.running.kill()
        self.running.start()
        again = {group["error_type"]: group for group in self.triage()["groups"]}
        for kind, group in groups.items():
            for member in ("fingerprint", "messages", "first", "last", "error_message", "attempts", "samples"):
                self.assertEqual(again[kind][member], group[member])

        # While the dependency is away a canary shows it, and nothing else is sent.
        stopped = self.command("dlq", "redrive", "jobs-dead", "--group", needs["fingerprint"], "--canary", "1", expect=1)
        self.assertIn("1 of 1 canaries failed again", stopped.stderr)
        self.dead(7)

        self.up.touch()
        self.send("plain", range(5))
        wait_for(lambda: sum(self.running.counts("jobs")) == 0, "plain messages are done")
        done = self.command("dlq", "redrive", "jobs-dead", "--group", needs["fingerprint"], "--canary", "2", "--json")
        task = json.loads(done.stdout)
        self.assertEqual((task["status"], task["moved"], task["succeeded"], task["failed"]), ("COMPLETED", 4, 4, 0))
        self.dead(3)
        left = self.triage()
        self.assertEqual([group["fingerprint"] for group in left["groups"]], [poison["fingerprint"]])
        self.assertEqual(left["not_recorded"], 0)

        text = self.command("dlq", "triage", "jobs-dead").stdout
        self.assertIn("KeyError: no field 'size' in order", text)
        self.assertIn("3 messages from jobs", text)
        audit = self.command("audit").stdout
        self.assertIn(f"/v1/dead-letter-queues/jobs-dead/groups/{needs['fingerprint']}/redrive", audit)

    def attempts_learnt(self):
        """As the stopped server left it."""
        with contextlib.closing(sqlite3.connect(self.running.data / "history.db")) as history:
            rows = history.execute("SELECT memory FROM memories WHERE name = 'failures'").fetchall()
        return int(re.search(r"learnt=(\d+)", rows[0][0])[1])

    def test_the_odds_go_on_from_where_they_were_after_a_restart(self):
        self.send("poison", range(3))
        self.dead(3)
        self.running.stop()
        self.assertEqual(self.attempts_learnt(), 6)
        self.running.start()
        self.send("poison", range(1))
        self.dead(4)
        self.running.stop()
        self.assertEqual(self.attempts_learnt(), 8)
        self.assertNotIn("begin anew", self.running.log_text())

    def test_what_is_asked_wrongly_is_refused_in_words(self):
        self.assertIn("no queue named", self.command("dlq", "triage", "nowhere", expect=1).stderr)
        self.assertIn("16 hexadecimal digits",
                      self.command("dlq", "redrive", "jobs-dead", "--group", "x", expect=1).stderr)
        self.assertIn("no message in jobs-dead has failed",
                      self.command("dlq", "redrive", "jobs-dead", "--group", "0" * 16, expect=1).stderr)
        self.command("dlq", "redrive", "jobs-dead", "--rate", "5", expect=2)


if __name__ == "__main__":
    unittest.main()
