"""The end of a server: runs under way may finish, nothing new begins, and a service manager is told."""

import json
import os
import pathlib
import signal
import socket
import threading
import unittest

from server_process import Refused, ServerTest, python_handler, wait_for

SCRIPTED = str(pathlib.Path(__file__).parent / "handlers" / "scripted.py")


class WorkerTest(ServerTest):
    def worker(self, timeout="30s", concurrency=1):
        return self.server(config=f"""
shutdown_timeout = "{timeout}"
[[function]]
name = "worker"
{python_handler(SCRIPTED, writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))} }}
concurrency_max = {concurrency}
[[mapping]]
queue = "jobs"
function = "worker"
batch_size = 1
""").start()

    def runs(self):
        return [line.split(" ", 2)[2] for line in self.journal.read_text().splitlines() if "started" not in line]


class ShutdownTests(WorkerTest):
    def test_a_run_under_way_finishes_and_nothing_new_begins(self):
        server = self.worker()
        server.queue("plain")
        server.send("jobs", "sleep 2", "ok second")
        wait_for(lambda: self.runs() == ["sleep 2"], "the first message runs")
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: server.http("GET", "/readyz")[0] == 503, "it is not ready any more")
        self.assertEqual(server.http("GET", "/healthz")[0], 200)
        server.send("plain", "sent at the end")
        with self.assertRaises(Refused) as refused:
            server.receive("plain")
        self.assertEqual(refused.exception.status, 503)
        self.assertIn("shutting down", refused.exception.message)
        self.assertEqual(server.process.wait(60), 0)
        self.assertEqual(self.runs(), ["sleep 2"])
        self.assertNotIn("delivered again", server.log_text())
        server.start()
        wait_for(lambda: self.runs() == ["sleep 2", "ok second"], "only what had not run runs")
        self.assertEqual(len(server.receive("plain")), 1)

    def test_after_the_deadline_a_run_is_cut_off_and_comes_again(self):
        server = self.worker(timeout="300ms")
        server.send("jobs", "hang")
        wait_for(lambda: self.runs(), "it runs")
        self.assertEqual(server.stop(), 0)
        self.assertIn("delivered again", server.log_text())
        server.start()
        wait_for(lambda: len(self.runs()) == 2, "it runs again")
        self.assertEqual(server.stop(), 0)

    def test_a_second_signal_ends_it_at_once(self):
        server = self.worker(timeout="10m")
        server.send("jobs", "hang")
        wait_for(lambda: self.runs(), "it runs")
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: server.http("GET", "/readyz")[0] == 503, "it is ending")
        self.assertTrue(server.process.poll() is None)
        self.assertEqual(server.stop(), 0)
        self.assertIn("at once", server.log_text())

    def test_who_invokes_a_function_by_hand_is_answered_to_the_end(self):
        server = self.worker(timeout="20s")
        path = "/v1/functions/worker/invocations"
        answers = {}

        def invoke(name, payload):
            answers[name] = server.http("POST", path, json.dumps(payload))

        slow = threading.Thread(target=invoke, args=("slow", {"sleep": 2}))
        slow.start()
        wait_for(lambda: "invoked" in self.runs(), "it runs")
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: server.http("GET", "/readyz")[0] == 503, "it is ending")
        invoke("late", {})
        self.assertEqual(answers["late"][0], 503)
        self.assertIn("shutting down", answers["late"][1])
        slow.join(60)
        self.assertEqual(answers["slow"][0], 200)
        self.assertEqual(server.process.wait(60), 0)

    def test_who_waits_for_an_invocation_at_the_deadline_is_told(self):
        server = self.worker(timeout="500ms")
        answers = []
        hanging = threading.Thread(target=lambda: answers.append(
            server.http("POST", "/v1/functions/worker/invocations", json.dumps({"sleep": 3600}))))
        hanging.start()
        wait_for(lambda: "invoked" in self.runs(), "it runs")
        self.assertEqual(server.stop(), 0)
        hanging.join(60)
        self.assertEqual(answers[0][0], 503)
        self.assertIn("shut down before the function answered", answers[0][1])

    def test_a_service_manager_hears_of_it(self):
        path = self.folder / "notify"
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(str(path))
        manager.settimeout(60)
        os.environ |= {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"}
        try:
            server = self.server(config="region = \"eu-central-1\"\n").start()
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        heard = []

        def hears(text):
            while not any(line.startswith(text) for line in heard):
                heard.append(manager.recv(4096).decode())
            heard.clear()

        hears("READY=1")
        hears("WATCHDOG=1")
        server.process.send_signal(signal.SIGHUP)
        hears("RELOADING=1\nMONOTONIC_USEC=")
        hears("READY=1")
        server.process.send_signal(signal.SIGTERM)
        hears("STOPPING=1")
        self.assertEqual(server.process.wait(60), 0)


class PauseTests(WorkerTest):
    def test_a_paused_queue_hands_out_nothing_and_goes_on_when_it_is_resumed(self):
        server = self.worker()
        self.assertEqual(server.run("queue", "pause", "jobs").returncode, 0)
        server.queue("plain", ForewarmPaused="true")
        server.send("jobs", "ok waits")
        server.send("plain", "waits")
        self.assertEqual(server.receive("plain"), [])
        server.kill()
        server.start()
        self.assertEqual(server.receive("plain", WaitTimeSeconds=1), [], "a restart does not resume it")
        self.assertEqual(self.runs(), [])
        peeked = json.loads(server.run("queue", "peek", "jobs", "--json").stdout)
        self.assertEqual([(message["body"], message["state"]) for message in peeked], [("ok waits", "ready")])
        self.assertEqual(server.run("queue", "resume", "jobs").returncode, 0)
        wait_for(lambda: self.runs() == ["ok waits"], "it runs")
        server.run("queue", "resume", "plain")
        self.assertEqual(len(server.receive("plain", WaitTimeSeconds=5)), 1)
        self.assertEqual(server.run("queue", "pause", "nobody").returncode, 1)

    def test_peeking_receives_nothing(self):
        server = self.server().start()
        server.queue("jobs")
        server.send("jobs", "one", "two\nlines", "three")
        shown = server.run("queue", "peek", "jobs", "--limit", "2")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        lines = shown.stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn("two\\nlines", lines[1])
        self.assertEqual(server.counts("jobs"), (3, 0, 0))
        self.assertEqual({message["Attributes"]["ApproximateReceiveCount"] for message in server.receive("jobs")}, {"1"})
        self.assertEqual(server.run("queue", "peek", "nobody").returncode, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
