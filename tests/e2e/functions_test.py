"""Functions behind queues: what runs, what is tried again, where failures end, and what is gone afterwards."""

import json
import os
import pathlib
import re
import signal
import time
import unittest

from server_process import (PYTHON, Refused, ServerTest, process_exists, process_of, process_state, python_handler,
                            wait_for)

SCRIPTED = str(pathlib.Path(__file__).parent / "handlers" / "scripted.py")
QUICK_RETRIES = "\n[mapping.retry]\nbackoff_base = \"100ms\"\nbackoff_max = \"500ms\"\n"


class FunctionsTests(ServerTest):
    def entries(self):
        """(function, process, text) of everything that ran."""
        lines = self.journal.read_text().splitlines()
        return [(name, process, text) for name, process, text in (line.split(" ", 2) for line in lines)]

    def attempts(self, text):
        return sum(entry[2] == text for entry in self.entries())

    def function(self, name, queue, script=SCRIPTED, settings="", mapping="", retries=QUICK_RETRIES):
        """TOML of a function and its mapping."""
        return f"""
[[function]]
name = "{name}"
{python_handler(script, name, writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))} }}
start_time_guess = "200ms"
{settings}
[[mapping]]
queue = "{queue}"
function = "{name}"
{mapping}{retries}"""

    def with_dead_letters(self, queue, attempts, **attributes):
        """TOML of a queue and its dead-letter queue."""
        policy = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:000000000000:{queue}-dead",
                             "maxReceiveCount": attempts})
        return f"""
[[queue]]
name = "{queue}-dead"
[[queue]]
name = "{queue}"
attributes = {{ RedrivePolicy = {json.dumps(policy)} }}
"""

    def is_empty(self, server, queue):
        return sum(server.counts(queue)) == 0

    def test_a_message_that_ends_its_process_is_tried_again_in_a_larger_variant(self):
        variants = "".join(f"""
[[function.variant]]
memory_mb = {memory}
command = [{json.dumps(PYTHON)}, {json.dumps(SCRIPTED)}, "{name}"]
environment = {{ VARIANT = "{name}" }}
""" for name, memory in (("small", 128), ("large", 512)))
        server = self.server(config=self.function("sized", "sizes", settings=variants)).start()
        server.send("sizes", "only large")
        wait_for(lambda: self.is_empty(server, "sizes") and self.attempts("only large") > 1, "it has run")
        ran = [name for name, _, text in self.entries() if text == "only large"]
        self.assertEqual((ran[0], ran[-1]), ("small", "large"))

    def test_a_type_that_needs_more_memory_than_a_variant_has_is_known_before_it_ends_a_process(self):
        variants = "".join(f"""
[[function.variant]]
memory_mb = {memory}
command = [{json.dumps(PYTHON)}, {json.dumps(SCRIPTED)}, "{name}"]
""" for name, memory in (("small", 256), ("large", 1024)))
        server = self.server(config=self.function("sized", "sizes", settings=variants)).start()
        sent = []

        def run_one(kind, megabytes):
            text = f"use {megabytes} {kind}-{len(sent)}"
            sent.append(text)
            server.send("sizes", text, MessageAttributes={
                "forewarm.type": {"DataType": "String", "StringValue": kind}})
            wait_for(lambda: self.attempts(text) > 0 and self.is_empty(server, "sizes"), "it has run")
            return next(name for name, _, did in self.entries() if did == text)

        self.assertEqual(run_one("light", 5), "small")
        for _ in range(3):
            time.sleep(0.3)  # an instance's runs are measured four times a second
            run_one("heavy", 190)  # fits, and hardly
        time.sleep(0.3)
        self.assertEqual([run_one("heavy", 180) for _ in range(6)], ["large"] * 6)
        run_one("light", 5)
        self.assertEqual([self.attempts(text) for text in sent], [1] * len(sent), "nothing crashed")

        shown = re.compile(r'forewarm_function_memory_need_bytes\{function="sized"\} (\d+)')
        wait_for(lambda: int(shown.search(server.http("GET", "/metrics")[1])[1]) > 190 << 20, "the need is shown")
        self.assertRegex(server.run("fn", "ls").stdout, r"sized .* 256/1024 MB +\d+ MB")

    def test_messages_run_on_the_function_of_their_queue(self):
        server = self.server(config=self.function("first", "one") + self.function("second", "two")).start()
        for n in range(10):
            server.send("one", f"ok one-{n}")
            server.send("two", f"ok two-{n}")
        wait_for(lambda: self.is_empty(server, "one") and self.is_empty(server, "two"), "all has run")
        ran = sorted((name, text) for name, _, text in self.entries() if text.startswith("ok"))
        self.assertEqual(ran, sorted([("first", f"ok one-{n}") for n in range(10)] +
                                     [("second", f"ok two-{n}") for n in range(10)]))

    def test_what_fails_is_tried_again_and_then_dead_lettered_and_comes_back_by_redrive(self):
        server = self.server(config=self.with_dead_letters("jobs", 3) + self.function("worker", "jobs")).start()
        server.send("jobs", "fail always", "ok this")
        wait_for(lambda: server.counts("jobs-dead") == (1, 0, 0), "it is in the dead-letter queue")
        self.assertEqual(self.attempts("fail always"), 3)
        self.assertEqual(self.attempts("ok this"), 1)

        listed = server.run("dlq", "list", "--json")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertEqual(json.loads(listed.stdout), [{"name": "jobs-dead", "messages": 1, "groups": 1,
                                                      "sources": ["jobs"]}])
        self.assertRegex(server.run("dlq", "list").stdout, r"jobs-dead +1 +1 +jobs")

        redriven = server.run("dlq", "redrive", "jobs-dead")
        self.assertEqual(redriven.returncode, 0, redriven.stderr)
        wait_for(lambda: self.attempts("fail always") == 6, "its attempts were forgotten")
        wait_for(lambda: server.counts("jobs-dead") == (1, 0, 0), "it is back in the dead-letter queue")

    def test_of_a_batch_only_what_failed_is_tried_again(self):
        # The window makes one batch of all five, whenever the function is ready.
        server = self.server(config=self.with_dead_letters("jobs", 2) + self.function(
            "worker", "jobs", mapping='batch_size = 5\nbatch_window = "1s"\n')).start()
        server.sqs("SendMessageBatch", QueueUrl=server.url("jobs"), Entries=[
            {"Id": str(n), "MessageBody": body} for n, body in enumerate(
                ["ok a", "batchfail b", "ok c", "batchfail d", "ok e"])])
        wait_for(lambda: server.counts("jobs-dead")[0] == 2, "two are in the dead-letter queue")
        wait_for(lambda: self.is_empty(server, "jobs"), "the others are gone")
        for text, count in (("ok a", 1), ("batchfail b", 2), ("ok c", 1), ("batchfail d", 2), ("ok e", 1)):
            self.assertEqual(self.attempts(text), count, text)
        self.assertEqual({message["Body"] for message in server.receive("jobs-dead")}, {"batchfail b", "batchfail d"})

    def test_functions_are_added_listed_invoked_and_updated_on_a_running_server(self):
        server = self.server().start()
        add = ("--env", f"JOURNAL={self.journal}", "--read-path", SCRIPTED, "--write-path", self.notes, "--")
        done = server.run("fn", "add", "worker", "--queue", "jobs", *add, PYTHON, SCRIPTED, "old")
        self.assertEqual(done.returncode, 0, done.stderr)
        again = server.run("fn", "add", "worker", "--", "true")
        self.assertEqual(again.returncode, 1)
        self.assertIn("fn update worker", again.stderr)

        invoked = server.run("fn", "invoke", "worker", '{"n": 7}')
        self.assertEqual((invoked.returncode, json.loads(invoked.stdout)), (0, {"name": "old", "got": {"n": 7}}))
        failed = server.run("fn", "invoke", "worker", '{"fail": true}')
        self.assertEqual(failed.returncode, 1)
        self.assertIn("ValueError", failed.stderr)

        sent = [f"sleep 0.05 {n}" for n in range(60)]
        server.send("jobs", *sent[:30])
        done = server.run("fn", "update", "worker", "--", PYTHON, SCRIPTED, "new")
        self.assertEqual(done.returncode, 0, done.stderr)
        server.send("jobs", *sent[30:])
        wait_for(lambda: self.is_empty(server, "jobs"), "all has run")
        ran = {text: name for name, _, text in self.entries() if text.startswith("sleep")}
        self.assertEqual(set(ran), set(sent), "messages were lost")
        self.assertEqual({ran[text] for text in sent[30:]}, {"new"}, "the old version went on")
        self.assertEqual(sum(self.attempts(text) for text in sent), 60, "some ran twice")

        def versions():
            functions = json.loads(server.run("fn", "ls", "--json").stdout)
            return [(function["name"], function["version"]) for function in functions]

        # The list is taken about once a second.
        wait_for(lambda: versions() == [("worker", 2)], "the new version is listed")
        self.assertIn("worker", server.run("fn", "ls").stdout)
        # What it writes passes through a pipe and may be a moment late.
        wait_for(lambda: "new is here" in server.run("fn", "logs", "worker", "--lines", "500").stdout, "it is logged")
        self.assertEqual(server.run("fn", "logs", "nobody").returncode, 1)

        server.kill()
        server.start()
        server.send("jobs", "ok after the restart")
        wait_for(lambda: ("new", "ok after the restart") in [(name, text) for name, _, text in self.entries()],
                 "the function was remembered")

    def test_a_removed_function_runs_no_more_and_its_queue_keeps_its_messages(self):
        server = self.server().start()
        added = server.run("fn", "add", "worker", "--queue", "jobs", "--env", f"JOURNAL={self.journal}",
                           "--read-path", SCRIPTED, "--write-path", self.notes, "--", PYTHON, SCRIPTED, "worker")
        self.assertEqual(added.returncode, 0, added.stderr)
        server.send("jobs", "sleep 1 under way")
        wait_for(lambda: server.counts("jobs")[1] == 1, "it runs")
        removed = server.run("fn", "remove", "worker")
        self.assertEqual(removed.returncode, 0, removed.stderr)
        wait_for(lambda: self.is_empty(server, "jobs"), "what was under way has finished")
        self.assertEqual(self.attempts("sleep 1 under way"), 1)
        pids = {pid for _, pid, _ in self.entries()}
        wait_for(lambda: not any(process_exists(pid) for pid in pids), "its instances have ended")

        for text in ("ok kept", "ok after a restart"):
            server.send("jobs", text)
            self.assertEqual([message["Body"] for message in server.receive("jobs")], [text], "anybody may receive")
            self.assertEqual(self.attempts(text), 0)
            self.assertEqual(json.loads(server.run("fn", "ls", "--json").stdout), [])
            server.stop()
            server.start()
        self.assertEqual(server.run("fn", "remove", "worker").returncode, 1)

    def test_a_reload_takes_what_is_valid_and_nothing_else(self):
        server = self.server(config=self.function("first", "one")).start()
        server.config.write_text(self.function("first", "one").replace("name", "nmae", 1))
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "not reloaded" in server.log_text(), "the error is logged")
        self.assertIn("nmae", server.log_text())
        server.send("one", "ok before")
        wait_for(lambda: self.attempts("ok before") == 1, "what was in force stays")

        server.config.write_text('listen = "127.0.0.1:1"\n' + self.function("second", "one") +
                                 self.function("third", "three"))
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "is reloaded" in server.log_text(), "it is reloaded")
        self.assertNotIn("needs a restart", server.log_text(), "a flag stands over the file")
        server.send("one", "ok after")
        server.send("three", "ok new")
        wait_for(lambda: {("second", "ok after"), ("third", "ok new")} <=
                 {(name, text) for name, _, text in self.entries()}, "the new functions run")
        refused = server.run("fn", "remove", "third")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("configuration file", refused.stderr)

    def test_a_command_that_does_not_exist_is_named_and_costs_nothing(self):
        config = self.with_dead_letters("jobs", 2) + """
[[function]]
name = "worker"
command = ["/nowhere/bootstrap"]
[[mapping]]
queue = "jobs"
function = "worker"
"""
        server = self.server(config=config).start()
        server.send("jobs", "ok kept")
        wait_for(lambda: "/nowhere/bootstrap" in server.log_text(), "the log names the command")
        before, lines = cpu_seconds(server.process.pid), len(server.log_text().splitlines())
        time.sleep(4)
        self.assertLess(cpu_seconds(server.process.pid) - before, 1.5, "it spins")
        self.assertLess(len(server.log_text().splitlines()) - lines, 40, "it floods the log")
        self.assertEqual((sum(server.counts("jobs")), sum(server.counts("jobs-dead"))), (1, 0))
        self.assertEqual(server.http("GET", "/readyz")[0], 200)

        # With the command mended, the message runs.
        server.stop()
        server.config.write_text(self.with_dead_letters("jobs", 2) + self.function("worker", "jobs"))
        server.start()
        wait_for(lambda: self.attempts("ok kept") == 1, "it has run")

    def test_only_shared_consumers_may_receive_what_a_function_takes(self):
        server = self.server(config=self.function("closed", "closed") +
                             self.function("shared", "shared", mapping="shared_consumers = true\n")).start()
        with self.assertRaises(Refused) as refused:
            server.receive("closed")
        self.assertEqual(refused.exception.status, 400)
        self.assertIn("shared_consumers = true", refused.exception.message)
        self.assertEqual(server.receive("shared"), [])

    def test_a_run_that_hangs_ends_at_its_timeout_and_is_tried_again(self):
        server = self.server(config=self.with_dead_letters("jobs", 2) + self.function(
            "worker", "jobs", settings='timeout = "500ms"\n')).start()
        server.send("jobs", "hang here")
        wait_for(lambda: server.counts("jobs-dead") == (1, 0, 0), "it is in the dead-letter queue")
        hung = [pid for _, pid, text in self.entries() if text == "hang here"]
        self.assertEqual(len(hung), 2)
        self.assertEqual(len(set(hung)), 2, "an instance was used again after a timeout")
        wait_for(lambda: not any(map(process_exists, hung)), "the instances that hung are gone")

    def test_an_instance_that_dies_costs_an_attempt_and_not_the_message(self):
        server = self.server(config=self.with_dead_letters("jobs", 3) + self.function("worker", "jobs")).start()
        server.send("jobs", "exit now", *(f"ok {n}" for n in range(5)))
        wait_for(lambda: server.counts("jobs-dead") == (1, 0, 0), "it is in the dead-letter queue")
        self.assertEqual(self.attempts("exit now"), 3)
        wait_for(lambda: self.is_empty(server, "jobs"), "the others have run")

    def test_a_killed_server_leaves_nothing_running_after_its_restart(self):
        server = self.server(config=self.function("worker", "jobs", settings='timeout = "60s"\n')).start()
        server.send("jobs", "sleep 30 a", "sleep 30 b")
        wait_for(lambda: self.attempts("sleep 30 a") + self.attempts("sleep 30 b") == 2, "both run")
        old = {pid for _, pid, _ in self.entries()}
        server.kill()
        server.start()
        wait_for(lambda: not any(map(process_exists, old)), "the leftovers are gone")
        wait_for(lambda: self.attempts("sleep 30 a") == 2 and self.attempts("sleep 30 b") == 2, "both run again")

    def test_an_idle_instance_is_frozen_and_works_again_when_a_message_comes(self):
        recording = self.folder / "events.txt"
        frozen = 'freeze_after = "300ms"\n'
        config = self.function("worker", "jobs", settings=frozen, mapping="\n[mapping.scaling]\ninstances_min = 1\n")
        server = self.server("--record", recording, config=config).start()

        def instances():
            listed = [function["instances"] for function in server.get("/v1/functions")]
            return listed[0] if listed else {}

        def states():
            return {process_state(pid) for _, pid, _ in self.entries()} - set("ZX")

        server.send("jobs", "ok first")
        wait_for(lambda: self.attempts("ok first") == 1 and self.is_empty(server, "jobs"), "it has run")
        pids = {pid for _, pid, _ in self.entries()}
        wait_for(lambda: {process_state(pid) for pid in pids} == {"T"}, "all stand still")
        wait_for(lambda: instances().get("frozen") == len(pids), "they are shown as frozen")
        self.assertEqual(instances()["idle"], 0)
        used = [cpu_seconds(pid) for pid in pids]
        shown = f'forewarm_instances{{function="worker",state="frozen"}} {len(pids)}\n'
        wait_for(lambda: shown in server.http("GET", "/metrics")[1], "they are measured as frozen")
        self.assertRegex(server.run("fn", "ls").stdout, rf"worker +1 +0 +0 +{len(pids)} +0")
        self.assertEqual([cpu_seconds(pid) for pid in pids], used, "a frozen instance uses no processor")

        for n in range(3):
            server.send("jobs", f"ok later {n}")
            wait_for(lambda: self.attempts(f"ok later {n}") == 1, "it runs")
            wait_for(lambda: {process_state(pid) for pid in pids} == {"T"}, "all stand still again")
        self.assertEqual({pid for _, pid, _ in self.entries()}, pids, "no instance was started for it")

        thaws = re.search(r'forewarm_instance_thaws_total{function="worker"} (\d+)', server.http("GET", "/metrics")[1])
        self.assertGreaterEqual(int(thaws[1]), 3)

        # Another configuration: the old version ends by itself though it stands still.
        server.config.write_text(config.replace(frozen, 'freeze_after = "200ms"\n'))
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: not any(map(process_exists, pids)), "the old version is gone")
        wait_for(lambda: states() == {"T"}, "a new one stands still")
        pids = {pid for _, pid, _ in self.entries()} - pids
        server.kill()
        self.assertTrue(all(map(process_exists, pids)))
        server.start()
        wait_for(lambda: not any(map(process_exists, pids)), "what a killed server left is gone")
        wait_for(lambda: states() == {"T"}, "its own stand still")
        self.assertEqual(server.stop(), 0)
        self.assertFalse(any(process_exists(pid) for _, pid, _ in self.entries()), "nothing is left")
        audited = server.run("replay", "--audit", recording)
        self.assertEqual(audited.returncode, 0, audited.stderr)

    def test_a_server_that_ends_takes_its_instances_with_their_children(self):
        # The child is in a session of its own, as a daemon's.
        config = self.function("worker", "jobs").replace("environment = {", 'environment = { WITH_CHILD = "1",')
        server = self.server(config=config).start()
        server.send("jobs", "ok", "sleep 60 busy")
        wait_for(lambda: self.attempts("ok") == 1 and self.attempts("sleep 60 busy") == 1, "both run")
        instances = {pid for _, pid, _ in self.entries()}
        children = {text.split()[1] for _, _, text in self.entries() if text.startswith("child")}
        self.assertTrue(children)
        self.assertTrue(all(map(process_exists, children)))
        self.assertEqual(server.stop(), 0)
        left = [pid for pid in instances | children if process_exists(pid)]
        self.assertEqual(left, [])
        server.config = None
        server.start()
        self.assertEqual(server.counts("jobs"), (1, 0, 0), "what was running is not lost")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{process_of(pid)}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    unittest.main(verbosity=2)
